import Clocks
import Crypto
import CryptoExtras
import Encodings
import Foundation
import Signing
import SigstoreFormats
import Synchronization
import Trust

/// Keys in memory behind the port, as an HSM would answer.
enum Fixture {
  static let version = String(repeating: "a", count: 32)
  static let now: Int64 = 1_790_000_000

  static func digests(_ text: String) -> ArtifactDigests {
    var stream = DigestStream(HashAlgorithm.allCases)
    stream.update(Array(text.utf8))
    return stream.finish()
  }

  static func blob(_ path: String, _ text: String, _ formats: [SignatureFormat] = [.bundle]) -> SigningJob {
    SigningJob(
      artifact: .blob(.init(path: path, digests: digests(text))), claim: .signature(annotations: []), outputs: formats.map { .init($0) })
  }

  static func image(_ text: String = "manifest", tag: String? = nil) -> SigningJob.Image {
    SigningJob.Image(
      repository: "registry.example/app", mediaType: "application/vnd.oci.image.manifest.v1+json",
      digest: MessageDigest(algorithm: .sha256, bytes: digests(text).sha256 ?? []), size: Int64(text.utf8.count), tag: tag)
  }

  static func signature(_ formats: [SignatureFormat], _ annotations: [(String, String)] = [], of image: SigningJob.Image = image()) -> SigningJob {
    SigningJob(
      artifact: .image(image), claim: .signature(annotations: annotations.map { .init(name: $0.0, value: $0.1) }),
      outputs: formats.map { .init($0) })
  }
}

/// One EC or RSA key that signs digests, counting how often it is asked.
final class MemoryKey: SigningService, Sendable {
  enum Kind: Sendable {
    case p256, p384, p521
    case rsa(Int)
  }

  struct Refused: Error {}

  private let raw: @Sendable (MessageDigest, SignatureScheme) throws -> [UInt8]
  let pinned: PinnedKey
  private let asked = Mutex<[MessageDigest]>([])
  private let failing: Mutex<Int>
  private let twist: @Sendable (SignedDigest) -> SignedDigest

  /// - Parameters:
  ///   - failures: how many calls fail before one succeeds.
  ///   - twist: spoils the answer.
  init(
    _ kind: Kind = .p256, name: String = "fw-sign", failures: Int = 0, change: (inout PinnedKey) -> Void = { _ in },
    twist: @escaping @Sendable (SignedDigest) -> SignedDigest = { $0 }
  ) throws {
    let spki: Data
    switch kind {
    case .p256:
      let key = P256.Signing.PrivateKey()
      spki = key.publicKey.derRepresentation
      raw = { digest, _ in Array(try key.signature(for: try Self.rebuilt(SHA256.self, digest)).rawRepresentation) }
    case .p384:
      let key = P384.Signing.PrivateKey()
      spki = key.publicKey.derRepresentation
      raw = { digest, _ in Array(try key.signature(for: try Self.rebuilt(SHA384.self, digest)).rawRepresentation) }
    case .p521:
      let key = P521.Signing.PrivateKey()
      spki = key.publicKey.derRepresentation
      raw = { digest, _ in Array(try key.signature(for: try Self.rebuilt(SHA512.self, digest)).rawRepresentation) }
    case .rsa(let bits):
      let key = try _RSA.Signing.PrivateKey(keySize: .init(bitCount: bits))
      spki = key.publicKey.derRepresentation
      raw = { digest, scheme in
        let padding: _RSA.Signing.Padding = scheme.rawValue.hasPrefix("PS") ? .PSS : .insecurePKCS1v1_5
        switch digest.algorithm {
        case .sha256: return Array(try key.signature(for: try Self.rebuilt(SHA256.self, digest), padding: padding).rawRepresentation)
        case .sha384: return Array(try key.signature(for: try Self.rebuilt(SHA384.self, digest), padding: padding).rawRepresentation)
        case .sha512: return Array(try key.signature(for: try Self.rebuilt(SHA512.self, digest), padding: padding).rawRepresentation)
        }
      }
    }
    var pinned = PinnedKey(
      kid: "https://hsm.example/keys/\(name)/\(Fixture.version)", name: name, version: Fixture.version,
      publicKey: try PublicKey(spki: Array(spki)), operations: ["sign", "verify"])
    change(&pinned)
    self.pinned = pinned
    self.twist = twist
    failing = Mutex(failures)
  }

  /// A digest value of the library from the bytes alone.
  private static func rebuilt<H: HashFunction>(_ hash: H.Type, _ digest: MessageDigest) throws -> H.Digest {
    var value = H.hash(data: Data())
    guard MemoryLayout<H.Digest>.size == digest.bytes.count else { throw Refused() }
    withUnsafeMutableBytes(of: &value) { $0.copyBytes(from: digest.bytes) }
    return value
  }

  var calls: [MessageDigest] { asked.withLock { $0 } }

  func pin(_: KeyReference) async throws -> PinnedKey { pinned }

  func sign(_ digest: MessageDigest, scheme: SignatureScheme, key: PinnedKey) async throws -> SignedDigest {
    asked.withLock { $0.append(digest) }
    let fails = failing.withLock { left in
      left -= 1
      return left >= 0
    }
    if fails { throw Refused() }
    await Task.yield()
    return twist(SignedDigest(signature: try raw(digest, scheme), kid: pinned.kid, requestID: "request-\(calls.count)", attempts: 1))
  }

  func seat(_ name: String = "primary", chain: [[UInt8]] = []) -> SeatedSigner {
    SeatedSigner(Signer(name: name, key: pinned, chain: chain), service: self)
  }
}

/// Keeps what was placed; fails where told to.
final class MemoryPlaces: DocumentPlacer, Sendable {
  struct Full: Error {}

  private let kept = Mutex<[(placement: Placement, document: SealedDocument)]>([])
  private let refuses: @Sendable (Placement) -> Bool

  init(refuses: @escaping @Sendable (Placement) -> Bool = { _ in false }) { self.refuses = refuses }

  var all: [(placement: Placement, document: SealedDocument)] { kept.withLock { $0 } }

  func place(_ document: SealedDocument, at placement: Placement) async throws -> PlacedDocument {
    guard !refuses(placement) else { throw Full() }
    kept.withLock { $0.append((placement, document)) }
    return PlacedDocument(text: placement.text, digest: MessageDigest(algorithm: .sha256, bytes: Array(SHA256.hash(data: document.bytes))))
  }
}

/// A run over memory.
struct MemoryRun {
  let desk: SigningDesk
  let meter = StepMeter()
  let places: MemoryPlaces
  let run: JobRun

  init(_ chooser: any SignerChooser, cache: (any SignatureCache)? = nil, places: MemoryPlaces = MemoryPlaces()) {
    desk = SigningDesk(verifier: CryptoSignatureVerifier(), meter: meter)
    self.places = places
    run = JobRun(
      chooser: chooser, desk: desk, cache: cache, placer: places, meter: meter,
      clock: .fixed(Instant(seconds: Fixture.now)))
  }
}
