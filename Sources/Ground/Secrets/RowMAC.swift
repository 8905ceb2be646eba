import Crypto

/// HMAC-SHA-256 over a list of fields, for rows of a store that is not trusted with their truth.
///
/// Each field is framed by its length, so that no two different lists have the same bytes:
/// `BE32(number of fields) ‖ (BE32(length) ‖ bytes)…`.
package struct RowMAC: Sendable {
  /// The fields of one row, in a fixed order.
  package struct Fields: Sendable {
    fileprivate var framed: [UInt8] = []
    fileprivate var count: UInt32 = 0

    /// `kind` names the row's table and format, so that a row of one cannot pass as a row of another.
    package init(kind: String) { append(kind) }

    package mutating func append(_ bytes: [UInt8]) {
      framed += bigEndian(UInt32(bytes.count))
      framed += bytes
      count += 1
    }
    package mutating func append(_ text: String) { append(Array(text.utf8)) }
    package mutating func append(_ number: Int64) {
      append((0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * Int64($0))) })
    }
    /// An absent value is a field of its own kind: it equals no empty one.
    package mutating func append(_ text: String?) {
      append([text == nil ? 0 : 1] + Array((text ?? "").utf8))
    }
    package mutating func append(_ number: Int64?) {
      if let number { append([1]); append(number) } else { append([0]) }
    }
  }

  private let key: SecretBytes

  package init(key: SecretBytes) { self.key = key }

  /// 32 bytes.
  package func tag(_ fields: Fields) -> [UInt8] {
    var mac = HMAC<SHA256>(key: key.symmetricKey)
    mac.update(data: bigEndian(fields.count))
    mac.update(data: fields.framed)
    return Array(mac.finalize())
  }

  /// Whether `tag` is that of the fields, compared in constant time.
  package func isValid(_ tag: [UInt8], for fields: Fields) -> Bool { constantTimeEqual(self.tag(fields), tag) }
}
