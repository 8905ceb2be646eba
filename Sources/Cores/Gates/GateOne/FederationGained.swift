import Estate
import Plans

/// A workflow becomes an identity that can do more than sign: a federated credential is added to it or widened (1.18).
struct FederationGained {
  private let review: RightsReview

  init(_ review: RightsReview) { self.review = review }

  func evaluate(blocked: Set<String>) -> GateOutcome {
    var outcome = GateOutcome()
    for federation in review.worlds.federations {
      let subject = FederatedSubject(federation.after)
      let outside = review.change.intent.purpose(of: IntentPrincipal(federated: [federation.after]))
      guard outside.purpose == .signOnly || (subject.isCI && outside.source != .register(entry: outside.entry?.name ?? "")) else { continue }
      let decision = review.purpose(federation.identity)
      let name = review.name(federation.identity, decision)
      let resource = review.change.resources[federation.resource]
      let rights = review.after.rights(of: federation.identity)
      let forbidden = rights.filter { !$0.capabilities.forbidden.isEmpty }
      let who = RightsReview.describe(subject)
      if let first = forbidden.first {
        if blocked.contains(federation.identity) || blocked.contains(name) { continue }
        // Born for another purpose, and said so: nobody gains what it was not made for.
        if isNew(federation.identity), decision.purpose != .signOnly, decision.purpose != .unclassified { continue }
        let gained = forbidden.reduce(into: Set<Capability>()) { $0.formUnion($1.capabilities.forbidden.union($1.capabilities.dangerous)) }
        let stores = Set(forbidden.map(\.store))
        let keys = Set(forbidden.map(\.key))
        let store = stores.count == 1 ? first.store : nil
        let key = store != nil && keys.count == 1 ? first.key.map { review.spelling(ofKey: $0, scope: first.scope) } : nil
        outcome.findings.append(
          Finding(
            rule: GateOneRule.federation, gate: .one, verdict: .block, severity: .critical, address: resource.address,
            principal: principal(federation.identity, name, [who] + first.path), store: store, key: key,
            scope: key == nil ? first.scope : nil, gained: gained.canonical,
            reason: "\(who) can now become \(name), which holds \(gained.forbidden.canonical.map(\.rawValue).joined(separator: ", ")) on "
              + "\(key.map { "key \($0) of " } ?? "")\(store ?? "stores at or below \(first.scope)") through \(first.roleName ?? "an access policy").",
            fix: "Federate the workflow with an identity of its own that can only sign.", location: resource.location))
      } else if rights.contains(where: { $0.capabilities.contains(.sign) }), let risk = risk(subject) {
        let sign = rights.first { $0.capabilities.contains(.sign) }
        outcome.findings.append(
          Finding(
            rule: GateOneRule.federation, gate: .one, verdict: review.change.options.strict ? .block : .warn, severity: .high,
            address: resource.address, principal: principal(federation.identity, name, [who] + (sign?.path ?? [])), store: sign?.store,
            key: sign?.key, scope: sign?.key == nil ? sign?.scope : nil, gained: [.sign],
            reason: "\(risk) can now become \(name) and sign.",
            fix: "Name one repository and one protected environment or branch in the subject.", location: resource.location))
      } else if rights.isEmpty, !isNew(federation.identity),
        !review.canBeLinked(federation.identity)
          || ((decision.source == .unlisted || decision.source == .ciFederated) && (review.change.inventory == nil || review.hasDeniedStore))
      {
        outcome.undecided.append(
          MissingFact(
            address: resource.address,
            missing: "the rights of \(name), which \(who) can now become: supply an inventory that lists it and in which every store is visible"))
      }
    }
    return outcome
  }

  private func principal(_ id: String, _ name: String, _ via: [String]) -> Finding.Principal {
    Finding.Principal(objectId: id.hasPrefix("planned:") ? nil : id, name: name, via: via)
  }

  private func isNew(_ id: String) -> Bool { id.hasPrefix("planned:") }

  private func risk(_ subject: FederatedSubject) -> String? {
    if subject.risks.contains(.pullRequest) { return "Anybody who opens a pull request on \([subject.org, subject.repo].compactMap(\.self).joined(separator: "/"))" }
    if subject.risks.contains(.severalRepositories) { return "Workflows of several repositories (\(subject.subject))" }
    if subject.risks.contains(.allRefs) || subject.kind == .wildcard { return "Workflows of every branch and tag (\(subject.subject))" }
    return nil
  }
}

/// A machine becomes a signing identity, or one that can do more: the identity is attached to it (1.19).
struct IdentityAttached {
  private let review: RightsReview

  init(_ review: RightsReview) { self.review = review }

