import Crypto
import Encodings
import Foundation
import NotaryFormats
import SigstoreFormats
import SwiftASN1
import Trust
import X509

/// A key that signs for tests, in every form that evidence comes in. Signatures are made by swift-crypto, not by the code under test.
struct TestSigner {
  var name: String
  var key = P256.Signing.PrivateKey()
  var channel = TrustPolicy.Channel.release

  var publicKey: PublicKey { get throws { try PublicKey(spki: Array(key.publicKey.derRepresentation)) } }
  var entry: TrustPolicy.Key { get throws { .init(name: name, key: try publicKey, channel: channel) } }

  func der(over bytes: [UInt8]) throws -> [UInt8] { Array(try key.signature(for: Data(bytes)).derRepresentation) }

  func envelope(_ statement: [UInt8], type: String = UnsignedEnvelope.statementType) throws -> Envelope {
    var envelope = Envelope(payloadType: type, payload: statement, signature: [])
    envelope.signature = try der(over: envelope.signedBytes)
    return envelope
  }

  func bundle(_ envelope: Envelope, hint: Bool = true) throws -> SignatureEvidence {
    SignatureEvidence(
      source: name,
      content: .bundle(
        SigstoreBundle(material: .publicKey(hint: hint ? Base64.encode(try publicKey.fingerprint) : nil), content: .envelope(envelope))))
  }

  /// A statement in a bundle, as cosign attaches it.
  func statement(
    about digest: MessageDigest = TestImage.digest, type: String = "https://sigstore.dev/cosign/sign/v1", annotations: JSONObject = [:],
    hint: Bool = true
  ) throws -> SignatureEvidence {
    try bundle(envelope(Self.text(about: digest, type: type, annotations: annotations)), hint: hint)
  }

  static func text(about digest: MessageDigest, type: String, annotations: JSONObject = [:]) -> [UInt8] {
    let value: JSONValue = [
      "_type": "https://in-toto.io/Statement/v1",
      "subject": [["digest": [digest.algorithm.rawValue: .string(Hex.encode(digest.bytes))], "annotations": .object(annotations)]],
      "predicateType": .string(type), "predicate": [:],
    ]
    return value.serialized()
  }

  func message(over bytes: [UInt8]) throws -> SignatureEvidence {
    SignatureEvidence(
      source: name,
      content: .bundle(
        SigstoreBundle(material: .publicKey(hint: nil), content: .message(MessageSignature(digest: nil, signature: try der(over: bytes))))))
  }
}

enum TestImage {
  static let manifest = Array(#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json"}"#.utf8)
  static let mediaType = "application/vnd.oci.image.manifest.v1+json"
  static let digest = MessageDigest(algorithm: .sha256, bytes: Array(SHA256.hash(data: manifest)))
  static let other = MessageDigest(algorithm: .sha256, bytes: Array(SHA256.hash(data: Data("another".utf8))))
  static let repository = "registry.example/team/app"
  static let artifact = JudgedArtifact.image(repository: repository, mediaType: mediaType, digest: digest, size: Int64(manifest.count))
  static let now: Int64 = 1_800_000_000
}

extension TrustPolicy {
  func judge(_ evidence: [SignatureEvidence], demand: VerificationDemand = .signature, at now: Int64 = TestImage.now) -> Decision {
    decide(on: TestImage.artifact, evidence: evidence, demand: demand, at: now, verifier: CryptoSignatureVerifier())
  }

  static func oneRule(
    _ signers: [TestSigner], _ requirement: Requirement, channel: Channel = .release, attestations: [AttestationRequirement] = [],
    promotion: PromotionDemand? = nil, roots: [CertificateRoot] = [], level: Level = .enforce
  ) throws -> TrustPolicy {
    let policy = TrustPolicy(
      keys: try signers.map { try $0.entry }, roots: roots,
      rules: [
        Rule(
          name: "images", repositories: [.everything], level: level, requirement: requirement, channel: channel, attestations: attestations,
          promotion: promotion)
      ])
    return policy
  }
}

extension Decision {
  var codes: Set<Reason.Code> { Set(reasons.map(\.code) + findings.flatMap(\.reasons).map(\.code)) }
}

/// A certificate for a test: everything right, until a test changes one thing.
struct CertificatePlan {
  var subject = "signer"
  var key = P256.Signing.PrivateKey()
  var notBefore: Int64 = 1_700_000_000
  var notAfter: Int64 = 1_900_000_000
  var constraints = BasicConstraints.notCertificateAuthority
  var usage = KeyUsage(digitalSignature: true)
  var purposes: [ExtendedKeyUsage.Usage] = [.codeSigning]

  static func authority(_ name: String) -> CertificatePlan {
    CertificatePlan(subject: name, constraints: .isCertificateAuthority(maxPathLength: nil), usage: KeyUsage(keyCertSign: true), purposes: [])
  }

  var name: DistinguishedName {
    get throws { try DistinguishedName { CountryName("US"); StateOrProvinceName("WA"); OrganizationName("Example"); CommonName(subject) } }
  }

  func der(issuer: CertificatePlan? = nil) throws -> [UInt8] {
    let by = issuer ?? self
    var extensions = [try Certificate.Extension(constraints, critical: true), try Certificate.Extension(usage, critical: true)]
    if !purposes.isEmpty { extensions.append(try Certificate.Extension(ExtendedKeyUsage(purposes), critical: false)) }
    let certificate = try Certificate(
      version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey), notValidBefore: Date(timeIntervalSince1970: Double(notBefore)),
      notValidAfter: Date(timeIntervalSince1970: Double(notAfter)), issuer: by.name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
      extensions: Certificate.Extensions(extensions), issuerPrivateKey: .init(by.key))
    var serializer = DER.Serializer()
    try serializer.serialize(certificate)
    return serializer.serializedBytes
  }
}
