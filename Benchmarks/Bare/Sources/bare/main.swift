// Prints one JSON line: signatures and verifications per second of one core for P-256 and P-384, by swift-crypto alone.
import Crypto

struct RawDigest: Digest {
  static let byteCount = 32
  let bytes: [UInt8]
  func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R { try bytes.withUnsafeBytes(body) }
  func makeIterator() -> Array<UInt8>.Iterator { bytes.makeIterator() }
  var description: String { "digest" }
  static func == (a: Self, b: Self) -> Bool { a.bytes == b.bytes }
  func hash(into hasher: inout Hasher) { hasher.combine(bytes) }
}

/// Calls a second of one core, after a tenth of the time to warm up.
func rate(seconds: Double, _ body: () throws -> Void) rethrows -> Double {
  let clock = ContinuousClock()
  var calls = 0
  let warm = clock.now + .seconds(seconds / 10)
  while clock.now < warm { for _ in 0..<16 { try body() } }
  let start = clock.now
  let end = start + .seconds(seconds)
  while clock.now < end {
    for _ in 0..<64 { try body() }
    calls += 64
  }
  let elapsed = clock.now - start
  return Double(calls) / (Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18)
}

let seconds = CommandLine.arguments.dropFirst().first.flatMap(Double.init) ?? 2
let digest = RawDigest(bytes: (0..<32).map { UInt8($0) })
let p256 = P256.Signing.PrivateKey()
let p384 = P384.Signing.PrivateKey()
let signature256 = try p256.signature(for: digest)
let signature384 = try p384.signature(for: digest)
let s256 = try rate(seconds: seconds) { _ = try p256.signature(for: digest).rawRepresentation }
let v256 = rate(seconds: seconds) { precondition(p256.publicKey.isValidSignature(signature256, for: digest)) }
let s384 = try rate(seconds: seconds) { _ = try p384.signature(for: digest).rawRepresentation }
let v384 = rate(seconds: seconds) { precondition(p384.publicKey.isValidSignature(signature384, for: digest)) }
print("{\"P-256\":{\"sign\":\(s256),\"verify\":\(v256)},\"P-384\":{\"sign\":\(s384),\"verify\":\(v384)}}")
