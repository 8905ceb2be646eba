/// An ISO 8601 duration such as `P90D`, `P1Y`, `P1Y2M`, `PT1H`: calendar parts kept apart, because a month has no fixed length.
package struct CalendarDuration: Sendable, Hashable, CustomStringConvertible {
  package var years: Int64
  package var months: Int64
  /// Weeks are read as seven days each.
  package var days: Int64
  /// Hours, minutes and seconds together.
  package var seconds: Int64

  package init(years: Int64 = 0, months: Int64 = 0, days: Int64 = 0, seconds: Int64 = 0) {
    (self.years, self.months, self.days, self.seconds) = (years, months, days, seconds)
  }

  /// Every number is below this, so that no later arithmetic can overflow.
  private static let maxPart: Int64 = 1_000_000

  /// Reads `PnYnMnWnDTnHnMnS`: whole, unsigned numbers in that order, at least one of them.
  package static func parse(_ text: String) throws(EncodingError) -> CalendarDuration {
    let bytes = Array(text.utf8)
    guard bytes.count <= 64 else { throw .tooLong(limit: 64) }
    guard bytes.first == UInt8(ascii: "P") else { throw .malformed(expected: "'P'", offset: 0) }
    var result = CalendarDuration()
    var units: Substring.UTF8View = "YMWD"[...].utf8
    var inTime = false
    var found = false
    var i = 1
    while i < bytes.count {
      if bytes[i] == UInt8(ascii: "T"), !inTime {
        inTime = true
        units = "HMS"[...].utf8
        i += 1
        guard i < bytes.count else { throw .malformed(expected: "hours, minutes or seconds", offset: i) }
        continue
      }
      let start = i
      var value: Int64 = 0
      while i < bytes.count, bytes[i] &- 0x30 < 10 {
        value = value * 10 + Int64(bytes[i] - 0x30)
        guard value < maxPart else { throw .malformed(expected: "a number below \(maxPart)", offset: start) }
        i += 1
      }
      guard i > start, i < bytes.count, let unit = units.firstIndex(of: bytes[i]) else {
        throw .malformed(expected: "a number and its unit, units in order", offset: i)
      }
      switch (bytes[i], inTime) {
      case (UInt8(ascii: "Y"), _): result.years = value
      case (UInt8(ascii: "M"), false): result.months = value
      case (UInt8(ascii: "W"), _): result.days += value * 7
      case (UInt8(ascii: "D"), _): result.days += value
      case (UInt8(ascii: "H"), _): result.seconds += value * 3600
      case (UInt8(ascii: "M"), true): result.seconds += value * 60
      default: result.seconds += value
      }
      units = units[units.index(after: unit)...]
      found = true
      i += 1
    }
    guard found else { throw .malformed(expected: "a number and its unit", offset: bytes.count) }
    return result
  }

  package var isZero: Bool { self == CalendarDuration() }

  package var description: String {
    var text = "P"
    if years != 0 { text += "\(years)Y" }
    if months != 0 { text += "\(months)M" }
    if days != 0 { text += "\(days)D" }
    if seconds != 0 {
      text += "T"
      if seconds / 3600 != 0 { text += "\(seconds / 3600)H" }
      if seconds / 60 % 60 != 0 { text += "\(seconds / 60 % 60)M" }
      if seconds % 60 != 0 { text += "\(seconds % 60)S" }
    }
    return text == "P" ? "PT0S" : text
  }

  /// The time this long after (or, `negated`, before) `epochSeconds`, in UTC. A day missing from the month reached becomes its last.
  package func added(toSeconds epochSeconds: Int64, negated: Bool = false) -> Int64 {
    let sign: Int64 = negated ? -1 : 1
    let day = ISO8601.floorDivide(epochSeconds, 86_400)
    let ofDay = epochSeconds - day * 86_400
    var date = CivilDate(daysSinceEpoch: day)
    let month = date.year * 12 + date.month - 1 + sign * (years * 12 + months)
    date.year = ISO8601.floorDivide(month, 12)
    date.month = month - date.year * 12 + 1
    date.day = min(date.day, CivilDate.days(inMonth: date.month, year: date.year))
    return (date.daysSinceEpoch + sign * days) * 86_400 + ofDay + sign * seconds
  }
}
