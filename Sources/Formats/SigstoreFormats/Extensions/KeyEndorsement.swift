internal import Crypto
internal import Encodings

/// That an HSM key vouches for a short-lived P-256 key, made in memory for one run of dev signatures.
///
/// As an in-toto statement of type `urn:hallmark:dev-key:v1`, in a Sigstore bundle signed by the HSM key: one HSM operation for as many dev
/// signatures as the run makes. It says `dev` and nothing else can be said, so such a signature never satisfies a rule for releases.
///
/// It travels beside the signatures: as file `NAME.dev-key.json` next to `NAME.sigstore.json`, and for images as one more referrer of
/// artifact type `KeyEndorsement.mediaType`, its only layer the bundle.
package struct KeyEndorsement: Sendable, Hashable {
  package static let predicateType = "urn:hallmark:dev-key:v1"
  /// Artifact type of a referrer that carries an endorsement; the layer inside is a Sigstore bundle.
  package static let mediaType = "application/vnd.hallmark.dev-key.v1+json"
  /// The end of the name of a file that carries one.
  package static let fileSuffix = ".dev-key.json"
  package static let channel = "dev"
  package static let subjectName = "dev-key"
  package static let digestName = "hallmarkKeySha256"
  /// A day. Longer-lived keys belong into an HSM.
  package static let maxSeconds: Int64 = 24 * 3600
  /// DER SubjectPublicKeyInfo of a P-256 key with an uncompressed point.
  static let spkiBytes = 91

  /// DER SubjectPublicKeyInfo of the endorsed key, 91 bytes, P-256.
  package let spki: [UInt8]
  /// Seconds since the epoch, inclusive. At most `maxSeconds` before `notAfter`.
  package let notBefore: Int64
  /// Exclusive.
  package let notAfter: Int64
  /// Who the run belongs to, as the endorsing side saw it: `repo:me/app:ref:refs/heads/main`, or a user.
  package let identity: String
  /// What for: a build's id, a job's name.
  package let purpose: String

  /// - Throws: `otherKey` unless the key is P-256, `badWindow`, `badName`.
  package init(spki: [UInt8], notBefore: Int64, notAfter: Int64, identity: String, purpose: String) throws(ExtensionError) {
    guard spki.count == Self.spkiBytes, (try? P256.Signing.PublicKey(derRepresentation: spki)) != nil else { throw .otherKey }
    let latest: Int64 = 253_402_300_800  // 10000-01-01: beyond it a year has five digits.
    guard notBefore >= 0, notAfter < latest else { throw .badWindow("times must lie between 1970 and 9999") }
    guard notBefore < notAfter else { throw .badWindow("it ends before it begins") }
    guard notAfter - notBefore <= Self.maxSeconds else {
      throw .badWindow("it is \(notAfter - notBefore) seconds long; at most \(Self.maxSeconds) are allowed")
    }
    guard OwnStatement.isName(identity) else { throw .badName("the identity") }
    guard OwnStatement.isName(purpose) else { throw .badName("the purpose") }
    self.spki = spki
    self.notBefore = notBefore
    self.notAfter = notAfter
    self.identity = identity
    self.purpose = purpose
  }

  /// SHA-256 of `spki`: the hint in the bundles the key signs.
  package var fingerprint: [UInt8] { Array(SHA256.hash(data: spki)) }

  /// Whether the key may have signed at `seconds` since the epoch.
  package func isValid(at seconds: Int64) -> Bool { notBefore <= seconds && seconds < notAfter }

  /// The in-toto statement. Equal endorsements give equal bytes.
  package var statement: [UInt8] {
    OwnStatement.bytes(
      subject: Self.subjectName, digest: (Self.digestName, Hex.encode(fingerprint)), predicateType: Self.predicateType,
      predicate: [
        "spki": .string(Base64.encode(spki)), "channel": .string(Self.channel),
        "notBefore": .string(ISO8601.format(seconds: notBefore)), "notAfter": .string(ISO8601.format(seconds: notAfter)),
        "identity": .string(identity), "purpose": .string(purpose),
      ])
  }

  /// The envelope for the HSM key to sign.
  package var unsigned: UnsignedEnvelope { UnsignedEnvelope(payload: statement) }

  /// Reads the statement inside a bundle. The signature is not looked at.
  package static func parse(bundle: SigstoreBundle) throws(ExtensionError) -> KeyEndorsement {
    try parse(statement: OwnStatement.payload(of: bundle))
  }

  /// Reads one statement, at most 64 KiB. Fuzz entry point.
  package static func parse(statement bytes: [UInt8]) throws(ExtensionError) -> KeyEndorsement {
    let (digest, predicate) = try OwnStatement.read(
      bytes, predicateType: predicateType, subject: subjectName, digestName: digestName)
    let endorsement: KeyEndorsement
    do {
      try predicate.allow(["spki", "channel", "notBefore", "notAfter", "identity", "purpose"])
      let channel = try predicate.string("channel", maxBytes: 64)
      guard channel == Self.channel else { throw ExtensionError.channelNotAllowed(channel) }
      endorsement = try KeyEndorsement(
        spki: predicate.bytes("spki", maxBytes: spkiBytes), notBefore: time("notBefore", of: predicate), notAfter: time("notAfter", of: predicate),
        identity: predicate.string("identity", maxBytes: OwnStatement.maxNameBytes),
        purpose: predicate.string("purpose", maxBytes: OwnStatement.maxNameBytes))
    } catch let error as BundleError {
      throw .form(error)
    } catch let error as ExtensionError {
      throw error
    } catch {
      throw .form(.badMember(path: "predicate", wanted: "an endorsement"))
    }
    guard endorsement.fingerprint == digest else { throw .otherKey }
    return endorsement
  }

  /// Whole seconds, UTC, in the one form that is written.
  private static func time(_ name: String, of predicate: MemberReader) throws(BundleError) -> Int64 {
    let text = try predicate.string(name, maxBytes: 20)
    guard let nanoseconds = try? ISO8601.parse(text), ISO8601.format(seconds: nanoseconds / 1_000_000_000) == text else {
      throw .badMember(path: "predicate.\(name)", wanted: "a time such as 2026-03-02T07:41:12Z")
    }
    return nanoseconds / 1_000_000_000
  }
}
