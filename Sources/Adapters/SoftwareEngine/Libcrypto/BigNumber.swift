import CLibcrypto
import Custody
import Secrets

/// An integer in libcrypto's secure arena, cleared when it ends.
struct SecretNumber: ~Copyable {
  let pointer: OpaquePointer

  init() throws(EngineFailure) { pointer = try Self.allocated() }

  /// - Parameter bytes: big-endian, leading zeros accepted.
  init(_ bytes: SecretBytes) throws(EngineFailure) {
    let number = try Self.allocated()
    let read = bytes.withUnsafeBytes { BN_bin2bn($0.bindMemory(to: UInt8.self).baseAddress, Int32($0.count), number) }
    guard read != nil else {
      BN_clear_free(number)
      throw libraryFailure("read integer")
    }
    pointer = number
  }

  private static func allocated() throws(EngineFailure) -> OpaquePointer {
    guard let pointer = BN_secure_new() else { throw libraryFailure("secure memory") }
    BN_set_flags(pointer, BN_FLG_CONSTTIME)
    return pointer
  }

  deinit { BN_clear_free(pointer) }
}

/// A public integer.
struct PublicNumber: ~Copyable {
  let pointer: OpaquePointer

  init(_ bytes: [UInt8]) throws(EngineFailure) {
    guard let pointer = BN_bin2bn(bytes, Int32(bytes.count), nil) else { throw libraryFailure("read integer") }
    self.pointer = pointer
  }
  deinit { BN_free(pointer) }
}