  func evaluate() -> GateOutcome {
    var outcome = GateOutcome()
    for resource in review.change.resources where !resource.change.isData && !resource.change.isDrift && resource.attachedAfter != .absent {
      let had = Set((resource.attachedBefore.value ?? []).flatMap { review.worlds.principals.principals($0) })
      let (_, unknown) = resource.attachedAfter.words()
      for value in resource.attachedAfter.value ?? [] {
        for id in review.worlds.principals.principals(value, near: resource.address) where !had.contains(id) {
          if let finding = judge(id, resource) { outcome.findings.append(finding) }
        }
      }
      if let unknown, (resource.attachedAfter.value ?? []).allSatisfy({ review.worlds.principals.principals($0).isEmpty }),
        resource.action != .noOp, unknown.references.isEmpty
      {
        outcome.undecided.append(
          MissingFact(address: resource.address, missing: unknown.description(of: "which identities are attached to the resource")))
      }
    }
    return outcome
  }

  private func judge(_ id: String, _ resource: PlannedResource) -> Finding? {
    let decision = review.purpose(id)
    guard decision.purpose == .signOnly else { return nil }
    let rights = review.after.rights(of: id).filter { $0.capabilities.contains(.sign) || !$0.capabilities.forbidden.isEmpty }
    guard let first = rights.first else { return nil }
    let name = review.name(id, decision)
    // An identity that arrives with its machine has its home there; one that exists gains another.
    // Of a template nobody knows what was attached before.
    let isNew = id.hasPrefix("planned:") || !resource.change.knowsBefore
    return Finding(
      rule: GateOneRule.identityAttached, gate: .one, verdict: isNew ? .warn : .block, severity: isNew ? .medium : .high,
      address: resource.address,
      principal: Finding.Principal(objectId: id.hasPrefix("planned:") ? nil : id, name: name, via: [resource.address] + first.path),
      store: first.store, key: first.key.map { review.spelling(ofKey: $0, scope: first.scope) }, scope: first.key == nil ? first.scope : nil,
      gained: first.capabilities.subtracting([.read, .verify]).canonical,
      reason: "Whatever runs on \(resource.address) becomes the signing identity \(name) and can use "
        + "\(first.key.map { "key \($0) of " } ?? "")\(first.store ?? first.scope).",
      fix: "Leave \(name) where it is and give the machine an identity of its own.", location: resource.location)
  }
}

/// An identity that only needs to sign may assign or federate other identities, and so become them (1.19).
struct BecomesOthers {
  private let review: RightsReview

  init(_ review: RightsReview) { self.review = review }

  func evaluate(blocked: Set<String>) -> GateOutcome {
    var outcome = GateOutcome()
    for grant in review.worlds.after.grants where review.worlds.origins.new.contains(grant.id) && grant.via != .accessPolicy {
      guard let id = grant.role, let role = review.after.catalogue.role(id: id, store: grant.store) else { continue }
      let powers = role.powers.intersection([.assignIdentity, .writeFederation])
      let scope = RightsScope(grant.scope)
      guard !powers.isEmpty, scope.isAzure || scope.isRoot, grant.via != .localRbac, reachesIdentities(scope) else { continue }
      for holder in holders(of: grant.principal) {
        let decision = review.purpose(holder)
        guard decision.purpose == .signOnly, !isItself(holder, scope) else { continue }
        let name = review.name(holder, decision)
        if blocked.contains(holder) || blocked.contains(name) { continue }
        guard let number = review.worlds.origins.grants[grant.id] else { continue }
        let resource = review.change.resources[number]
        outcome.findings.append(
          Finding(
            rule: GateOneRule.identityAttached, gate: .one, verdict: .block, severity: .high, address: resource.address,
            principal: Finding.Principal(
              objectId: holder.hasPrefix("planned:") ? nil : holder, name: name, via: [name, role.name, grant.scope]),
            scope: grant.scope, gained: [.grant],
            reason: "\(name) only needs to sign, but through the role \(role.name) it can become any identity at or below \(grant.scope).",
            fix: "Drop the assignment; whoever deploys machines assigns identities, not the workflow that signs.",
            location: resource.location))
      }
    }
    return outcome
  }

  private func holders(of principal: String) -> [String] {
    let members = review.worlds.after.groups.first { $0.objectId.lowercased() == principal }?.members ?? []
    return [principal] + members.map { $0.lowercased() }
  }

  /// Wide scopes hold identities; a resource's scope only when it is one.
  private func reachesIdentities(_ scope: RightsScope) -> Bool {
    scope.isWiderThanResource || scope.segments.contains("microsoft.managedidentity")
  }

  private func isItself(_ id: String, _ scope: RightsScope) -> Bool {
    review.facts(id).armId.map { RightsScope($0) == scope } ?? false
  }
}
