import Crypto
import CryptoExtras
import Encodings
import Foundation
import SigstoreFormats
import Testing
import Trust

@Suite("Decisions over signatures")
struct DecisionTests {
  static let artifact = Data("an artifact".utf8)
  static let digests = ArtifactDigests(
    sha256: Array(SHA256.hash(data: artifact)), sha384: Array(SHA384.hash(data: artifact)), sha512: Array(SHA512.hash(data: artifact)))
  static let now: Int64 = 1_800_000_000
  static let verifier = CryptoSignatureVerifier()

  let key = P256.Signing.PrivateKey()
  var publicKey: PublicKey { get throws { try PublicKey(spki: Array(key.publicKey.derRepresentation)) } }

  func bundle(over data: Data = artifact, claim: MessageDigest? = nil, hint: [UInt8]? = nil) throws -> SignatureEvidence {
    let signature = Array(try key.signature(for: data).derRepresentation)
    return SignatureEvidence(
      source: "test",
      content: .bundle(
        SigstoreBundle(
          material: .publicKey(hint: hint.map { Base64.encode($0) }),
          content: .message(MessageSignature(digest: claim, signature: signature)))))
  }

  func decide(_ policy: TrustPolicy, _ evidence: [SignatureEvidence], _ digests: ArtifactDigests = digests) -> Decision {
    policy.decide(on: digests, signatures: evidence, at: Self.now, verifier: Self.verifier)
  }

  @Test("A bundle that cosign 3 made is trusted with its key and refused for another artifact")
  func cosignMade() throws {
    let bundle = SignatureEvidence(source: "cosign", content: .bundle(try SigstoreBundle.parse(CosignGolden.bundle.utf8)))
    let policy = TrustPolicy(key: try PublicKey(pem: CosignGolden.publicKey.utf8), name: "cosign")
    let digests = ArtifactDigests(sha256: Array(SHA256.hash(data: Data(CosignGolden.artifact.utf8))))
    #expect(decide(policy, [bundle], digests).verdict == .trusted)
    #expect(decide(policy, [bundle]).verdict == .refused)
    #expect(decide(TrustPolicy(key: try publicKey, name: "other"), [bundle], digests).verdict == .refused)
  }

  @Test("A good bundle is trusted, with or without hint and claim")
  func good() throws {
    let policy = TrustPolicy(key: try publicKey, name: "fw-sign")
    for evidence in [
      try bundle(), try bundle(claim: Self.digests[.sha256]), try bundle(claim: Self.digests[.sha256], hint: publicKey.fingerprint),
      try bundle(hint: [UInt8](repeating: 7, count: 32)),
    ] {
      let decision = decide(policy, [evidence])
      #expect(decision.verdict == .trusted)
      #expect(decision.findings[0].scheme == .es256)
      #expect(decision.findings[0].keyName == "fw-sign")
    }
  }

  @Test("No signature at all is refused, and says so")
  func none() throws {
    let decision = decide(TrustPolicy(key: try publicKey, name: "k"), [])
    #expect(decision.verdict == .refused)
    #expect(decision.reasons.map(\.code) == [.noSignature])
  }

  @Test("A claim of another digest refuses even when the signature is good")
  func wrongClaim() throws {
    let other = MessageDigest(algorithm: .sha256, bytes: Array(SHA256.hash(data: Data("other".utf8))))
    let decision = decide(TrustPolicy(key: try publicKey, name: "k"), [try bundle(claim: other)])
    #expect(decision.verdict == .refused)
    #expect(decision.findings[0].reasons.map(\.code) == [.digestMismatch])
  }

