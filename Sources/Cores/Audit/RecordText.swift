package import Clocks

/// Appends a literal.
@inline(__always)
func append(_ text: StaticString, to out: inout [UInt8]) {
  text.withUTF8Buffer { out.append(contentsOf: $0) }
}

/// Appends text that needs no quotes or escapes.
@inline(__always)
func appendRaw(_ text: String, to out: inout [UInt8]) { out.append(contentsOf: text.utf8) }

/// Appends `null` or a JSON string.
func appendOptional(_ text: String?, to out: inout [UInt8]) {
  guard let text else { return append("null", to: &out) }
  appendText(text, to: &out)
}

func appendInteger(_ value: Int, to out: inout [UInt8]) {
  if value >= 0, value < 1000 {
    if value >= 100 { out.append(0x30 &+ UInt8(value / 100)) }
    if value >= 10 { out.append(0x30 &+ UInt8(value / 10 % 10)) }
    out.append(0x30 &+ UInt8(value % 10))
  } else {
    appendRaw(String(value), to: &out)
  }
}

/// Appends a JSON string: `"`, `\` and control characters escaped, cut at `limit` bytes of UTF-8 with `…` as the mark.
func appendText(_ text: String, to out: inout [UInt8], limit: Int = AuditLimits.textBytes) {
  out.append(UInt8(ascii: "\""))
  var text = text
  text.withUTF8 { bytes in
    var kept = bytes
    var cut = false
    if kept.count > limit {
      var end = limit - 3
      while end > 0, kept[end] & 0xC0 == 0x80 { end -= 1 }
      kept = UnsafeBufferPointer(rebasing: kept[..<end])
      cut = true
    }
    if kept.allSatisfy({ $0 >= 0x20 && $0 != 0x22 && $0 != 0x5C }) {
      out.append(contentsOf: kept)
    } else {
      for byte in kept { appendEscaped(byte, to: &out) }
    }
    if cut { append("…", to: &out) }
  }
  out.append(UInt8(ascii: "\""))
}

private func appendEscaped(_ byte: UInt8, to out: inout [UInt8]) {
  switch byte {
  case 0x22: append(#"\""#, to: &out)
  case 0x5C: append(#"\\"#, to: &out)
  case 0x0A: append(#"\n"#, to: &out)
  case 0x0D: append(#"\r"#, to: &out)
  case 0x09: append(#"\t"#, to: &out)
  case 0..<0x20:
    append(#"\u00"#, to: &out)
    out.append(0x30 &+ (byte >> 4))
    out.append(byte & 15 < 10 ? 0x30 &+ (byte & 15) : 0x57 &+ (byte & 15))
  default: out.append(byte)
  }
}

/// Appends `2026-03-02T07:41:12.318Z`: RFC 3339 in UTC, always with milliseconds; years 1677…2262 by the range of `Instant`.
package func appendTimestamp(_ time: Instant, to out: inout [UInt8]) {
  let seconds = time.seconds
  let milliseconds = Int((time.nanoseconds - seconds * 1_000_000_000) / 1_000_000)
  let days = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
  let secondOfDay = Int(seconds - days * 86_400)
  let date = civilDate(days: Int(days))
  appendDigits(date.year, 4, to: &out)
  out.append(UInt8(ascii: "-"))
  appendDigits(date.month, 2, to: &out)
  out.append(UInt8(ascii: "-"))
  appendDigits(date.day, 2, to: &out)
  out.append(UInt8(ascii: "T"))
  appendDigits(secondOfDay / 3600, 2, to: &out)
  out.append(UInt8(ascii: ":"))
  appendDigits(secondOfDay / 60 % 60, 2, to: &out)
  out.append(UInt8(ascii: ":"))
  appendDigits(secondOfDay % 60, 2, to: &out)
  out.append(UInt8(ascii: "."))
  appendDigits(milliseconds, 3, to: &out)
  out.append(UInt8(ascii: "Z"))
}

@inline(__always)
private func appendDigits(_ value: Int, _ width: Int, to out: inout [UInt8]) {
  if width >= 4 { out.append(0x30 &+ UInt8(truncatingIfNeeded: value / 1000 % 10)) }
  if width >= 3 { out.append(0x30 &+ UInt8(truncatingIfNeeded: value / 100 % 10)) }
  out.append(0x30 &+ UInt8(truncatingIfNeeded: value / 10 % 10))
  out.append(0x30 &+ UInt8(truncatingIfNeeded: value % 10))
}

/// Gregorian date of a day count since 1970-01-01, by 400-year eras that start on 1 March.
private func civilDate(days: Int) -> (year: Int, month: Int, day: Int) {
  let shifted = days + 719_468
  let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
  let dayOfEra = shifted - era * 146_097
  let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
  let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
  let monthFromMarch = (5 * dayOfYear + 2) / 153
  let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
  let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
}

/// Days since 1970-01-01 of a Gregorian date.
func dayCount(year: Int, month: Int, day: Int) -> Int {
  let shiftedYear = month <= 2 ? year - 1 : year
  let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
  let yearOfEra = shiftedYear - era * 400
  let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
  let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}
