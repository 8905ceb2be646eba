/// What everybody may know of a key.
package enum PublicKey: Hashable, Sendable {
  /// Big-endian, without leading zero bytes.
  case rsa(modulus: [UInt8], exponent: [UInt8])
  /// Coordinates of `curve.coordinateLength` bytes each, leading zeros kept.
  case ec(Curve, x: [UInt8], y: [UInt8])
  /// Symmetric keys show nothing.
  case oct
}

/// How a key version came to be.
package enum KeyOrigin: String, CaseIterable, Sendable {
  case generated, imported, rotated
}

/// One version of one key, as its readers see it.
package struct KeyVersion: Hashable, Sendable {
  package let identity: KeyIdentity
  package let spec: KeySpec
  package let publicKey: PublicKey
  package internal(set) var operations: KeyOperations
  package internal(set) var attributes: KeyAttributes
  package internal(set) var tags: KeyTags
  /// The HSM's rules, for `recoverableDays` and `recoveryLevel`.
  package let recovery: RecoveryPolicy
  package let origin: KeyOrigin
  /// The object id of the principal that created it.
  package let createdBy: String
  /// The id of the role assignment that permitted its creation.
  package let createdUnder: String
}

/// A key in the deleted state; it can be recovered or purged.
package struct DeletedKey: Hashable, Sendable {
  /// The latest version.
  package let latest: KeyVersion
  package let deletedAt: UnixTime
  /// `deletedAt` plus the recoverable days.
  package let scheduledPurge: UnixTime
}

/// Some items of a list, oldest creation first, and where the next page starts.
package struct Page<Item: Sendable>: Sendable {
  package let items: [Item]
  /// Nil on the last page.
  package let next: PageToken?
}

/// A place in a list. Opaque to callers; it carries nothing secret and is checked when it comes back.
package struct PageToken: Hashable, Sendable {
  let ordinal: Int64

  init(ordinal: Int64) { self.ordinal = ordinal }

  /// - Parameter text: exactly 16 lower-case hex digits, as `text` writes them.
  package init?(_ text: String) {
    guard text.utf8.count == 16, text.utf8.allSatisfy({ ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x66) }),
      let value = Int64(text, radix: 16)
    else { return nil }
    ordinal = value
  }
  package var text: String {
    let digits = String(ordinal, radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
  }
}

/// What part of a list is wanted.
package struct PageRequest: Hashable, Sendable {
  package static let largest = 25

  package let size: Int
  package let after: PageToken?

  /// - Parameter size: larger than 25 means 25, the service's own bound; nil means 25.
  /// - Returns: nil if `size` is less than 1.
  package init?(size: Int? = nil, after: PageToken? = nil) {
    guard (size ?? 1) >= 1 else { return nil }
    self.size = min(size ?? Self.largest, Self.largest)
    self.after = after
  }
}
