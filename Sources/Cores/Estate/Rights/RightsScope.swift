/// Where a grant applies: a scope of a Managed HSM's local roles or of Azure, compared segment by segment and without letter case.
package struct RightsScope: Sendable, Hashable, CustomStringConvertible {
  package let text: String
  /// Lower-case, empty segments dropped: `/` has none.
  package let segments: [String]

  private let spelled: [String]

  package init(_ text: String) {
    self.text = text
    self.spelled = text.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
    self.segments = spelled.map { $0.lowercased() }
  }

  package static func == (a: RightsScope, b: RightsScope) -> Bool { a.segments == b.segments }
  package func hash(into hasher: inout Hasher) { hasher.combine(segments) }

  package var description: String { text.isEmpty ? "/" : text }
  package var isRoot: Bool { segments.isEmpty }

  /// Whether the other scope is this one or lies below it. `rg-1` is not above `rg-10`. Of management groups only the text is known:
  /// use `mayCover` for them.
  package func covers(_ other: RightsScope) -> Bool {
    segments.count <= other.segments.count && zip(segments, other.segments).allSatisfy(==)
  }

  /// A management group: which subscriptions lie below it cannot be read from the text.
  package var isManagementGroup: Bool {
    segments.count == 4 && segments[0] == "providers" && segments[1] == "microsoft.management" && segments[2] == "managementgroups"
  }

  /// A scope of Azure Resource Manager rather than of a Managed HSM's own roles. `/` may be either.
  package var isAzure: Bool { segments.first == "subscriptions" || segments.first == "providers" }

  /// How wide an Azure scope is: it may hold stores that do not exist yet.
  package var isWiderThanResource: Bool {
    isRoot || isManagementGroup || (segments.first == "subscriptions" && !segments.contains("providers"))
  }

  /// The part of a Managed HSM this local scope reaches; nil when it is not a local scope.
  package var localReach: Reach? {
    switch segments.count {
    case 0: .store
    case 1 where segments[0] == "keys": .store
    case 2 where segments[0] == "keys": .key(spelled[1])
    default: nil
    }
  }

  package enum Reach: Sendable, Hashable {
    case store
    /// The name as the scope spells it.
    case key(String)
  }

  /// What an Azure scope reaches of the resource with this ARM id; nil when nothing of its keys.
  package func azureReach(ofResource resource: RightsScope) -> Reach? {
    if covers(resource) { return .store }
    guard resource.covers(self) else { return nil }
    return Self.reach(below: Array(segments.dropFirst(resource.segments.count)), Array(spelled.dropFirst(resource.segments.count)))
  }

  /// The same when only the resource's name is known: the scope must name it.
  package func azureReach(ofStoreNamed name: String) -> Reach? {
    guard let provider = segments.firstIndex(of: "microsoft.keyvault"), segments.count > provider + 2, segments[provider + 2] == name.lowercased()
    else { return nil }
    let start = provider + 3
    return segments.count == start ? .store : Self.reach(below: Array(segments[start...]), Array(spelled[start...]))
  }

  private static func reach(below segments: [String], _ spelled: [String]) -> Reach? {
    guard segments.first == "keys" else { return nil }
    return segments.count == 1 ? .store : .key(spelled[1])
  }
}