  @Test("A signature over another artifact, by another key, or with a flipped bit is refused")
  func wrongSignatures() throws {
    let policy = TrustPolicy(key: try publicKey, name: "k")
    #expect(decide(policy, [try bundle(over: Data("other".utf8), hint: publicKey.fingerprint)]).findings[0].reasons.map(\.code) == [.signatureMismatch])
    let stranger = TrustPolicy(key: try PublicKey(spki: Array(P256.Signing.PrivateKey().publicKey.derRepresentation)), name: "s")
    #expect(decide(stranger, [try bundle(hint: publicKey.fingerprint)]).findings[0].reasons.map(\.code) == [.noTrustedKeyMatches])
    let good = Array(try key.signature(for: Self.artifact).derRepresentation)
    for i in good.indices {
      var bad = good
      bad[i] ^= 1
      #expect(decide(policy, [SignatureEvidence(source: "t", content: .detached(bad))]).verdict == .refused)
    }
  }

  @Test("A detached signature may be DER or fixed-width")
  func detached() throws {
    let policy = TrustPolicy(key: try publicKey, name: "k")
    let signature = try key.signature(for: Self.artifact)
    for bytes in [Array(signature.derRepresentation), Array(signature.rawRepresentation)] {
      #expect(decide(policy, [SignatureEvidence(source: "t", content: .detached(bytes))]).verdict == .trusted)
    }
    #expect(decide(policy, [SignatureEvidence(source: "t", content: .detached([]))]).verdict == .refused)
  }

  @Test("P-384, P-521 and RSA with both paddings and all hashes verify with their own hash only")
  func otherKeys() throws {
    func verdict(_ spki: Data, _ signature: Data, _ digests: ArtifactDigests = Self.digests) throws -> (Verdict, SignatureScheme?) {
      let decision = decide(
        TrustPolicy(key: try PublicKey(spki: Array(spki)), name: "k"), [SignatureEvidence(source: "t", content: .detached(Array(signature)))], digests)
      return (decision.verdict, decision.findings[0].scheme)
    }
    let p384 = P384.Signing.PrivateKey()
    #expect(try verdict(p384.publicKey.derRepresentation, p384.signature(for: Self.artifact).derRepresentation) == (.trusted, .es384))
    #expect(try verdict(p384.publicKey.derRepresentation, p384.signature(for: SHA256.hash(data: Self.artifact)).derRepresentation).0 == .refused)
    let p521 = P521.Signing.PrivateKey()
    #expect(try verdict(p521.publicKey.derRepresentation, p521.signature(for: Self.artifact).derRepresentation) == (.trusted, .es512))
    let rsa = try _RSA.Signing.PrivateKey(keySize: .bits2048)
    let der = rsa.publicKey.derRepresentation
    let padded: [(_RSA.Signing.Padding, [SignatureScheme])] = [(.insecurePKCS1v1_5, [.rs256, .rs384, .rs512]), (.PSS, [.ps256, .ps384, .ps512])]
    var count = 0
    for (padding, schemes) in padded {
      #expect(try verdict(der, rsa.signature(for: SHA256.hash(data: Self.artifact), padding: padding).rawRepresentation) == (.trusted, schemes[0]))
      #expect(try verdict(der, rsa.signature(for: SHA384.hash(data: Self.artifact), padding: padding).rawRepresentation) == (.trusted, schemes[1]))
      #expect(try verdict(der, rsa.signature(for: SHA512.hash(data: Self.artifact), padding: padding).rawRepresentation) == (.trusted, schemes[2]))
      count += 3
    }
    #expect(count == 6)
    // Only SHA-256 is known: a P-384 signature cannot be judged, which is neither yes nor no.
    let only = ArtifactDigests(sha256: Self.digests.sha256)
    #expect(try verdict(p384.publicKey.derRepresentation, p384.signature(for: Self.artifact).derRepresentation, only).0 == .undetermined)
  }

