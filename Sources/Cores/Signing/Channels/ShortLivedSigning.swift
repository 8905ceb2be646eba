package import Clocks
internal import Crypto
package import SigstoreFormats
package import Trust

/// Signs with a P-256 key made in memory and endorsed once by an HSM key: one HSM operation for a whole run of dev signatures.
///
/// The key never leaves the process and ends with it. What it signs is worth only what the endorsement says: channel dev, for hours.
package struct ShortLivedSigning: SigningService {
  /// A private key of swift-crypto, which keeps and wipes its own memory.
  private let key: P256.Signing.PrivateKey
  package let pinned: PinnedKey
  /// The bundle that makes the key acceptable; goes beside every signature of this run.
  package let endorsement: SigstoreBundle
  private let notAfter: Int64
  private let clock: TimeSource

  /// The name of such a key in results.
  package static let keyName = "short-lived"

  private init(key: P256.Signing.PrivateKey, pinned: PinnedKey, endorsement: SigstoreBundle, notAfter: Int64, clock: TimeSource) {
    self.key = key
    self.pinned = pinned
    self.endorsement = endorsement
    self.notAfter = notAfter
    self.clock = clock
  }

  /// Makes a key and has it endorsed.
  ///
  /// - Parameters:
  ///   - grant: allows the dev channel; says how long.
  ///   - endorser: the HSM key of the channel, and its service. Its signature is checked before anything is signed.
  ///   - purpose: what for, in the endorsement.
  /// - Cost: one HSM operation. - Throws: what the service threw, `SigningError`, or `ChannelError.shortLivedKey`.
  package static func make(
    grant: ChannelGrant, endorser: SeatedSigner, identity: SigningIdentity, purpose: String, verifier: any SignatureVerifier, clock: TimeSource
  ) async throws -> ShortLivedSigning {
    guard grant.channel == .dev, let seconds = grant.shortLivedSeconds else {
      throw ChannelError.shortLivedKey("channel \(grant.channel.rawValue) does not sign with short-lived keys (shortLived: in the signing policy)")
    }
    let key = P256.Signing.PrivateKey()
    let now = clock.now().seconds
    let spki = Array(key.publicKey.derRepresentation)
    let endorsement = try KeyEndorsement(
      spki: spki, notBefore: now, notAfter: now + min(seconds, KeyEndorsement.maxSeconds), identity: String(identity.text.prefix(256)),
      purpose: purpose)
    let signer = endorser.signer
    let scheme = try SignatureFormat.bundle.scheme(for: signer.key, wanted: signer.scheme)
    let digest = endorsement.unsigned.digest(scheme.hash)
    let answer = try await endorser.service.sign(digest, scheme: scheme, key: signer.key)
    let signature = try answer.verified(over: digest, scheme: scheme, key: signer.key, verifier: verifier)
    let bundle = SigstoreBundle(
      envelope: endorsement.unsigned.sealed(signature: signature), spkiDigest: signer.key.publicKey.fingerprint)
    let publicKey = try PublicKey(spki: spki)
    let version = String(publicKey.fingerprintHex.prefix(32))
    let pinned = PinnedKey(
      kid: "urn:hallmark:dev-key:v1:\(publicKey.fingerprintHex)/keys/\(keyName)/\(version)", name: keyName, version: version,
      publicKey: publicKey, operations: ["sign"], notBefore: endorsement.notBefore, expires: endorsement.notAfter)
    return ShortLivedSigning(key: key, pinned: pinned, endorsement: bundle, notAfter: endorsement.notAfter, clock: clock)
  }

  package func pin(_ reference: KeyReference) async throws -> PinnedKey { pinned }

  package func sign(_ digest: MessageDigest, scheme: SignatureScheme, key wanted: PinnedKey) async throws -> SignedDigest {
    guard wanted == pinned, scheme == .es256, digest.algorithm == .sha256 else {
      throw ChannelError.shortLivedKey("it signs SHA-256 digests with ES256, as itself only")
    }
    guard clock.now().seconds < notAfter else {
      throw ChannelError.shortLivedKey("its time is over; start again, or split the run")
    }
    guard let value = P256Digest(digest.bytes) else { throw ChannelError.shortLivedKey("the digest is not 32 bytes") }
    let signature = try key.signature(for: value)
    return SignedDigest(signature: Array(signature.rawRepresentation), kid: pinned.kid, requestID: nil, attempts: 0)
  }
}

/// Thirty-two bytes that somebody hashed already, as swift-crypto wants a digest to be.
private struct P256Digest: Digest {
  static var byteCount: Int { 32 }
  private let bytes: [UInt8]

  init?(_ bytes: [UInt8]) {
    guard bytes.count == Self.byteCount else { return nil }
    self.bytes = bytes
  }

  func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R { try bytes.withUnsafeBytes(body) }
  func makeIterator() -> Array<UInt8>.Iterator { bytes.makeIterator() }
  var description: String { "SHA-256 digest" }
}
