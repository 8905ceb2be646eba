package import Encodings

/// That a CI/CD identity can sign with a key, and by which path.
package struct KeyBinding: Sendable, Hashable {
  package enum How: String, Sendable, Hashable, CaseIterable { case direct, group, pim, broadScope, otherIdentity, federation }

  package var store: String
  package var key: String
  package var identity: String
  package var name: String?
  package var purpose: IntentRegister.Purpose
  /// Every feature of the path.
  package var how: Set<How>
  package var latent: Bool
  package var capabilities: Set<Capability>
  package var path: [String]
  package var scope: String
  package var grant: String
  /// Who outside can become the identity.
  package var subjects: [String]
  package var risks: Set<FederatedSubject.Risk>

  package var json: JSONValue {
    [
      "store": .string(store), "key": .string(key), "identity": .string(identity), "name": JSONValue(text: name),
      "purpose": .string(purpose.rawValue), "how": .array(KeyBinding.How.allCases.filter(how.contains).map { .string($0.rawValue) }),
      "latent": .bool(latent), "capabilities": .array(capabilities.canonical.map { .string($0.rawValue) }),
      "path": .array(path.map { .string($0) }), "scope": .string(scope), "grant": .string(grant),
      "subjects": .array(subjects.map { .string($0) }),
      "risks": .array(FederatedSubject.Risk.allCases.filter(risks.contains).map { .string($0.rawValue) }),
    ]
  }
}

extension EstateQuestions {
  /// Which signing keys are bound to which CI/CD identities: those that a CI platform can become and those the register calls sign-only.
  package func bindings() -> EstateAnswer<KeyBinding> {
    let keys = signingKeys
    var rows: [KeyBinding] = []
    var gaps = rights.gaps
    for principal in rights.principals {
      let identity = rights.identities[principal.lowercased()]
      if identity != nil, identity?.federated == nil, identity?.kind != .user, identity?.kind != .group {
        gaps.append("the federated credentials of \(identity?.name ?? principal) were not seen")
      }
      let subjects = (identity?.federated ?? []).map { FederatedSubject($0) }
      let decision = intent.purpose(of: IntentPrincipal(objectId: principal, in: rights))
      guard subjects.contains(where: \.isCI) || (decision.purpose == .signOnly && identity != nil && identity?.kind != .group) else { continue }
      for right in rights.rights(of: principal) where right.capabilities.contains(.sign) {
        for key in keys where right.reaches(store: key.store, key: key.name) {
          rows.append(
            KeyBinding(
              store: key.store, key: key.name, identity: principal, name: identity?.name, purpose: decision.purpose,
              how: Self.how(right, subjects), latent: right.latent, capabilities: right.capabilities, path: right.path, scope: right.scope,
              grant: right.grant, subjects: identity?.federated?.map { "\($0.issuer) \($0.subject ?? "")" } ?? [],
              risks: subjects.reduce(into: []) { $0.formUnion($1.risks) }))
          gaps += right.doubts
        }
      }
    }
    let sorted = rows.sorted { ($0.store, $0.key, $0.identity, $0.grant) < ($1.store, $1.key, $1.identity, $1.grant) }
    return EstateAnswer(rows: sorted, gaps: gaps.uniqued)
  }

  private static func how(_ right: EffectiveRight, _ subjects: [FederatedSubject]) -> Set<KeyBinding.How> {
    var how: Set<KeyBinding.How> = []
    if !right.groups.isEmpty || right.via == .group { how.insert(.group) }
    if right.via == .pim { how.insert(.pim) }
    if !right.identities.isEmpty { how.insert(.otherIdentity) }
    if how.isEmpty { how.insert(.direct) }
    if right.key == nil { how.insert(.broadScope) }
    if subjects.contains(where: \.isCI) { how.insert(.federation) }
    return how
  }
}

extension Array where Element: Hashable {
  /// Each element once, in the order of its first place.
  var uniqued: [Element] {
    var seen: Set<Element> = []
    return filter { seen.insert($0).inserted }
  }
}
