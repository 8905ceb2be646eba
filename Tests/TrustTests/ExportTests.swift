import Crypto
import Encodings
import NotaryFormats
import Testing
import Trust

@Suite("Exports")
struct ExportTests {
  static let a = TestSigner(name: "a")
  static let b = TestSigner(name: "b")
  static let c = TestSigner(name: "c")
  static let dev = TestSigner(name: "dev", channel: .dev)

  private func policy(_ requirement: TrustPolicy.Requirement, _ pattern: String = "registry.example/team/app") throws -> TrustPolicy {
    var policy = try TrustPolicy.oneRule([Self.a, Self.b, Self.c, Self.dev], requirement)
    policy.rules[0].repositories = [try #require(RepositoryPattern(pattern))]
    return policy
  }

  private func skopeo(_ policy: TrustPolicy) throws -> (JSONValue, TrustExport) {
    let export = policy.export(for: .skopeo, at: TestImage.now)
    let file = try #require(export.files.first { $0.path == "policy.json" })
    return (try JSONValue.parse(file.text.utf8), export)
  }

  @Test("2 of 3 becomes one of each pair: what skopeo then accepts is exactly what the policy accepts")
  func quorum() throws {
    let policy = try policy(.atLeast(2, [.key("a"), .key("b"), .key("c")]))
    let (document, _) = try skopeo(policy)
    let requirements = try #require(document["transports"]?["docker"]?["registry.example/team/app"]?.array)
    #expect(requirements.count == 3)
    for signed in 0..<8 {
      let names = ["a", "b", "c"].enumerated().filter { signed >> $0.offset & 1 == 1 }.map(\.element)
      let theirs = requirements.allSatisfy { requirement in
        let paths = requirement["keyPaths"]?.array?.compactMap(\.string) ?? [requirement["keyPath"]?.string ?? ""]
        return names.contains { name in paths.contains { $0.hasPrefix("/etc/containers/keys/\(name)-") } }
      }
      #expect(theirs == (names.count >= 2))
    }
    #expect(document["default"]?[0]?["type"]?.string == "reject")
  }

  @Test("What is revoked, expired, of the dev channel or without bytes is in no export")
  func leftOut() throws {
    var policy = try policy(.any([.key("a"), .key("b"), .key("c"), .key("dev")]))
    policy.keys[0].until = TestImage.now - 1
    policy.revocations = [.init(key: "b", at: 0, reason: "lost")]
    for target in TrustExport.Target.allCases where target != .notation {
      let export = policy.export(for: target, at: TestImage.now)
      let text = export.files.map(\.text).joined().replacing("\n", with: "").replacing(" ", with: "")
      func holds(_ signer: TestSigner) throws -> Bool {
        text.contains(try signer.publicKey.pem.split(separator: "\n")[1].replacing(" ", with: ""))
      }
      #expect(try holds(Self.c), "\(target)")
      for signer in [Self.a, Self.b, Self.dev] { #expect(try !holds(signer), "\(target) \(signer.name)") }
      #expect(export.notes.filter { $0.kind == .missing }.count >= 2)
    }
  }

  @Test("notation refuses what it cannot express: several signers, keys, attestations, promotions")
  func notation() throws {
    let root = CertificatePlan.authority("root")
    let roots = try ["x", "y"].map { CertificateRoot(name: $0, kind: .ca, certificates: [try root.der()]) }
    func export(_ requirement: TrustPolicy.Requirement, attestations: [TrustPolicy.AttestationRequirement] = []) throws -> (NotationTrustPolicy, TrustExport) {
      var policy = try policy(requirement)
      policy.roots = roots
      policy.rules[0].attestations = attestations
      let export = policy.export(for: .notation, at: TestImage.now)
      let file = try #require(export.files.first { $0.path == "trustpolicy.json" })
      return (try NotationTrustPolicy.parse(file.text.utf8), export)
    }
    let (good, files) = try export(.any([.root("x"), .root("y"), .key("a")]))
    #expect(good.statements[0].trustStores.map(\.description) == ["ca:x", "ca:y"])
    #expect(files.files.map(\.path).contains("truststore/x509/ca/x/1.pem"))
    for requirement in [TrustPolicy.Requirement.all([.root("x"), .root("y")]), .atLeast(2, [.root("x"), .root("y")]), .key("a")] {
      let (refusing, export) = try export(requirement)
      #expect(refusing.statements[0].trustStores.map(\.description) == ["ca:hallmark-refuses"])
      #expect(!export.files.contains { $0.path.hasPrefix("truststore") })
      #expect(export.notes.contains { $0.kind == .missing })
    }
    let (refusing, _) = try export(.root("x"), attestations: [.init(predicateType: "https://spdx.dev/Document")])
    #expect(refusing.statements[0].trustStores.map(\.description) == ["ca:hallmark-refuses"])
  }

  @Test("Where a tool would accept more, the note is of the kind weaker")
  func weaker() throws {
    let root = CertificatePlan.authority("root")
    var policy = try policy(.root("x"))
    policy.roots = [.init(name: "x", kind: .ca, certificates: [try root.der()])]
    #expect(!policy.export(for: .notation, at: TestImage.now).isWeaker)
    policy.revocations = [.init(key: nil, certificate: [UInt8](repeating: 1, count: 32), at: 0, reason: "a stolen laptop")]
    #expect(policy.export(for: .notation, at: TestImage.now).isWeaker)
    #expect(try self.policy(.key("a")).export(for: .kyverno, at: TestImage.now).isWeaker)
    #expect(try !self.policy(.key("a"), "*").export(for: .kyverno, at: TestImage.now).isWeaker)
    #expect(try self.policy(.key("a"), "registry.example/team/*").export(for: .skopeo, at: TestImage.now).isWeaker)
    var promoted = try self.policy(.key("a"))
    promoted.rules[0].promotion = .init(predicateType: nil, signers: .key("dev"))
    for target in TrustExport.Target.allCases where target != .kyverno {
      let export = promoted.export(for: target, at: TestImage.now)
      #expect(!export.isWeaker && export.notes.contains { $0.kind == .missing && $0.text.contains("promotion") || $0.text.contains("certificates only") }, "\(target)")
    }
  }

  @Test("An explanation names keys, rules and what looks like a mistake")
  func explanation() throws {
    let explanation = try policy(.key("a")).explanation(at: TestImage.now)
    #expect(explanation.rules.count == 1)
    #expect(explanation.remarks.contains("key b is used by no rule"))
    #expect(explanation.signers.count == 4)
  }
}
