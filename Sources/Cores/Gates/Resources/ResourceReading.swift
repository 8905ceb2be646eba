package import Plans

/// Every resource of the change sets, understood.
package struct ResourceReading: Sendable {
  package private(set) var resources: [PlannedResource] = []
  package private(set) var undecided: [MissingFact] = []
  package private(set) var coverage = GateResult.Coverage()
  /// Text that runs and stands in no resource change, by change set.
  package private(set) var scripts: [(set: Int, script: PlanScript)] = []
  /// Resource groups that a template within a plan empties of what it does not name, by change set.
  package private(set) var completeModeScopes: [(set: Int, scope: String)] = []

  package init(_ sets: [ChangeSet]) {
    var unknownTypes: Set<String> = []
    for (number, set) in sets.enumerated() {
      undecided += set.missing
      undecided += set.incomplete.map { MissingFact(address: "", missing: $0) }
      scripts += set.scripts.map { (number, $0) }
      resources.reserveCapacity(resources.count + set.resources.count)
      for change in set.resources {
        coverage.resources += 1
        if let translation = change.type.hasPrefix("azapi_") || change.type.hasSuffix("_template_deployment") ? change.asARM() : nil {
          undecided += translation.missing
          scripts += translation.scripts.map { (number, $0) }
          completeModeScopes += translation.completeModeScopes.map { (number, $0) }
          resources.append(Self.read(change, set: number))
          for inner in translation.changes { add(inner, number, &unknownTypes) }
        } else {
          add(change, number, &unknownTypes)
        }
      }
    }
    coverage.unknownTypes = unknownTypes.sorted()
    coverage.evaluated = coverage.resources - unevaluated
  }

  private var unevaluated = 0

  private mutating func add(_ change: ResourceChange, _ number: Int, _ unknownTypes: inout Set<String>) {
    let resource = Self.read(change, set: number)
    resources.append(resource)
    guard !change.isData, change.action != .noOp, change.action != .read, !change.isDrift else { return }
    let kind = ResourceKind.of(change.type, change.dialect)
    if kind == nil, ResourceKind.isWatched(change.type) {
      unknownTypes.insert(change.type)
      unevaluated += 1
      undecided.append(
        MissingFact(
          address: change.address,
          missing: "what a resource of type \(change.type) does to keys and rights: no rule knows this type; "
            + "review it by hand, or use a version of hallmark that knows it"))
    } else if kind != nil, change.isDeferred {
      unevaluated += 1
      undecided.append(MissingFact(address: change.address, missing: "the deferred change: apply the rest first, then plan again"))
    } else if kind != nil, change.action == .unsupported {
      unevaluated += 1
      undecided.append(
        MissingFact(address: change.address, missing: "what happens to this resource: the tool could not say; supply a plan that covers it"))
    }
  }

  private static func read(_ change: ResourceChange, set: Int) -> PlannedResource {
    var resource = PlannedResource(change: change, set: set)
    let kind = ResourceKind.of(change.type, change.dialect)
    if let before = change.before {
      let attributes = Attributes(before, style(change))
      resource.before = kind.flatMap { object($0, attributes, change) }
      resource.attachedBefore = attached(attributes)
    }
    // A delete has no after whatever the dialect prints; what is forgotten stays as it is.
    if let after = change.after, change.action != .delete, change.action != .forget {
      let attributes = Attributes(after, style(change))
      resource.after = kind.flatMap { object($0, attributes, change) }
      resource.attachedAfter = attached(attributes)
    }
    return resource
  }

  private static func style(_ change: ResourceChange) -> Attributes.Style {
    switch change.dialect {
    case .terraform: .snake
    case .pulumiClassic: .camel
    case .arm, .pulumiNative: .arm
    }
  }

  private static func object(_ kind: ResourceKind, _ attributes: Attributes, _ change: ResourceChange) -> EstateObject? {
    switch change.dialect {
    case .terraform, .pulumiClassic: TerraformObjects(a: attributes).object(kind)
    case .arm, .pulumiNative: ARMObjects(a: attributes, address: change.address, apiVersion: change.apiVersion).object(kind)
    }
  }

  /// The user-assigned identities a resource carries, whatever it is.
  private static func attached(_ a: Attributes) -> PlannedWords {
    if a.style == .arm {
      switch a.raw("identity.userAssignedIdentities") {
      case .object(let members): return .known(members.keys.sorted().map { .known($0) })
      case .list(let items): return .known(items.compactMap { $0.string.map { .known($0) } })
      case .unknown(let unknown): return .unknown(unknown)
      default: return .absent
      }
    }
    let ids = a.words("identity.identity_ids", "identity_ids")
    let kubelet = a.text("kubelet_identity.user_assigned_identity_id")
    if kubelet.isAbsent { return ids }
    return .known((ids.value ?? []) + [kubelet])
  }
}
