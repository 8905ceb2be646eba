internal import SigstoreFormats

extension TrustPolicy {
  /// Refuses what cannot mean what its author wants: names that stand twice or nowhere, one key in two roles, rules that nothing can satisfy or
  /// that let everything through.
  package func check() throws(TrustError) {
    try checkKeys()
    try checkRoots()
    for (i, revocation) in revocations.enumerated() { try check(revocation, path: "revoked[\(i)]") }
    var names: Set<String> = []
    for (i, rule) in rules.enumerated() {
      guard names.insert(rule.name).inserted else { throw .badPolicy(path: "rules[\(i)].name", why: "\"\(rule.name)\" names another rule as well") }
      try check(rule, path: "rules[\(i)]")
    }
    try checkScopes()
  }

  private func checkKeys() throws(TrustError) {
    guard !keys.isEmpty || !roots.isEmpty else {
      throw .badPolicy(path: "keys", why: "at least one key or root expected: the policy would match nothing")
    }
    var places: [[UInt8]: Int] = [:]
    var named: [String: [Int]] = [:]
    for (i, key) in keys.enumerated() {
      if let other = places[key.fingerprint] {
        let why = keys[other].channel == key.channel ? "it counts once" : "it cannot serve two channels"
        throw .badPolicy(path: "keys[\(i)]", why: "the same key stands here twice, as keys[\(other)] \"\(keys[other].name)\": \(why)")
      }
      places[key.fingerprint] = i
      for other in named[key.name] ?? [] where key.version == nil || keys[other].version == nil || keys[other].version == key.version {
        throw .badPolicy(path: "keys[\(i)].name", why: "\"\(key.name)\" names keys[\(other)] already; versions of one key must each say their version")
      }
      named[key.name, default: []].append(i)
    }
    var sets: Set<String> = []
    for (i, set) in keySets.enumerated() {
      guard sets.insert(set.name).inserted else { throw .badPolicy(path: "keySets[\(i)].name", why: "\"\(set.name)\" stands here twice") }
      for (j, name) in set.keys.enumerated() where named[name] == nil {
        throw .badPolicy(path: "keySets[\(i)].keys[\(j)]", why: "no key is named \"\(name)\"")
      }
    }
  }

  private func checkRoots() throws(TrustError) {
    var names: Set<String> = []
    var holders: [[UInt8]: Int] = [:]
    for (i, root) in roots.enumerated() {
      guard names.insert(root.name).inserted else { throw .badPolicy(path: "roots[\(i)].name", why: "\"\(root.name)\" stands here twice") }
      for certificate in root.certificates {
        if let other = holders[certificate], roots[other].channel != root.channel {
          throw .badPolicy(path: "roots[\(i)].pem", why: "a certificate of it stands in roots[\(other)] too: it cannot serve two channels")
        }
        holders[certificate] = i
      }
    }
  }

  private func check(_ revocation: Revocation, path: String) throws(TrustError) {
    let matches =
      if revocation.certificate != nil {
        !roots.isEmpty
      } else if revocation.key == nil {
        !roots.isEmpty || keys.contains(where: revocation.covers)
      } else {
        keys.contains { $0.name == revocation.key && revocation.covers($0) }
      }
    guard matches else { throw .badPolicy(path: path, why: "it matches none of the keys and roots above") }
  }

  private func check(_ rule: Rule, path: String) throws(TrustError) {
    try check(rule.requirement, channel: rule.channel, path: "\(path).require")
    for (i, type) in rule.predicateTypes.enumerated() { try check(predicateType: type, path: "\(path).predicateTypes[\(i)]") }
    for (i, demand) in rule.attestations.enumerated() {
      let here = "\(path).attestations[\(i)]"
      try check(predicateType: demand.predicateType, path: "\(here).predicateType")
      if rule.attestations[..<i].contains(where: { $0.predicateType == demand.predicateType && $0.signers == demand.signers }) {
        throw .badPolicy(path: here, why: "the same demand stands here twice")
      }
      try check(demand.signers ?? rule.requirement, channel: demand.channel ?? rule.channel, path: "\(here).signedBy")
    }
    if let promotion = rule.promotion {
      if let type = promotion.predicateType { try check(predicateType: type, path: "\(path).promotion.predicateType") }
      try check(promotion.signers, channel: .dev, path: "\(path).promotion.signedBy")
    }
    let usesRoots = ([rule.requirement] + rule.attestations.compactMap(\.signers)).contains(where: \.usesRoots)
    guard rule.identities.isEmpty || usesRoots else {
      throw .badPolicy(path: "\(path).identities", why: "the rule demands no certificate, so this would mean nothing: keys are their own identity")
    }
  }

