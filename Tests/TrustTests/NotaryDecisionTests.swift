import Crypto
import Encodings
import Foundation
import NotaryFormats
import SigstoreFormats
import Testing
import Trust
import X509

@Suite("Decisions over Notary signatures")
struct NotaryDecisionTests {
  static let now = TestImage.now
  let root = CertificatePlan.authority("root")
  let leaf = CertificatePlan()

  struct Making {
    var format = NotaryEnvelope.Format.jws
    var scheme = NotaryEnvelope.SigningScheme.x509
    var signingTime = now - 100
    var expiry: Int64?
    var digest = TestImage.digest
    var mediaType = TestImage.mediaType
    var size = Int64(TestImage.manifest.count)
    var extended: [NotaryEnvelope.ExtendedAttribute] = []
    var plugin: NotaryEnvelope.VerificationPlugin?
    var key: P256.Signing.PrivateKey?
    var chain: [[UInt8]]?
    var timestamp: [UInt8]?
  }

  private func evidence(_ making: Making = Making(), leaf: CertificatePlan? = nil) throws -> SignatureEvidence {
    let leaf = leaf ?? self.leaf
    let unsigned = try UnsignedNotaryEnvelope(
      payload: NotaryPayload(artifactMediaType: making.mediaType, digest: making.digest.text, size: making.size), format: making.format, keySpec: .ec256,
      attributes: .init(
        signingScheme: making.scheme, signingTime: making.signingTime, expiry: making.expiry, verificationPlugin: making.plugin, extended: making.extended))
    let signature = Array(try (making.key ?? leaf.key).signature(for: Data(unsigned.signedBytes)).rawRepresentation)
    let bytes = try unsigned.sealed(
      signature: signature, chain: making.chain ?? [try leaf.der(issuer: root), try root.der()], timestampToken: making.timestamp)
    return .notary(bytes, format: making.format, source: "notary")
  }

  private func policy(
    _ kind: CertificateRoot.Kind = .ca, identities: [String] = [], revocations: [TrustPolicy.Revocation] = [], root: CertificatePlan? = nil,
    keys: [TestSigner] = [], certificate: [UInt8]? = nil
  ) throws -> TrustPolicy {
    let names = try identities.map { try NotaryDistinguishedName(parsing: $0) }
    var policy = try TrustPolicy.oneRule(
      keys, .root("hsm"), roots: [.init(name: "hsm", kind: kind, certificates: [try certificate ?? (root ?? self.root).der()], identities: names)])
    policy.revocations = revocations
    return policy
  }

  /// ECDSA signs with fresh numbers, so a root's certificate is made once for both sides.
  private func decide(
    _ making: Making = Making(), kind: CertificateRoot.Kind = .ca, leaf: CertificatePlan? = nil, root: CertificatePlan? = nil,
    identities: [String] = [], revocations: [TrustPolicy.Revocation] = [], keys: [TestSigner] = [], at now: Int64 = now
  ) throws -> Decision {
    let root = root ?? self.root
    let certificate = try root.der()
    var making = making
    if making.chain == nil { making.chain = [try (leaf ?? self.leaf).der(issuer: root), certificate] }
    return try policy(kind, identities: identities, revocations: revocations, keys: keys, certificate: certificate).judge([try evidence(making, leaf: leaf)], at: now)
  }

  @Test("JWS and COSE by a chain that ends in the root are trusted", arguments: NotaryEnvelope.Format.allCases)
  func good(_ format: NotaryEnvelope.Format) throws {
    let decision = try decide(Making(format: format), identities: ["C=US, ST=WA, O=Example"])
    #expect(decision.verdict == .trusted, "\(decision.findings[0].reasons)")
    #expect(decision.findings[0].identity == "C=US, ST=WA, O=Example, CN=signer")
    #expect(decision.findings[0].keyName == "hsm")
  }

  @Test("Everything that is wrong with envelope or payload has its own reason")
  func envelopes() throws {
    let attribute = NotaryEnvelope.ExtendedAttribute(name: .text("com.example.must"), value: "x", isCritical: true)
    let table: [(Making, Reason.Code)] = [
      (Making(digest: TestImage.other), .digestMismatch), (Making(mediaType: "application/vnd.oci.image.index.v1+json"), .mediaTypeMismatch),
      (Making(size: 1), .sizeMismatch), (Making(extended: [attribute]), .unknownCriticalAttribute),
      (Making(expiry: Self.now - 1), .signatureExpired), (Making(key: P256.Signing.PrivateKey()), .payloadMismatch),
    ]
    for (making, code) in table {
      for format in NotaryEnvelope.Format.allCases {
        var making = making
        making.format = format
        let decision = try decide(making)
        #expect(decision.verdict == .refused)
        #expect(decision.findings[0].reasons.map(\.code) == [code])
      }
    }
    #expect(try decide(Making(plugin: .init(name: "com.example.plugin"))).findings[0].reasons.map(\.code) == [.pluginRequired])
    #expect(try decide(Making(plugin: .init(name: "com.example.plugin"))).verdict == .undetermined)
  }

