package import Encodings
internal import NotaryFormats
internal import SigstoreFormats

/// What a policy means, in words: for `hallmark trust check`.
package struct PolicyExplanation: Sendable, Hashable {
  package struct RuleText: Sendable, Hashable {
    package var name: String
    /// What it covers and what it demands, one line each.
    package var lines: [String]
  }

  package var rules: [RuleText]
  /// Keys and roots with their state now.
  package var signers: [String]
  /// What is allowed but worth a look.
  package var remarks: [String]

  package var json: JSONValue {
    [
      "schema": "hallmark.trust-check/v1", "signers": .array(signers.map { .string($0) }),
      "rules": .array(rules.map { ["name": .string($0.name), "lines": .array($0.lines.map { .string($0) })] }),
      "remarks": .array(remarks.map { .string($0) }),
    ]
  }
}

extension TrustPolicy {
  /// - Parameter now: seconds since the epoch.
  package func explanation(at now: Int64) -> PolicyExplanation {
    var remarks: [String] = []
    var signers: [String] = []
    for key in keys {
      let state = objection(to: key, at: now) ?? "trusted now"
      let bytes = key.key?.kindText ?? "bytes not in the file"
      signers.append("key \(key.name)\(key.version.map { " version \($0)" } ?? ""): \(bytes), \(key.channel.rawValue), sha256:\(Hex.encode(key.fingerprint)), \(state)")
      if key.key == nil { remarks.append("key \(key.name) is pinned by fingerprint: verifiers need its bytes besides") }
    }
    for root in roots {
      let who = root.identities.isEmpty ? "every subject" : root.identities.map(\.description).joined(separator: " or ")
      signers.append("root \(root.name): \(root.kind.rawValue), \(root.certificates.count) certificate(s), \(root.channel.rawValue), \(who)")
    }
    for key in Set(keys.map(\.name)).sorted() where !rules.isEmpty && !uses(key: key) { remarks.append("key \(key) is used by no rule") }
    for root in roots where !rules.isEmpty && !rules.contains(where: { $0.requirements.contains { $0.names(root: root.name) } }) {
      remarks.append("root \(root.name) is used by no rule")
    }
    for rule in rules where rule.level != .enforce { remarks.append("rule \"\(rule.name)\" is not enforced (\(rule.level.rawValue)): it refuses nothing") }
    if rules.isEmpty { remarks.append("there are no rules: any of these signers may sign anything") }
    if !effectiveRules.contains(where: \.blobs) { remarks.append("no rule covers files: they are refused") }
    for revocation in revocations where !revocation.compromised && roots.contains(where: { $0.kind == .signingAuthority }) {
      remarks.append("revocation \"\(revocation.reason)\": signatures whose authority states an earlier time stay good; say compromised: true when the key was stolen")
    }
    return PolicyExplanation(rules: effectiveRules.map(text), signers: signers, remarks: remarks)
  }

  private func uses(key: String) -> Bool {
    let sets = Set(keySets.filter { $0.keys.contains(key) }.map(\.name))
    return rules.contains { $0.requirements.contains { $0.names(key: key, sets: sets) } }
  }

  private func text(_ rule: Rule) -> PolicyExplanation.RuleText {
    var lines: [String] = []
    var scopes = rule.repositories.map { $0 == .everything ? "images of every repository" : "images of \($0.text)" }
    if rule.blobs { scopes.append("files") }
    lines.append("covers \(scopes.joined(separator: ", "))")
    lines.append("demands a signature by \(rule.requirement.text), channel \(rule.channel.rawValue), level \(rule.level.rawValue)")
    if rule.predicateTypes != Rule.signaturePredicateTypes { lines.append("counts statements of type \(rule.predicateTypes.joined(separator: ", ")) as signatures") }
    for demand in rule.attestations {
      lines.append("demands an attestation \(demand.predicateType) by \((demand.signers ?? rule.requirement).text)")
    }
    if let promotion = rule.promotion {
      lines.append("demands that the signature names a dev attestation\(promotion.predicateType.map { " \($0)" } ?? "") by \(promotion.signers.text)")
    }
    if !rule.identities.isEmpty { lines.append("takes certificates of \(rule.identities.map(\.description).joined(separator: " or "))") }
    if rule.repositoryIdentity == .enforce { lines.append("refuses cosign's older signatures that name another repository") }
    return .init(name: rule.name, lines: lines)
  }
}

extension TrustPolicy.Rule {
  var requirements: [TrustPolicy.Requirement] { [requirement] + attestations.compactMap(\.signers) + [promotion?.signers].compactMap { $0 } }
}

extension TrustPolicy.Requirement {
  func names(key: String, sets: Set<String>) -> Bool {
    switch self {
    case .key(let name): name == key
    case .keySet(let name): sets.contains(name)
    case .root: false
    case .any(let parts), .all(let parts), .atLeast(_, let parts): parts.contains { $0.names(key: key, sets: sets) }
    }
  }

  func names(root: String) -> Bool {
    switch self {
    case .root(let name): name == root
    case .key, .keySet: false
    case .any(let parts), .all(let parts), .atLeast(_, let parts): parts.contains { $0.names(root: root) }
    }
  }
}