  private func check(predicateType: String, path: String) throws(TrustError) {
    guard PredicateType.isURI(predicateType) else { throw .badPolicy(path: path, why: "a URI expected") }
    guard predicateType != KeyEndorsement.predicateType else {
      throw .badPolicy(path: path, why: "an endorsement of a dev key says nothing about an artifact")
    }
  }

  /// Whether the names exist and some set of signers of this channel would do.
  private func check(_ requirement: Requirement, channel: Channel, path: String) throws(TrustError) {
    try checkNames(requirement, path: path)
    guard requirement.support(among: everySigner, in: self, channel: channel) != nil else {
      let isForbidden = channel == .release && requirement.support(among: everySigner, in: self, channel: .dev) != nil
      throw .badPolicy(
        path: path,
        why: isForbidden
          ? "the channel is release, and only keys of the channel dev are named: nothing could satisfy it"
          : "nothing could satisfy it: it wants more different keys than it names")
    }
  }

  private func checkNames(_ requirement: Requirement, path: String) throws(TrustError) {
    switch requirement {
    case .key(let name):
      guard keys.contains(where: { $0.name == name }) else { throw .badPolicy(path: path, why: "no key is named \"\(name)\"") }
    case .keySet(let name):
      guard keySets.contains(where: { $0.name == name }) else { throw .badPolicy(path: path, why: "no key set is named \"\(name)\"") }
    case .root(let name):
      guard roots.contains(where: { $0.name == name }) else { throw .badPolicy(path: path, why: "no root is named \"\(name)\"") }
    case .any(let parts), .all(let parts):
      guard !parts.isEmpty else { throw .badPolicy(path: path, why: "it is empty") }
      for part in parts { try checkNames(part, path: path) }
    case .atLeast(let count, let parts):
      guard count > 0, !parts.isEmpty else { throw .badPolicy(path: path, why: "at least 1 of something expected") }
      for part in parts { try checkNames(part, path: path) }
    }
  }

  /// As if every key, and many certificates of every root, had signed.
  private var everySigner: [Contribution] {
    keys.map { Contribution(identity: $0.fingerprint, keyName: $0.name, channel: $0.channel) }
      + roots.flatMap { root in
        (0..<16).map { Contribution(identity: Array("\(root.name)\u{0}\($0)".utf8), roots: [root.name: root.channel], channel: root.channel) }
      }
  }

  private func checkScopes() throws(TrustError) {
    var seen: [RepositoryPattern: String] = [:]
    var blobRule: String?
    for (i, rule) in rules.enumerated() {
      for (j, pattern) in rule.repositories.enumerated() {
        if let other = seen[pattern] {
          throw .badPolicy(path: "rules[\(i)].scope.repositories[\(j)]", why: "\"\(pattern.text)\" stands in rule \"\(other)\" too: which of them holds?")
        }
        seen[pattern] = rule.name
      }
      if rule.blobs, let other = blobRule {
        throw .badPolicy(path: "rules[\(i)].scope.blobs", why: "rule \"\(other)\" covers blobs too: which of them holds?")
      }
      if rule.blobs { blobRule = rule.name }
    }
    if let i = rules.firstIndex(where: { $0.repositories.contains(.everything) && $0.level != .enforce }), !rules.contains(where: { $0.level == .enforce }) {
      throw .badPolicy(
        path: "rules[\(i)].level",
        why: "everything would be let through: a rule for all repositories that is not enforced needs an enforced one beside it, or a narrower scope")
    }
  }
}

extension TrustPolicy.Requirement {
  var usesRoots: Bool {
    switch self {
    case .root: true
    case .key, .keySet: false
    case .any(let parts), .all(let parts), .atLeast(_, let parts): parts.contains(where: \.usesRoots)
    }
  }
}
