import Crypto
import Encodings
import SigstoreFormats
import Testing
import Trust

@Suite("Channels, endorsed keys and promotion")
struct ChannelTests {
  static let release = TestSigner(name: "release")
  static let dev = TestSigner(name: "dev", channel: .dev)
  static let testType = "https://in-toto.io/attestation/test-result/v0.1"

  private func endorsement(
    of key: P256.Signing.PrivateKey, by signer: TestSigner, from: Int64 = TestImage.now - 60, until: Int64 = TestImage.now + 60
  ) throws -> SignatureEvidence {
    let endorsement = try KeyEndorsement(
      spki: Array(key.publicKey.derRepresentation), notBefore: from, notAfter: until, identity: "repo:org/app", purpose: "build 7")
    return try signer.bundle(try signer.envelope(endorsement.statement))
  }

  @Test("A dev signature satisfies a dev rule and never a release rule; a release signature satisfies both")
  func channels() throws {
    let any = TrustPolicy.Requirement.any([.key("release"), .key("dev")])
    for (channel, signer, verdict) in [
      (TrustPolicy.Channel.release, Self.release, Verdict.trusted), (.release, Self.dev, .refused), (.dev, Self.dev, .trusted), (.dev, Self.release, .trusted),
    ] {
      let decision = try TrustPolicy.oneRule([Self.release, Self.dev], any, channel: channel).judge([try signer.statement()])
      #expect(decision.verdict == verdict)
      if verdict == .refused { #expect(decision.findings[0].reasons.map(\.code).contains(.channelForbids)) }
    }
  }

  @Test("A key endorsed by a dev key signs for dev, in its window, and never for release, not even when a release key endorses it")
  func endorsed() throws {
    let ephemeral = TestSigner(name: "ephemeral")
    let signature = try ephemeral.statement()
    let devRule = try TrustPolicy.oneRule([Self.dev], .key("dev"), channel: .dev)
    #expect(devRule.judge([signature, try endorsement(of: ephemeral.key, by: Self.dev)]).verdict == .trusted)
    #expect(devRule.judge([signature]).verdict == .refused)
    #expect(devRule.judge([signature, try endorsement(of: ephemeral.key, by: Self.release)]).verdict == .refused)
    #expect(devRule.judge([signature, try endorsement(of: .init(), by: Self.dev)]).verdict == .refused)
    #expect(devRule.judge([signature, try endorsement(of: ephemeral.key, by: Self.dev, from: TestImage.now - 60, until: TestImage.now - 1)]).verdict == .undetermined)
    #expect(devRule.judge([signature, try endorsement(of: ephemeral.key, by: Self.dev, from: TestImage.now + 1000, until: TestImage.now + 2000)]).verdict == .refused)

    let releaseRule = try TrustPolicy.oneRule([Self.release, Self.dev], .any([.key("release"), .key("dev")]))
    for endorser in [Self.release, Self.dev] {
      #expect(releaseRule.judge([signature, try endorsement(of: ephemeral.key, by: endorser)]).verdict == .refused)
    }
  }

  @Test("An endorsed key endorses nobody, and many keys of one endorser count as one")
  func endorsementsDoNotGrow() throws {
    let first = TestSigner(name: "first")
    let second = TestSigner(name: "second")
    let other = TestSigner(name: "other", channel: .dev)
    let policy = try TrustPolicy.oneRule([Self.dev, other], .atLeast(2, [.key("dev"), .key("other")]), channel: .dev)
    let both = [try endorsement(of: first.key, by: Self.dev), try endorsement(of: second.key, by: Self.dev)]
    #expect(policy.judge(both + [try first.statement(), try second.statement()]).verdict == .refused)
    #expect(policy.judge(both + [try first.statement(), try other.statement()]).verdict == .trusted)
    let chained = try TrustPolicy.oneRule([Self.dev], .key("dev"), channel: .dev)
    let evidence = [try endorsement(of: first.key, by: Self.dev), try endorsement(of: second.key, by: first), try second.statement()]
    let decision = chained.judge(evidence)
    #expect(decision.verdict != .trusted)
  }

  @Test("An endorsement cannot pull a listed release key down to dev")
  func noDowngrade() throws {
    let policy = try TrustPolicy.oneRule([Self.release, Self.dev], .key("release"))
    let decision = policy.judge([try endorsement(of: Self.release.key, by: Self.dev), try Self.release.statement()])
    #expect(decision.verdict == .trusted)
    #expect(decision.codes.contains(.endorsementRefused))
  }

  @Test("A promotion needs the named dev attestation itself, by its signers, of its type, about the same bytes")
  func promotion() throws {
    let policy = try TrustPolicy.oneRule(
      [Self.release, Self.dev], .key("release"), promotion: .init(predicateType: Self.testType, signers: .key("dev")))
    func tested(_ digest: MessageDigest = TestImage.digest, _ type: String = Self.testType, by signer: TestSigner = Self.dev) throws -> (SignatureEvidence, JSONObject) {
      let envelope = try signer.envelope(TestSigner.text(about: digest, type: type))
      return (try signer.bundle(envelope), [SigstoreFormats.Promotion.annotation: .string(SigstoreFormats.Promotion(tested: envelope).text)])
    }
    let (attestation, annotation) = try tested()
    #expect(policy.judge([attestation, try Self.release.statement(annotations: annotation)]).verdict == .trusted)
    let stranger = TestSigner(name: "stranger")
    var cases: [[SignatureEvidence]] = [
      [attestation, try Self.release.statement()], [try Self.release.statement(annotations: annotation)],
      [attestation, try Self.dev.statement(annotations: annotation)],
    ]
    for (bad, named) in [try tested(TestImage.other), try tested(TestImage.digest, "https://spdx.dev/Document")] {
      cases.append([bad, try Self.release.statement(annotations: named)])
      cases.append([bad, attestation, try Self.release.statement(annotations: named)])
    }
    // A stranger's envelope over the same statement has the same name, which is the statement's; his signature on it is worth nothing.
    let (forged, same) = try tested(by: stranger)
    cases.append([forged, try Self.release.statement(annotations: same)])
    #expect(cases.count == 8)
    for evidence in cases { #expect(policy.judge(evidence).verdict == .refused) }
    #expect(policy.judge(cases[0]).reasons.map(\.code) == [.promotionMissing])
  }
}
