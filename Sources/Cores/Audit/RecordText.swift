import Clocks
import Encodings

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

/// Appends `2026-03-02T07:41:12.318Z`: RFC 3339 in UTC, always with milliseconds.
func appendTimestamp(_ time: Instant, to out: inout [UInt8]) {
  appendRaw(ISO8601.format(nanoseconds: time.nanoseconds), to: &out)
}
