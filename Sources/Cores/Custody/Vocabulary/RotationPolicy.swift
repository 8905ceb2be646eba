/// A length of calendar time as rotation policies write it (`P90D`, `P1Y`, `P6M`): ISO 8601, days or longer.
///
/// A year counts 365 days (recorded) and a month 30. The text is kept, since clients get back what they sent.
package struct CalendarSpan: Hashable, Sendable {
  package let text: String
  package let days: Int64
  package var seconds: Int64 { days * 86_400 }

  /// - Returns: nil unless `text` is `P` followed by numbers with Y, M, W, D in this order, and more than zero days.
  package init?(_ text: String) {
    guard text.utf8.count <= 32, text.utf8.first == UInt8(ascii: "P") else { return nil }
    let units: [(letter: UInt8, days: Int64)] = [
      (UInt8(ascii: "Y"), 365), (UInt8(ascii: "M"), 30), (UInt8(ascii: "W"), 7), (UInt8(ascii: "D"), 1),
    ]
    var remaining = units[...]
    var number: Int64?
    var total: Int64 = 0
    for byte in text.utf8.dropFirst() {
      if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
        let next = (number ?? 0) * 10 + Int64(byte - UInt8(ascii: "0"))
        guard next <= 100_000 else { return nil }
        number = next
      } else {
        guard let count = number, let place = remaining.firstIndex(where: { $0.letter == byte }) else { return nil }
        total += count * units[place].days
        remaining = units[(place + 1)...]
        number = nil
      }
    }
    guard number == nil, total > 0 else { return nil }
    self.text = text
    self.days = total
  }
}

/// When a key gets a new version by itself, and how long a new version lives.
package struct RotationPolicy: Hashable, Sendable {
  package enum Trigger: Hashable, Sendable {
    case afterCreation(CalendarSpan)
    case beforeExpiry(CalendarSpan)
  }
  /// Shortest time between rotations and shortest life: 28 days (key-rotation documentation).
  package static let shortestDays: Int64 = 28

  /// Rotating is the only action a Managed HSM knows; at most one trigger.
  package let rotate: Trigger?
  package let expiryTime: CalendarSpan?
  package internal(set) var created: UnixTime
  package internal(set) var updated: UnixTime

  /// - Throws: `.invalidRotationPolicy` with the fault.
  init(_ wanted: RotationPolicyRequest, for name: KeyName, created: UnixTime, updated: UnixTime) throws(CustodyError) {
    if let expiry = wanted.expiryTime, expiry.days < Self.shortestDays {
      throw .invalidRotationPolicy(name, .expiryTooShort(minimumDays: Self.shortestDays))
    }
    switch wanted.rotate {
    case nil: break
    case .afterCreation(let span):
      guard span.days >= Self.shortestDays else { throw .invalidRotationPolicy(name, .rotationTooSoon(minimumDays: Self.shortestDays)) }
    case .beforeExpiry(let span):
      guard let expiry = wanted.expiryTime else { throw .invalidRotationPolicy(name, .expiryMissing) }
      guard expiry.days - span.days >= Self.shortestDays else {
        throw .invalidRotationPolicy(name, .rotationTooSoon(minimumDays: Self.shortestDays))
      }
    }
    rotate = wanted.rotate
    expiryTime = wanted.expiryTime
    self.created = created
    self.updated = updated
  }

  func write(to writer: inout RowWriter) {
    switch rotate {
    case nil: writer.byte(0)
    case .afterCreation(let span):
      writer.byte(1)
      writer.text(span.text)
    case .beforeExpiry(let span):
      writer.byte(2)
      writer.text(span.text)
    }
    writer.text(expiryTime?.text ?? "")
    writer.integer(created.seconds)
    writer.integer(updated.seconds)
  }

  init(from reader: inout RowReader) throws(RowReader.Malformed) {
    switch try reader.byte() {
    case 0: rotate = nil
    case 1: rotate = .afterCreation(try reader.span())
    case 2: rotate = .beforeExpiry(try reader.span())
    default: throw RowReader.Malformed()
    }
    let expiry = try reader.text()
    if expiry.isEmpty {
      expiryTime = nil
    } else {
      guard let span = CalendarSpan(expiry) else { throw RowReader.Malformed() }
      expiryTime = span
    }
    created = UnixTime(seconds: try reader.integer())
    updated = UnixTime(seconds: try reader.integer())
  }
}

/// A rotation policy as a caller asks for it. Both members nil removes the policy.
package struct RotationPolicyRequest: Hashable, Sendable {
  package var rotate: RotationPolicy.Trigger?
  package var expiryTime: CalendarSpan?
  package init(rotate: RotationPolicy.Trigger?, expiryTime: CalendarSpan?) {
    self.rotate = rotate
    self.expiryTime = expiryTime
  }
}

package enum RotationPolicyFault: Hashable, Sendable {
  case expiryTooShort(minimumDays: Int64)
  case rotationTooSoon(minimumDays: Int64)
  case expiryMissing
}

extension RowReader {
  fileprivate mutating func span() throws(Malformed) -> CalendarSpan {
    guard let span = CalendarSpan(try text()) else { throw Malformed() }
    return span
  }
}
