/// A good signature as requirements see it: who stands behind it.
struct Contribution: Sendable, Hashable {
  /// What makes two signers different: the fingerprint of the key. A dev key endorsed by another has that one's, so that whoever may endorse
  /// counts once.
  var identity: [UInt8]
  /// Name of the key of the policy, or of the one that endorsed it.
  var keyName: String?
  /// Names of the roots that know its chain and allow its subject, with their channels.
  var roots: [String: TrustPolicy.Channel] = [:]
  /// Of the key itself; a root's counts besides.
  var channel: TrustPolicy.Channel

  func isKey(_ name: String, for demanded: TrustPolicy.Channel) -> Bool { keyName == name && channel.serves(demanded) }

  func isUnder(_ root: String, for demanded: TrustPolicy.Channel) -> Bool {
    roots[root].map { $0.serves(demanded) && channel.serves(demanded) } ?? false
  }
}

extension TrustPolicy.Requirement {
  /// The identities that stand behind a satisfied requirement; nil when it is not satisfied.
  ///
  /// `any` and `all` are logic. `atLeast` wants that many of its parts satisfied with a different key behind each: two signatures by one key,
  /// or one key under two names, are one. More signers never turn a satisfied requirement into an unsatisfied one.
  /// - Complexity: parts² × signers.
  func support(among signers: [Contribution], in policy: TrustPolicy, channel: TrustPolicy.Channel) -> Set<[UInt8]>? {
    func found(_ test: (Contribution) -> Bool) -> Set<[UInt8]>? {
      let identities = Set(signers.filter(test).map(\.identity))
      return identities.isEmpty ? nil : identities
    }
    switch self {
    case .key(let name): return found { $0.isKey(name, for: channel) }
    case .keySet(let name):
      let names = policy.keySets.first { $0.name == name }?.keys ?? []
      return found { signer in names.contains { signer.isKey($0, for: channel) } }
    case .root(let name): return found { $0.isUnder(name, for: channel) }
    case .any(let parts):
      let supports = parts.compactMap { $0.support(among: signers, in: policy, channel: channel) }
      return supports.isEmpty ? nil : supports.reduce([]) { $0.union($1) }
    case .all(let parts):
      let supports = parts.compactMap { $0.support(among: signers, in: policy, channel: channel) }
      return supports.count < parts.count || parts.isEmpty ? nil : supports.reduce([]) { $0.union($1) }
    case .atLeast(let count, let parts):
      let supports = policy.counted(parts).compactMap { $0.support(among: signers, in: policy, channel: channel) }
      guard count > 0, distinctRepresentatives(of: supports) >= count else { return nil }
      return supports.reduce([]) { $0.union($1) }
    }
  }
}

extension TrustPolicy {
  /// The parts that `atLeast` counts: a key set as its keys, each part once.
  func counted(_ parts: [Requirement]) -> [Requirement] {
    var result: [Requirement] = []
    for part in parts {
      if case .keySet(let name) = part {
        let names = keySets.first { $0.name == name }?.keys ?? []
        for key in names.map(Requirement.key) where !result.contains(key) { result.append(key) }
      } else if !result.contains(part) {
        result.append(part)
      }
    }
    return result
  }
}

/// How many of the sets can each be given an element of its own: maximum bipartite matching by augmenting paths.
func distinctRepresentatives(of sets: [Set<[UInt8]>]) -> Int {
  var owner: [[UInt8]: Int] = [:]
  func assign(_ set: Int, _ seen: inout Set<[UInt8]>) -> Bool {
    for element in sets[set] where seen.insert(element).inserted {
      guard let other = owner[element] else {
        owner[element] = set
        return true
      }
      if assign(other, &seen) {
        owner[element] = set
        return true
      }
    }
    return false
  }
  var count = 0
  for set in sets.indices {
    var seen: Set<[UInt8]> = []
    if assign(set, &seen) { count += 1 }
  }
  return count
}