  @Test("Chains of the wrong purpose, order, root or subject each have their own reason")
  func chains() throws {
    func codes(_ decision: Decision) -> Set<Reason.Code> { Set(decision.findings[0].reasons.map(\.code)) }
    for purpose in [ExtendedKeyUsage.Usage.serverAuth, .timeStamping, .any] {
      #expect(codes(try decide(leaf: CertificatePlan(purposes: [purpose]))) == [.certificatePurpose])
    }
    #expect(codes(try decide(leaf: CertificatePlan(usage: KeyUsage(keyEncipherment: true)))) == [.certificatePurpose])
    #expect(codes(try decide(root: CertificatePlan(subject: "no authority"))) == [.certificatePurpose])
    #expect(codes(try decide(Making(chain: [try leaf.der(issuer: root)]))).isSuperset(of: [.badChain]))
    #expect(codes(try decide(Making(chain: [try leaf.der(issuer: root), try CertificatePlan.authority("root").der()]))).contains(.badChain))
    #expect(codes(try decide(Making(chain: [[1, 2, 3]]))) == [.badChain])
    #expect(codes(try decide(identities: ["C=US, ST=WA, O=Other"])) == [.identityNotAllowed])
    #expect(codes(try policy(root: CertificatePlan.authority("other")).judge([try evidence()])) == [.untrustedRoot])
    #expect(codes(try decide(kind: .signingAuthority)) == [.wrongRootKind])
    #expect(codes(try decide(Making(scheme: .signingAuthority))) == [.wrongRootKind])
  }

  @Test("After expiry only an authority's stated time keeps a signature good; another's timestamp leaves it open")
  func times() throws {
    let old = CertificatePlan(notAfter: Self.now - 50)
    #expect(try decide(leaf: old).findings[0].reasons.map(\.code) == [.certificateExpired])
    #expect(try decide(leaf: old).verdict == .refused)
    #expect(try decide(Making(timestamp: [0x30, 0]), leaf: old).verdict == .undetermined)
    #expect(try decide(Making(scheme: .signingAuthority), kind: .signingAuthority, leaf: old).verdict == .trusted)
    #expect(try decide(Making(scheme: .signingAuthority, signingTime: Self.now - 10), kind: .signingAuthority, leaf: old).verdict == .refused)
    #expect(try decide(Making(scheme: .signingAuthority, signingTime: Self.now + 3600), kind: .signingAuthority).findings[0].reasons.map(\.code) == [.timeInFuture])
    #expect(try decide(leaf: CertificatePlan(notBefore: Self.now + 1000)).findings[0].reasons.map(\.code) == [.certificateExpired])
  }

  @Test("A revocation spares what is provably older, and nothing when the key is in other hands")
  func revocations() throws {
    let fingerprint = Array(SHA256.hash(data: leaf.key.publicKey.derRepresentation))
    func revocation(at: Int64, compromised: Bool = false) -> [TrustPolicy.Revocation] {
      [.init(key: nil, fingerprint: fingerprint, at: at, reason: "replaced", compromised: compromised)]
    }
    let stated = Making(scheme: .signingAuthority, signingTime: Self.now - 100)
    #expect(try decide(stated, kind: .signingAuthority, revocations: revocation(at: Self.now - 50)).verdict == .trusted)
    #expect(try decide(stated, kind: .signingAuthority, revocations: revocation(at: Self.now - 150)).verdict == .refused)
    #expect(try decide(stated, kind: .signingAuthority, revocations: revocation(at: Self.now - 50, compromised: true)).verdict == .refused)
    // A holder's own signing time proves nothing.
    let plain = try decide(revocations: revocation(at: Self.now - 50))
    #expect(plain.verdict == .refused)
    #expect(plain.findings[0].reasons.map(\.code) == [.keyRevoked])
    let certificate = try root.der()
    let leafDER = try leaf.der(issuer: root)
    var policy = try policy(certificate: certificate)
    policy.revocations = [.init(key: nil, certificate: Array(SHA256.hash(data: leafDER)), at: 0, reason: "r")]
    #expect(policy.judge([try evidence(Making(chain: [leafDER, certificate]))]).findings[0].reasons.map(\.code) == [.certificateRevoked])
  }

  @Test("A certificate does not lift a key of the dev channel to release")
  func devKeyWithCertificate() throws {
    let dev = TestSigner(name: "dev", key: leaf.key, channel: .dev)
    let decision = try decide(keys: [dev])
    #expect(decision.verdict == .refused)
    #expect(decision.findings[0].reasons.map(\.code).contains(.channelForbids))
  }

  @Test("One key with two certificates, or as key and as certificate, counts once")
  func distinct() throws {
    let certificate = try root.der()
    let signer = TestSigner(name: "same", key: leaf.key)
    var policy = try policy(keys: [signer], certificate: certificate)
    policy.rules[0].requirement = .atLeast(2, [.key("same"), .root("hsm")])
    let notary = try evidence(Making(chain: [try leaf.der(issuer: root), certificate]))
    #expect(policy.judge([notary, try signer.statement()]).verdict == .refused)
    let other = CertificatePlan(subject: "other")
    let second = try evidence(Making(chain: [try other.der(issuer: root), certificate]), leaf: other)
    #expect(policy.judge([second, try signer.statement()]).verdict == .trusted)
  }
}
