/// Whole seconds since the Unix epoch, as clients send them; any value, also one no clock of ours reaches.
package struct UnixTime: Hashable, Comparable, Sendable {
  package let seconds: Int64
  package init(seconds: Int64) { self.seconds = seconds }
  package static func < (a: UnixTime, b: UnixTime) -> Bool { a.seconds < b.seconds }
}

/// The attributes of one key version.
package struct KeyAttributes: Hashable, Sendable {
  package var enabled: Bool
  /// The first second at which the key may be used.
  package var notBefore: UnixTime?
  /// The first second at which it may no longer be used.
  package var expires: UnixTime?
  /// Fixed at creation.
  package let exportable: Bool
  /// Fixed at creation; restoring keeps it.
  package let created: UnixTime
  package internal(set) var updated: UnixTime

  package init(
    enabled: Bool, notBefore: UnixTime?, expires: UnixTime?, exportable: Bool, created: UnixTime, updated: UnixTime
  ) {
    self.enabled = enabled
    self.notBefore = notBefore
    self.expires = expires
    self.exportable = exportable
    self.created = created
    self.updated = updated
  }
}

/// The soft-delete rules of an HSM, fixed at its creation.
package struct RecoveryPolicy: Hashable, Sendable {
  package static let allowedDays = 7...90
  package static let usualDays = 90

  /// How long a deleted key stays recoverable.
  package let days: Int
  /// With purge protection nobody can purge before `days` have passed.
  package let purgeProtection: Bool

  /// - Returns: nil if `days` is not 7 to 90.
  package init?(days: Int = usualDays, purgeProtection: Bool = false) {
    guard Self.allowedDays.contains(days) else { return nil }
    self.days = days
    self.purgeProtection = purgeProtection
  }

  /// The wire's `recoveryLevel`.
  package var level: String {
    (days == Self.usualDays ? "Recoverable" : "CustomizedRecoverable") + (purgeProtection ? "" : "+Purgeable")
  }
}

/// Name and value pairs that their owner attaches to a key version; kept byte for byte, blanks included.
package struct KeyTags: Hashable, Sendable {
  package static let countLimit = 15
  /// In characters (Unicode scalars), for names and for values.
  package static let lengthLimit = 256
  package static let empty = KeyTags(unchecked: [:])

  package let pairs: [String: String]

  private init(unchecked pairs: [String: String]) { self.pairs = pairs }

  package init(_ pairs: [String: String]) throws(CustodyError) {
    guard pairs.count <= Self.countLimit else { throw .tooManyTags(count: pairs.count, limit: Self.countLimit) }
    for (name, value) in pairs {
      guard name.unicodeScalars.count <= Self.lengthLimit, value.unicodeScalars.count <= Self.lengthLimit else {
        throw .tagTooLong(limit: Self.lengthLimit)
      }
    }
    self.pairs = pairs
  }
  package var isEmpty: Bool { pairs.isEmpty }
}
