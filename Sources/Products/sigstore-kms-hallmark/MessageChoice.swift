import SigstoreFormats
import Trust

/// Which algorithm a message is signed or checked with, and over which digest: cosign says neither plainly.
///
/// With a digest its length is its hash, whatever `hashFunc` says (cosign always writes SHA-256 there), and it must be a hash the key signs
/// with: the curve's own for EC, any SHA-2 for RSA. Without one the key decides; RSA of every length takes SHA-256, as cosign does. RSA
/// signatures are PKCS#1 v1.5, the only ones Sigstore's clients check.
struct MessageChoice {
  enum Refusal: Error, Equatable {
    case unknownCurve(key: String)
    case wrongHash(got: HashAlgorithm, key: String, wanted: String)
    case digestMismatch(HashAlgorithm)
  }

  let scheme: SignatureScheme

  init(key: PublicKey, name: String, digest: [UInt8]?) throws {
    let possible: [SignatureScheme]
    switch key.kind {
    case .ec(.p256): possible = [.es256]
    case .ec(.p384): possible = [.es384]
    case .ec(.p521): possible = [.es512]
    case .ec(.p256K): throw Refusal.unknownCurve(key: name)
    case .rsa: possible = [.rs256, .rs384, .rs512]
    }
    guard let digest, let hash = HashAlgorithm.allCases.first(where: { $0.byteCount == digest.count }) else {
      scheme = possible[0]
      return
    }
    guard let fitting = possible.first(where: { $0.hash == hash }) else {
      throw Refusal.wrongHash(got: hash, key: "\(name) (\(key.kindText))", wanted: possible[0].hash.rawValue)
    }
    scheme = fitting
  }

  /// The digest to sign: the one given when nothing came on standard input, else the message's own, which the given one must equal.
  func digest(given: [UInt8]?, computed: MessageDigest, byteCount: Int64) throws -> MessageDigest {
    guard let given else { return computed }
    guard byteCount > 0 else { return MessageDigest(algorithm: scheme.hash, bytes: given) }
    guard given == computed.bytes else { throw Refusal.digestMismatch(scheme.hash) }
    return computed
  }
}
