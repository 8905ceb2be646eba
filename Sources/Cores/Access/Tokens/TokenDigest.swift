import Crypto
import Encodings

/// SHA-256 of something that must not be kept: a token, a code.
struct TokenDigest: Sendable, Hashable {
  private let a, b, c, d: UInt64

  init(_ text: String, domain: UInt8 = 0) {
    var text = text
    self = text.withUTF8 { TokenDigest(UnsafeRawBufferPointer($0), domain: domain) }
  }

  init(_ bytes: UnsafeRawBufferPointer, domain: UInt8 = 0) {
    var hash = SHA256()
    hash.update(bufferPointer: UnsafeRawBufferPointer(bytes))
    withUnsafeBytes(of: domain) { hash.update(bufferPointer: $0) }
    (a, b, c, d) = hash.finalize().withUnsafeBytes { $0.loadUnaligned(as: (UInt64, UInt64, UInt64, UInt64).self) }
  }

  /// 64 hexadecimal digits.
  var text: String { withUnsafeBytes(of: self) { Hex.encode($0) } }

  static func == (x: TokenDigest, y: TokenDigest) -> Bool { (x.a ^ y.a) | (x.b ^ y.b) | (x.c ^ y.c) | (x.d ^ y.d) == 0 }
  /// A digest is already spread evenly, and its preimages are not the attacker's to choose cheaply.
  func hash(into hasher: inout Hasher) { hasher.combine(a) }
}
