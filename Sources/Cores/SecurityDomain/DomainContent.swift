package import Clocks
import Crypto
import Encodings
package import Secrets

/// What a quorum gets back: the partition key and the HSM it belongs to.
package struct RecoveredDomain: Sendable {
  package let partitionKey: SecretBytes
  package let hsmName: String
  package let hsmID: String
  /// When the domain was made, to the second.
  package let created: Instant

  /// A public name of the partition key: equal names, equal keys. It says nothing else about the key.
  package var fingerprint: String { PartitionKeyFingerprint.of(partitionKey) }
}

/// A public name of a partition key: HMAC under a subkey, so that it cannot be searched for.
package enum PartitionKeyFingerprint {
  package static func of(_ key: SecretBytes) -> String {
    let subkey = key.derive(label: "hallmark partition key fingerprint v1")
    return Base64URL.encode(RowMAC(key: subkey).tag(.init(kind: "fingerprint")).prefix(16))
  }
}

/// The plaintext of the datum `hsm_backup`.
///
/// `"HMSD" ‖ 01 ‖ BE16 length ‖ name ‖ BE16 length ‖ id ‖ BE64 seconds ‖ partition key (32) ‖ check (32)`. The check is a MAC over identity
/// and time under a subkey of the partition key: clients re-encrypt the datum without understanding it, so it proves itself.
enum DomainContent {
  static let magic = Array("HMSD".utf8) + [1]
  static let keySize = 32

  static func encode(_ domain: RecoveredDomain) throws(SecurityDomainError) -> SecretBytes {
    guard domain.partitionKey.count == keySize else { throw .badPartitionKey }
    let head = magic + framed(domain.hsmName) + framed(domain.hsmID) + bigEndian(UInt64(bitPattern: domain.created.seconds), 8)
    let check = check(domain)
    return SecretBytes(count: head.count + keySize + check.count) { target in
      target.copyBytes(from: head)
      domain.partitionKey.withUnsafeBytes {
        UnsafeMutableRawBufferPointer(rebasing: target[head.count...]).copyBytes(from: $0)
      }
      UnsafeMutableRawBufferPointer(rebasing: target[(head.count + keySize)...]).copyBytes(from: check)
    }
  }

  static func decode(_ plaintext: SecretBytes) throws(SecurityDomainError) -> RecoveredDomain {
    try plaintext.withUnsafeBytes { (bytes) throws(SecurityDomainError) in
      guard bytes.starts(with: magic) else { throw .notAHallmarkDomain }
      var position = magic.count
      func take(_ count: Int) throws(SecurityDomainError) -> UnsafeRawBufferPointer {
        guard position + count <= bytes.count else { throw .notAHallmarkDomain }
        defer { position += count }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
      }
      func text() throws(SecurityDomainError) -> String {
        let length = try take(2)
        guard let text = String(validating: try take(Int(length[0]) << 8 | Int(length[1])), as: UTF8.self) else {
          throw .notAHallmarkDomain
        }
        return text
      }
      let name = try text()
      let id = try text()
      let seconds = Int64(bitPattern: try take(8).reduce(0) { $0 << 8 | UInt64($1) })
      let key = SecretBytes(copying: try take(keySize))
      let given = Array(try take(32))
      guard position == bytes.count, abs(seconds) < 1 << 33 else { throw .notAHallmarkDomain }
      let domain = RecoveredDomain(partitionKey: key, hsmName: name, hsmID: id, created: Instant(seconds: seconds))
      guard constantTimeEqual(check(domain), given) else { throw .identityMismatch }
      return domain
    }
  }

  private static func check(_ domain: RecoveredDomain) -> [UInt8] {
    var fields = RowMAC.Fields(kind: "security domain")
    fields.append(domain.hsmName)
    fields.append(domain.hsmID)
    fields.append(domain.created.seconds)
    return RowMAC(key: domain.partitionKey.derive(label: "hallmark security domain check v1")).tag(fields)
  }

  private static func framed(_ text: String) -> [UInt8] {
    let bytes = Array(text.utf8.prefix(0xFFFF))
    return bigEndian(UInt64(bytes.count), 2) + bytes
  }

  private static func bigEndian(_ value: UInt64, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64(count - 1 - $0))) }
  }
}
