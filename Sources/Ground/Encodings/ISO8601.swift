/// Times as RFC 3339 texts, always UTC when written.
///
/// Times are nanoseconds since the Unix epoch in 64 bits, so the years 1678 to 2261.
package enum ISO8601 {
  /// `2026-03-02T07:41:12.318Z`: `fractionDigits` (0...9) digits, the rest cut off.
  package static func format(nanoseconds: Int64, fractionDigits: Int = 3) -> String {
    let seconds = floorDivide(nanoseconds, 1_000_000_000)
    var fraction = nanoseconds - seconds * 1_000_000_000
    var text = [UInt8]()
    text.reserveCapacity(30)
    let days = floorDivide(seconds, 86_400)
    let ofDay = seconds - days * 86_400
    let date = CivilDate(daysSinceEpoch: days)
    appendDigits(date.year, 4, &text)
    text.append(UInt8(ascii: "-"))
    appendDigits(date.month, 2, &text)
    text.append(UInt8(ascii: "-"))
    appendDigits(date.day, 2, &text)
    text.append(UInt8(ascii: "T"))
    appendDigits(ofDay / 3600, 2, &text)
    text.append(UInt8(ascii: ":"))
    appendDigits(ofDay / 60 % 60, 2, &text)
    text.append(UInt8(ascii: ":"))
    appendDigits(ofDay % 60, 2, &text)
    if fractionDigits > 0 {
      let digits = min(fractionDigits, 9)
      for _ in digits..<9 { fraction /= 10 }
      text.append(UInt8(ascii: "."))
      appendDigits(fraction, digits, &text)
    }
    text.append(UInt8(ascii: "Z"))
    return String(decoding: text, as: UTF8.self)
  }

  /// `2026-03-02T07:41:12Z`.
  package static func format(seconds: Int64) -> String {
    let limit = Int64.max / 1_000_000_000
    return format(nanoseconds: max(-limit, min(limit, seconds)) * 1_000_000_000, fractionDigits: 0)
  }

  /// Reads an RFC 3339 `date-time` with any offset, as nanoseconds. Leap seconds (`:60`) are refused.
  package static func parse(_ text: String) throws(EncodingError) -> Int64 {
    try withBytes(of: text.utf8) { (bytes) throws(EncodingError) in
      guard bytes.count <= 64 else { throw .tooLong(limit: 64) }
      var cursor = Cursor(bytes: bytes)
      let year = try cursor.digits(4, "a year", 0...9999)
      try cursor.expect("-")
      let month = try cursor.digits(2, "a month", 1...12)
      try cursor.expect("-")
      let day = try cursor.digits(2, "a day of that month", 1...CivilDate.days(inMonth: month, year: year))
      try cursor.expect("Tt")
      let hour = try cursor.digits(2, "an hour", 0...23)
      try cursor.expect(":")
      let minute = try cursor.digits(2, "a minute", 0...59)
      try cursor.expect(":")
      let second = try cursor.digits(2, "a second", 0...59)
      let fraction = try cursor.fraction()
      let offset = try cursor.offset()
      guard cursor.position == bytes.count else { throw .malformed(expected: "the end", offset: cursor.position) }
      let days = CivilDate(year: year, month: month, day: day).daysSinceEpoch
      let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset
      let (whole, tooBig) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
      let (result, tooBigStill) = whole.addingReportingOverflow(fraction)
      guard !tooBig, !tooBigStill else { throw .malformed(expected: "a year within 1678...2261", offset: 0) }
      return result
    }
  }

  private static func appendDigits(_ value: Int64, _ width: Int, _ text: inout [UInt8]) {
    var divisor: Int64 = 1
    for _ in 1..<width { divisor *= 10 }
    var rest = value
    while divisor > 0 {
      text.append(UInt8(ascii: "0") + UInt8(rest / divisor % 10))
      rest %= divisor
      divisor /= 10
    }
  }

  static func floorDivide(_ a: Int64, _ b: Int64) -> Int64 { a >= 0 ? a / b : -((-(a + 1)) / b) - 1 }

  private struct Cursor {
    let bytes: UnsafeRawBufferPointer
    var position = 0

    mutating func digits(_ count: Int, _ what: String, _ range: ClosedRange<Int64>) throws(EncodingError) -> Int64 {
      let start = position
      var value: Int64 = 0
      guard position + count <= bytes.count else { throw .malformed(expected: what, offset: start) }
      for _ in 0..<count {
        guard bytes[position] &- 0x30 < 10 else { throw .malformed(expected: what, offset: position) }
        value = value * 10 + Int64(bytes[position] - 0x30)
        position += 1
      }
      guard range.contains(value) else { throw .malformed(expected: what, offset: start) }
      return value
    }

    mutating func expect(_ any: StaticString) throws(EncodingError) {
      guard take(any) != nil else { throw .malformed(expected: "'\(any)'", offset: position) }
    }

    mutating func take(_ any: StaticString) -> UInt8? {
      guard position < bytes.count else { return nil }
      for i in 0..<any.utf8CodeUnitCount where any.utf8Start[i] == bytes[position] {
        position += 1
        return any.utf8Start[i]
      }
      return nil
    }

    /// Nanoseconds of the fraction; digits beyond the ninth are read and dropped.
    mutating func fraction() throws(EncodingError) -> Int64 {
      guard take(".") != nil else { return 0 }
      let start = position
      var value: Int64 = 0
      var scale: Int64 = 100_000_000
      while position < bytes.count, bytes[position] &- 0x30 < 10 {
        value += Int64(bytes[position] - 0x30) * scale
        scale /= 10
        position += 1
      }
      guard position > start else { throw .malformed(expected: "a digit", offset: start) }
      return value
    }

    /// Seconds east of UTC.
    mutating func offset() throws(EncodingError) -> Int64 {
      guard let sign = take("Zz+-") else { throw .malformed(expected: "an offset", offset: position) }
      if sign == UInt8(ascii: "Z") || sign == UInt8(ascii: "z") { return 0 }
      let hours = try digits(2, "an hour", 0...23)
      try expect(":")
      let minutes = try digits(2, "a minute", 0...59)
      return (hours * 3600 + minutes * 60) * (sign == UInt8(ascii: "-") ? -1 : 1)
    }
  }
}

/// A day of the proleptic Gregorian calendar.
struct CivilDate {
  var year: Int64
  var month: Int64
  var day: Int64

  init(year: Int64, month: Int64, day: Int64) {
    (self.year, self.month, self.day) = (year, month, day)
  }

  /// Counts from 0000-03-01, whose 400-year eras all have 146 097 days and end with the leap day.
  init(daysSinceEpoch: Int64) {
    let shifted = daysSinceEpoch + 719_468
    let era = ISO8601.floorDivide(shifted, 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }

  var daysSinceEpoch: Int64 {
    let shiftedYear = month <= 2 ? year - 1 : year
    let era = ISO8601.floorDivide(shiftedYear, 400)
    let yearOfEra = shiftedYear - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  static func days(inMonth month: Int64, year: Int64) -> Int64 {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}
