import Crypto
package import FoundationEssentials

/// AES-256-GCM boxes: `version 01 ‖ nonce (12) ‖ ciphertext ‖ tag (16)`, with the context as additional authenticated data.
///
/// The nonce is random (SP 800-38D §8.2.2), so one key seals at most 2³² boxes. The context names what the box belongs to, so that a box
/// moved to another row does not open.
package enum Seal {
  private static let version: UInt8 = 1
  /// How much longer a box is than what it holds.
  package static let overhead = 1 + 12 + 16

  /// - Throws: `.wrongKeySize` unless the key has 32 bytes.
  package static func seal(
    _ plaintext: UnsafeRawBufferPointer, key: SecretBytes, context: [UInt8]
  ) throws(SecretsError) -> [UInt8] {
    guard key.count == 32 else { throw .wrongKeySize(expected: 32) }
    do {
      let box = try AES.GCM.seal(plaintext, using: key.symmetricKey, authenticating: context)
      var output: [UInt8] = [version]
      output.reserveCapacity(overhead + plaintext.count)
      output.append(contentsOf: box.nonce)
      output.append(contentsOf: box.ciphertext)
      output.append(contentsOf: box.tag)
      return output
    } catch { throw .library(String(describing: error)) }
  }

  package static func seal(_ plaintext: [UInt8], key: SecretBytes, context: [UInt8]) throws(SecretsError) -> [UInt8] {
    let result: Result<[UInt8], SecretsError> = plaintext.withUnsafeBytes { bytes in
      do throws(SecretsError) { return .success(try seal(bytes, key: key, context: context)) } catch { return .failure(error) }
    }
    return try result.get()
  }

  package static func seal(_ plaintext: SecretBytes, key: SecretBytes, context: [UInt8]) throws(SecretsError) -> [UInt8] {
    try plaintext.withUnsafeBytes { (bytes) throws(SecretsError) in try seal(bytes, key: key, context: context) }
  }

  /// - Throws: `.notABox`, `.wrongKeySize`, `.authenticationFailed`.
  package static func open(_ box: [UInt8], key: SecretBytes, context: [UInt8]) throws(SecretsError) -> SecretBytes {
    guard key.count == 32 else { throw .wrongKeySize(expected: 32) }
    guard box.count >= overhead, box[0] == version else { throw .notABox }
    guard
      let nonce = try? AES.GCM.Nonce(data: box[1..<13]),
      let sealed = try? AES.GCM.SealedBox(nonce: nonce, ciphertext: box[13..<box.count - 16], tag: box.suffix(16)),
      var plaintext = try? AES.GCM.open(sealed, using: key.symmetricKey, authenticating: context)
    else { throw .authenticationFailed }
    return SecretBytes(wiping: &plaintext)
  }
}

extension SecretBytes {
  /// Moves bytes in from swift-crypto's byte type, which is wiped.
  package convenience init(wiping data: inout Data) {
    self.init(count: data.count) { target in data.withUnsafeBytes { target.copyMemory(from: $0) } }
    data.withUnsafeMutableBytes { wipeMemory($0) }
    data = Data()
  }
}
