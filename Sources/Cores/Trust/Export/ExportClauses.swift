internal import Encodings

/// Who can satisfy one part of an exported requirement.
enum ExportedSigner: Hashable {
  case key(TrustPolicy.Key)
  case root(CertificateRoot)

  var key: TrustPolicy.Key? {
    guard case .key(let key) = self else { return nil }
    return key
  }
  var root: CertificateRoot? {
    guard case .root(let root) = self else { return nil }
    return root
  }
}

/// A requirement as "one of these, and one of those, and …": the form that every tool can express in some way.
///
/// It implies the requirement it was made of: signers that a tool cannot express are dropped, and parts that need them are no longer
/// satisfiable. "n of m" becomes "one of each m−n+1", which says the same when the m are different keys.
struct ExportClauses {
  typealias Clause = [ExportedSigner]
  static let maxClauses = 64

  let policy: TrustPolicy
  let channel: TrustPolicy.Channel
  let now: Int64
  /// Which signers the tool can express.
  let takes: (ExportedSigner) -> Bool

  /// Nil when nothing that the tool can express would imply the requirement.
  func clauses(of requirement: TrustPolicy.Requirement) -> [Clause]? {
    switch requirement {
    case .key(let name): return single(keys(named: [name]))
    case .keySet(let name): return single(keys(named: policy.keySets.first { $0.name == name }?.keys ?? []))
    case .root(let name): return single(policy.roots.filter { $0.name == name && $0.channel.serves(channel) }.map(ExportedSigner.root))
    case .any(let parts): return disjunction(parts.compactMap(clauses))
    case .all(let parts):
      let all = parts.compactMap(clauses)
      guard all.count == parts.count else { return nil }
      return bounded(all.flatMap { $0 })
    case .atLeast(let count, let parts):
      // A certificate's key may be a listed key too, so roots cannot be counted beside anything by a tool that counts signatures.
      let usable = policy.counted(parts).filter { !$0.usesRoots || count == 1 }.compactMap(clauses)
      guard usable.count >= count, count == 1 || areDisjoint(usable) else { return nil }
      var result: [Clause] = []
      for chosen in combinations(usable.count, usable.count - count + 1) {
        guard let one = disjunction(chosen.map { usable[$0] }), result.count + one.count <= Self.maxClauses else { return nil }
        result += one
      }
      return bounded(result)
    }
  }

  private func keys(named names: [String]) -> [ExportedSigner] {
    policy.keys.filter {
      names.contains($0.name) && $0.channel.serves(channel) && $0.key != nil && policy.objection(to: $0, at: now) == nil
    }.map(ExportedSigner.key)
  }

  private func single(_ signers: [ExportedSigner]) -> [Clause]? {
    let usable = signers.filter(takes)
    return usable.isEmpty ? nil : [usable]
  }

  /// One of several conjunctions, multiplied out.
  private func disjunction(_ parts: [[Clause]]) -> [Clause]? {
    guard var result = parts.first else { return nil }
    for part in parts.dropFirst() {
      guard result.count * part.count <= Self.maxClauses else { return nil }
      result = result.flatMap { a in part.map { b in a + b.filter { !a.contains($0) } } }
    }
    return bounded(result)
  }

  private func bounded(_ clauses: [Clause]) -> [Clause]? {
    var unique: [Clause] = []
    for clause in clauses where !unique.contains(where: { Set($0) == Set(clause) }) { unique.append(clause) }
    return unique.count <= Self.maxClauses ? unique : nil
  }

  private func areDisjoint(_ parts: [[Clause]]) -> Bool {
    var seen: Set<ExportedSigner> = []
    for part in parts {
      let signers = Set(part.flatMap { $0 })
      guard seen.isDisjoint(with: signers) else { return false }
      seen.formUnion(signers)
    }
    return true
  }

  /// Every choice of `size` out of `count`; empty when there would be more than `maxClauses`.
  private func combinations(_ count: Int, _ size: Int) -> [[Int]] {
    var result: [[Int]] = []
    var current = Array(0..<size)
    guard size <= count else { return [] }
    while result.count <= Self.maxClauses {
      result.append(current)
      guard let i = current.indices.last(where: { current[$0] < count - size + $0 }) else { return result }
      current[i] += 1
      for j in current.indices where j > i { current[j] = current[j - 1] + 1 }
    }
    return result
  }
}

extension TrustPolicy.Key {
  /// A file name, unique within a checked policy.
  var fileName: String { Self.plain(name + (version.map { "-\($0)" } ?? "")) + "-" + Hex.encode(fingerprint.prefix(4)) }

  static func plain(_ name: String) -> String {
    String(name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) ? $0 : "-" })
  }
}

extension TrustPolicy.Rule {
  /// A name for Kubernetes objects (RFC 1123 label): lower case, at most 40 characters, made unique by its position.
  func objectName(_ index: Int) -> String {
    let plain = TrustPolicy.Key.plain(name).lowercased().map { $0 == "." || $0 == "_" ? "-" : $0 }
    let trimmed = String(plain.prefix(40)).split(separator: "-", omittingEmptySubsequences: true).joined(separator: "-")
    return "hallmark-\(index)" + (trimmed.isEmpty ? "" : "-\(trimmed)")
  }
}
