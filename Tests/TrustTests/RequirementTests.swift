import Crypto
import Encodings
import SigstoreFormats
import Testing
import Trust

@Suite("Requirements")
struct RequirementTests {
  static let a = TestSigner(name: "a")
  static let b = TestSigner(name: "b")
  static let c = TestSigner(name: "c")
  static let all = [a, b, c]

  typealias Requirement = TrustPolicy.Requirement
  static let table: [(String, Requirement, [String], Verdict)] = [
    ("one key, it signed", .key("a"), ["a"], .trusted), ("one key, another signed", .key("a"), ["b"], .refused),
    ("any, one of them", .any([.key("a"), .key("b")]), ["b"], .trusted), ("any, none of them", .any([.key("a"), .key("b")]), ["c"], .refused),
    ("all, both", .all([.key("a"), .key("b")]), ["a", "b"], .trusted), ("all, one", .all([.key("a"), .key("b")]), ["a"], .refused),
    ("all, one twice", .all([.key("a"), .key("b")]), ["a", "a"], .refused),
    ("2 of 3, two", .atLeast(2, [.key("a"), .key("b"), .key("c")]), ["a", "c"], .trusted),
    ("2 of 3, one", .atLeast(2, [.key("a"), .key("b"), .key("c")]), ["a"], .refused),
    ("2 of 3, the same key three times", .atLeast(2, [.key("a"), .key("b"), .key("c")]), ["a", "a", "a"], .refused),
    ("3 of 3, two", .atLeast(3, [.key("a"), .key("b"), .key("c")]), ["a", "b"], .refused),
    ("2 of overlapping parts, one key behind both", .atLeast(2, [.any([.key("a"), .key("b")]), .any([.key("b"), .key("c")])]), ["b"], .refused),
    ("2 of overlapping parts, two keys", .atLeast(2, [.any([.key("a"), .key("b")]), .any([.key("b"), .key("c")])]), ["b", "a"], .trusted),
    ("2 of a key and a part with it", .atLeast(2, [.key("a"), .any([.key("a"), .key("b")])]), ["a"], .refused),
    ("any of all", .any([.all([.key("a"), .key("b")]), .key("c")]), ["b"], .refused),
    ("any of all, the other", .any([.all([.key("a"), .key("b")]), .key("c")]), ["c"], .trusted),
    ("a name that is nowhere", .key("nobody"), ["a", "b", "c"], .refused), ("an empty any", .any([]), ["a"], .refused),
    ("an empty all", .all([]), ["a"], .refused), ("at least 0", .atLeast(0, [.key("a")]), ["b"], .refused),
  ]

  @Test("Requirements count keys, not signatures", arguments: table.indices)
  func requirements(_ index: Int) throws {
    let (name, requirement, signers, verdict) = Self.table[index]
    let policy = try TrustPolicy.oneRule(Self.all, requirement)
    let evidence = try signers.map { name in try #require(Self.all.first { $0.name == name }).statement() }
    #expect(policy.judge(evidence).verdict == verdict, "\(name)")
  }

  @Test("A key set counts as its keys, in atLeast as well")
  func sets() throws {
    var policy = try TrustPolicy.oneRule(Self.all, .atLeast(2, [.keySet("s")]))
    policy.keySets = [.init(name: "s", keys: ["a", "b"])]
    #expect(policy.judge([try Self.a.statement(), try Self.b.statement()]).verdict == .trusted)
    #expect(policy.judge([try Self.a.statement(), try Self.a.statement()]).verdict == .refused)
    #expect(policy.judge([try Self.a.statement(), try Self.c.statement()]).verdict == .refused)
  }

  @Test("Removing a key from the policy never turns a refusal into trust; adding a signature never turns trust into a refusal")
  func monotone() throws {
    var random = Seeded(state: 0x5EED)
    let signers = (0..<5).map { TestSigner(name: "k\($0)", channel: $0 == 4 ? .dev : .release) }
    let evidence = try signers.map { try $0.statement() }
    var trusted = 0
    for round in 0..<300 {
      var nodes = 0
      let requirement = Self.random(depth: 3, &random, &nodes)
      let policy = try TrustPolicy.oneRule(signers, requirement, channel: random.next() % 4 == 0 ? .dev : .release)
      let chosen = signers.indices.filter { _ in random.next() % 2 == 0 }
      let before = policy.judge(chosen.map { evidence[$0] }).verdict
      for removed in signers.indices {
        var smaller = policy
        smaller.keys.remove(at: removed)
        let after = smaller.judge(chosen.map { evidence[$0] }).verdict
        #expect(before == .trusted || after != .trusted, "round \(round): \(requirement.text) without \(signers[removed].name)")
        let more = policy.judge((chosen + [removed]).map { evidence[$0] }).verdict
        #expect(before != .trusted || more == .trusted, "round \(round): \(requirement.text) with \(signers[removed].name)")
      }
      if before == .trusted { trusted += 1 }
    }
    #expect(trusted > 30 && trusted < 270, "the rounds must show both answers; \(trusted) were trusted")
  }

  static func random(depth: Int, _ random: inout Seeded, _ nodes: inout Int) -> Requirement {
    nodes += 1
    guard depth > 0, nodes < 12, random.next() % 3 != 0 else { return .key("k\(random.next() % 5)") }
    let parts = (0..<(1 + Int(random.next() % 3))).map { _ in Self.random(depth: depth - 1, &random, &nodes) }
    return switch random.next() % 3 {
    case 0: .any(parts)
    case 1: .all(parts)
    default: .atLeast(1 + Int(random.next() % UInt64(parts.count)), parts)
    }
  }

  /// SplitMix64.
  struct Seeded {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
  }
}
