import Crypto
import FoundationEssentials

/// A digest that the caller computed, in the form swift-crypto signs.
struct SHA256Sized: Digest {
  static var byteCount: Int { 32 }
  let bytes: [UInt8]
  var description: String { "SHA-256 digest" }
  func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R { try bytes.withUnsafeBytes(body) }
  func makeIterator() -> Array<UInt8>.Iterator { bytes.makeIterator() }
}

struct SHA384Sized: Digest {
  static var byteCount: Int { 48 }
  let bytes: [UInt8]
  var description: String { "SHA-384 digest" }
  func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R { try bytes.withUnsafeBytes(body) }
  func makeIterator() -> Array<UInt8>.Iterator { bytes.makeIterator() }
}
