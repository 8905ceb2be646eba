import Clocks
import Crypto
import Custody
import Encodings
import JOSE
import Ledger
import SQLiteStore

/// A P-256 key that the service itself signs with: access tokens, audit checkpoints. It lives in the engine like any other key and is sealed
/// under the partition key; what is stored is the sealed form.
struct ServiceKey: Sendable {
  let publicKey: P256.Signing.PublicKey
  private let handle: any KeyHandle

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// Loads the key of this purpose, or makes and stores it.
  static func open(_ purpose: String, hsm: HSMIdentity, engine: any KeyEngine, store: Store, clock: TimeSource) throws -> ServiceKey {
    let slot = "service-key.\(purpose)"
    guard let name = KeyName("hallmark-service-\(purpose)") else { throw Failure(description: "'\(purpose)' is no purpose of a service key") }
    if let stored = try store.stateValue(of: slot) {
      let value = try JSONValue.parse(stored)
      guard let version = value["version"]?.string.flatMap({ KeyVersionID($0) }), let created = value["created"]?.int64,
        let sealed = try value["sealed"]?.string.map({ try Base64.decode($0) }), let point = try value["public"]?.string.map({ try Base64.decode($0) })
      else { throw Failure(description: "the stored service key '\(purpose)' cannot be read") }
      let handle = try engine.load(sealed, binding(hsm, name, version, created))
      let key = try ServiceKey(publicKey: P256.Signing.PublicKey(x963Representation: point), handle: handle)
      // The public half is not sealed: prove that it belongs to the private one.
      let digest = Array(SHA256.hash(data: Array("hallmark service key".utf8)))
      guard try key.publicKey.isValidSignature(key.rawSignature(digest), for: PrecomputedDigest(digest)) else {
        throw Failure(description: "the stored service key '\(purpose)' was changed outside Hallmark")
      }
      return key
    }
    let version = KeyVersionID(entropy: .system)
    let created = clock.now().seconds
    let made = try engine.generate(binding(hsm, name, version, created))
    guard case .ec(_, let x, let y) = made.publicKey else { throw Failure(description: "the engine made no P-256 key") }
    let point: [UInt8] = [4] + x + y
    let value: JSONValue = [
      "version": .string(version.text), "created": .integer(created), "sealed": .string(Base64.encode(made.sealed)), "public": .string(Base64.encode(point)),
    ]
    try store.setStateValue(of: slot, to: value.serialized())
    return try ServiceKey(
      publicKey: P256.Signing.PublicKey(x963Representation: point), handle: engine.load(made.sealed, binding(hsm, name, version, created)))
  }

  private static func binding(_ hsm: HSMIdentity, _ name: KeyName, _ version: KeyVersionID, _ created: Int64) -> KeyBinding {
    KeyBinding(
      hsm: hsm, identity: KeyIdentity(name: name, version: version), spec: .ec(.p256), exportable: false, created: UnixTime(seconds: created))
  }

  fileprivate func rawSignature(_ digest: [UInt8]) throws -> P256.Signing.ECDSASignature {
    try P256.Signing.ECDSASignature(rawRepresentation: handle.sign(digest, .es256))
  }
}

/// Signs access tokens.
struct TokenSigner: JWSSigner {
  let key: ServiceKey
  var algorithm: JWSAlgorithm { .es256 }
  var header: JSONObject { ["kid": .string(publicKey.thumbprint ?? "")] }
  var publicKey: JWK { JWK(key.publicKey) }

  func signature(over input: [UInt8]) throws(JOSEError) -> [UInt8] {
    do { return Array(try key.rawSignature(Array(SHA256.hash(data: input))).rawRepresentation) } catch { throw .signingFailed("the engine refused") }
  }
}

/// Signs audit checkpoints.
struct TrailSigner: CheckpointSigner {
  let key: ServiceKey
  let verifier: CheckpointVerifier

  init(key: ServiceKey, origin: String) {
    self.key = key
    verifier = CheckpointVerifier(name: origin, key: .p256(key.publicKey))
  }

  func sign(_ text: [UInt8]) throws -> [UInt8] { Array(try key.rawSignature(Array(SHA256.hash(data: text))).derRepresentation) }
}

/// A digest that was computed before.
private struct PrecomputedDigest: Digest {
  static var byteCount: Int { 32 }
  private let bytes: [UInt8]
  init(_ bytes: [UInt8]) { self.bytes = bytes }
  func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R { try bytes.withUnsafeBytes(body) }
  static func == (a: PrecomputedDigest, b: PrecomputedDigest) -> Bool { a.bytes == b.bytes }
  func hash(into hasher: inout Hasher) { hasher.combine(bytes) }
  var description: String { "digest" }
  func makeIterator() -> Array<UInt8>.Iterator { bytes.makeIterator() }
}