  @Test("A P-256K signature without a verifier for it is undetermined, with one it is judged")
  func p256K() throws {
    struct Fixed: SignatureVerifier {
      let answer: SignatureCheck
      func check(_: [UInt8], over _: MessageDigest, scheme _: SignatureScheme, key _: PublicKey) -> SignatureCheck { answer }
    }
    let prefix: [UInt8] = [
      0x30, 0x56, 0x30, 0x10, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x0A, 0x03, 0x42, 0x00, 0x04,
    ]
    let policy = TrustPolicy(key: try PublicKey(spki: prefix + [UInt8](repeating: 1, count: 64)), name: "k")
    let evidence = SignatureEvidence(source: "t", content: .detached([UInt8](repeating: 1, count: 64)))
    let cases: [(any SignatureVerifier, Verdict)] = [
      (CryptoSignatureVerifier(), .undetermined), (CryptoSignatureVerifier(fallback: Fixed(answer: .invalid)), .refused),
      (CryptoSignatureVerifier(fallback: Fixed(answer: .valid)), .trusted),
    ]
    for (verifier, verdict) in cases {
      #expect(policy.decide(on: Self.digests, signatures: [evidence], at: Self.now, verifier: verifier).verdict == verdict)
    }
  }

  @Test(
    "The window of trust: before it no, within it yes, after it could not see",
    arguments: [
      (Int64?.some(now + 1), Int64?.none, Verdict.refused, Reason.Code.outsideWindow), (now, nil, .trusted, .verified),
      (nil, now, .trusted, .verified), (nil, now - 1, .undetermined, .timeUnproven), (now - 2, now - 1, .undetermined, .timeUnproven),
    ])
  func windows(_ from: Int64?, _ until: Int64?, _ verdict: Verdict, _ code: Reason.Code) throws {
    let policy = TrustPolicy(keys: [.init(name: "k", key: try publicKey, from: from, until: until)])
    let decision = decide(policy, [try bundle()])
    #expect(decision.verdict == verdict)
    #expect(decision.findings[0].reasons.map(\.code) == [code])
  }

  @Test("A revoked version is refused, another version of the key is not, and an unknown version counts as revoked")
  func revocations() throws {
    let revoked = TrustPolicy.Revocation(key: "k", version: "v1", fingerprint: nil, at: 0, reason: "compromised")
    for (version, verdict) in [("v1", Verdict.refused), ("v2", .trusted), (nil, .refused)] as [(String?, Verdict)] {
      let policy = TrustPolicy(keys: [.init(name: "k", key: try publicKey, version: version)], revocations: [revoked])
      #expect(decide(policy, [try bundle()]).verdict == verdict)
    }
  }

  @Test("A pinned fingerprint without bytes is undetermined until the right bytes are supplied")
  func pinned() throws {
    let policy = TrustPolicy(keys: [.init(name: "k", fingerprint: try publicKey.fingerprint)])
    #expect(decide(policy, [try bundle()]).verdict == .undetermined)
    #expect(decide(policy.supplying([try publicKey]), [try bundle()]).verdict == .trusted)
    let stranger = try PublicKey(spki: Array(P256.Signing.PrivateKey().publicKey.derRepresentation))
    #expect(decide(policy.supplying([stranger]), [try bundle()]).verdict == .undetermined)
  }

  @Test("One trusted signature suffices; a bad one beside one that could not be fetched is undetermined")
  func several() throws {
    let policy = TrustPolicy(key: try publicKey, name: "k")
    let bad = SignatureEvidence(source: "bad", content: .detached([1, 2, 3]))
    let unseen = SignatureEvidence(source: "unseen", content: .unavailable("the registry did not answer"))
    #expect(decide(policy, [bad, try bundle(), unseen]).verdict == .trusted)
    #expect(decide(policy, [bad, unseen]).verdict == .undetermined)
    #expect(decide(policy, [bad]).verdict == .refused)
  }

  @Test("A bundle with a certificate that no trusted key made is undetermined, not refused and not trusted")
  func certificates() throws {
    let other = try P256.Signing.PrivateKey().signature(for: Self.artifact)
    let evidence = SignatureEvidence(
      source: "t",
      content: .bundle(
        SigstoreBundle(material: .certificates([[1]]), content: .message(MessageSignature(digest: nil, signature: Array(other.derRepresentation))))))
    #expect(decide(TrustPolicy(key: try publicKey, name: "k"), [evidence]).verdict == .undetermined)
  }
}
