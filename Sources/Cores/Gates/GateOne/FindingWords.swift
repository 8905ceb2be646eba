import Encodings
import Estate
import Plans

/// What a finding about rights says, in words for a reviewer.
struct FindingWords {
  private let review: RightsReview
  private let rights: [EffectiveRight]
  private let name: String
  /// The vault changes, not the scope: however wide that is, only this vault is meant.
  private let isOneStore: Bool

  init(_ review: RightsReview, rights: [EffectiveRight], name: String, of attribution: RightAttribution) {
    isOneStore = attribution.cause == .storeMode
    self.review = review
    self.rights = rights
    self.name = name
  }

  /// The one store, nil when the scope is wider than one.
  private var store: String? {
    guard let first = rights.first, let store = first.store, store != "?", rights.allSatisfy({ $0.store == store }),
      isOneStore || !RightsScope(first.scope).isWiderThanResource || !RightsScope(first.scope).isAzure
    else { return nil }
    return store
  }

  private var key: String? {
    guard store != nil, let first = rights.first?.key, rights.allSatisfy({ $0.key == first }) else { return nil }
    return review.spelling(ofKey: first, scope: rights.first?.scope)
  }

  /// "key fw-sign of nw-hsm", "every key of nw-hsm", "every vault below /subscriptions/…".
  var place: String {
    let latent = !rights.isEmpty && rights.allSatisfy(\.latent) ? " as soon as it is activated" : ""
    if let store {
      return (key.map { "key \($0) of \(store)" } ?? "every key of \(store)") + latent
    }
    let reached = Set(rights.compactMap(\.store)).filter { $0 != "?" }.sorted()
    let scope = rights.first?.scope ?? "/"
    let named = scope.hasPrefix(ScopeResolver.unknownScope) ? "a scope that only the apply will know" : "every store at or below \(scope)"
    return named + (reached.isEmpty ? "" : " (now \(reached.prefix(5).joined(separator: ", "))\(reached.count > 5 ? " and \(reached.count - 5) more" : ""))") + latent
  }

  func before(_ id: String) -> Set<Capability> { capabilities(review.before.rights(of: id)) }
  func after(_ id: String) -> Set<Capability> { capabilities(review.after.rights(of: id)) }

  private func capabilities(_ all: [EffectiveRight]) -> Set<Capability> {
    let stores = Set(rights.map(\.store))
    return all.filter { stores.contains($0.store) }.reduce(into: Set<Capability>()) { $0.formUnion($1.capabilities) }
  }

  func finding(
    rule: String, verdict: Finding.Verdict, id: String, attribution: RightAttribution, gained: Set<Capability>
  ) -> Finding {
    let right = rights.first
    let words = gained.canonical.map(\.rawValue)
    let listed = words.count > 1 ? words.dropLast().joined(separator: ", ") + " and " + (words.last ?? "") : words.joined()
    let source = roleText(right)
    let workflow = review.workflow(id).map { " (\($0))" } ?? ""
    let cause: String
    switch attribution.cause {
    case .grant, .standing, .identity: cause = "through \(source)"
    case .membership: cause = "by joining \(groupText(right)), through \(source)"
    case .role: cause = "because \(source), which it holds already, is widened"
    case .storeMode: cause = "because the permission model of the vault changes and \(source) takes effect"
    }
    let becomes = right.flatMap { $0.identities.last }.map { " by becoming \(review.name($0))" } ?? ""
    let location = attribution.resource.flatMap { review.change.resources[$0].location }
    return Finding(
      rule: rule, gate: .one, verdict: verdict, severity: .high, address: attribution.address,
      principal: Finding.Principal(objectId: id.hasPrefix("planned:") ? nil : id, name: name, via: path(right)),
      store: store, key: key, scope: key == nil ? right?.scope : nil, gained: gained.canonical,
      reason: "\(name)\(workflow) only needs to sign, but gets \(listed) on \(place)\(becomes) \(cause).",
      fix: fix(attribution), location: location)
  }

  private func path(_ right: EffectiveRight?) -> [String] {
    guard var path = right?.path else { return [name] }
    if !path.isEmpty { path[0] = review.worlds.principals.name(right?.principal.lowercased() ?? "") ?? path[0] }
    // One that only the apply will make is known by its address.
    if let address = review.worlds.principals.planned[right?.principal.lowercased() ?? ""]?.address, !path.contains(address) { path.insert(address, at: 0) }
    return path
  }

  private func roleText(_ right: EffectiveRight?) -> String {
    if right?.via == .accessPolicy { return "an access policy" }
    guard let right else { return "a grant" }
    return "the role \(right.roleName ?? right.role ?? "")" + (right.groups.isEmpty ? "" : " of \(groupText(right))")
  }

  private func groupText(_ right: EffectiveRight?) -> String {
    let names = (right?.groups ?? []).map { review.after.name(of: $0) }
    return names.isEmpty ? "a group" : "group " + names.joined(separator: " in ")
  }

  private func fix(_ attribution: RightAttribution) -> String {
    let target = key.map { "/keys/\($0)" } ?? "/keys/NAME"
    switch attribution.cause {
    case .membership: return "Do not add \(name) to the group; give it a custom role with keys/sign/action and keys/read/action at \(target)."
    case .role: return "Leave keys/sign/action and keys/read/action in the role and make another role for whoever needs more."
    case .storeMode: return "Remove the access policies or assignments of \(name) that take effect before the permission model changes."
    case .identity: return "Do not let \(name) assign or federate an identity that can do more than sign."
    case .grant, .standing:
      if rights.first?.via == .accessPolicy { return "Leave only get and sign in the key permissions of \(name)." }
      return "Give \(name) a custom role with keys/sign/action and keys/read/action at \(target) instead."
    }
  }
}

extension RightsReview {
  /// Who outside can become the principal, for people: `GitHub acme/shop environment release`.
  func workflow(_ id: String) -> String? {
    guard let credential = facts(id).federated.first(where: { FederatedSubject($0).isCI }) else { return nil }
    return Self.describe(FederatedSubject(credential))
  }

  static func describe(_ subject: FederatedSubject) -> String {
    let platform =
      switch subject.platform {
      case .github: "GitHub"
      case .githubEnterprise: "GitHub Enterprise"
      case .gitlab: "GitLab"
      case .kubernetes: "Kubernetes"
      case .azureDevOps: "Azure DevOps"
      case .terraformCloud: "Terraform Cloud"
      case .other: subject.host
      }
    let repository = [subject.org, subject.repo].compactMap(\.self).joined(separator: "/")
    let kind = subject.kind == .other ? "" : subject.kind.rawValue
    return [platform, repository, kind, subject.value ?? ""].filter { !$0.isEmpty }.joined(separator: " ")
  }

  func isCustom(_ role: String, store: String?) -> Bool {
    after.catalogue.role(id: role, store: store)?.custom ?? false
  }

  /// Whether the change turns who decides on the data plane of the store.
  func modeChanged(_ store: String) -> Bool { storeModes.before[store] != storeModes.after[store] }

  /// The key's name as it was written: scopes are compared without letter case.
  func spelling(ofKey key: String, scope: String?) -> String {
    guard let last = scope?.split(separator: "/").last, last.lowercased() == key.lowercased() else { return key }
    return String(last)
  }
}
