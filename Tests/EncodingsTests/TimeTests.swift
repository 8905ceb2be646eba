import Encodings
import Testing

struct TimeTests {
  /// Seconds computed with `date -u -d … +%s` (GNU coreutils).
  static let known: [(text: String, seconds: Int64)] = [
    ("1970-01-01T00:00:00Z", 0), ("2000-02-29T12:00:00Z", 951_825_600), ("2026-03-02T07:41:12Z", 1_772_437_272),
    ("1969-12-31T23:59:59Z", -1), ("2100-03-01T00:00:00Z", 4_107_542_400), ("1900-01-01T00:00:00Z", -2_208_988_800),
    ("2038-01-19T03:14:08Z", 2_147_483_648),
  ]

  @Test("Known times are read and written")
  func knownTimes() throws {
    #expect(Self.known.count == 7)
    for (text, seconds) in Self.known {
      #expect(ISO8601.format(seconds: seconds) == text)
      #expect(try ISO8601.parse(text) == seconds * 1_000_000_000)
    }
  }

  @Test("Fractions and offsets are understood")
  func fractions() throws {
    #expect(ISO8601.format(nanoseconds: 1_772_437_272_318_999_999) == "2026-03-02T07:41:12.318Z")
    #expect(ISO8601.format(nanoseconds: -1, fractionDigits: 9) == "1969-12-31T23:59:59.999999999Z")
    #expect(try ISO8601.parse("2026-03-02T07:41:12.318Z") == 1_772_437_272_318_000_000)
    #expect(try ISO8601.parse("2026-03-02T09:41:12+02:00") == 1_772_437_272_000_000_000)
    #expect(try ISO8601.parse("2026-03-02t02:11:12-05:30") == 1_772_437_272_000_000_000)
    #expect(try ISO8601.parse("1970-01-01T00:00:00.0000000019z") == 1)
  }

  @Test("Every day of 400 years is the one after the day before, and reads back")
  func calendar() throws {
    for day in stride(from: Int64(-30_000), to: 90_000, by: 1) {
      #expect(try ISO8601.parse(ISO8601.format(seconds: day * 86_400)) == day * 86_400_000_000_000)
    }
  }

  @Test(
    "What is no time is refused",
    arguments: [
      "", "2026", "2026-03-02", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z",
      "2026-03-02T24:00:00Z", "2026-03-02T07:60:00Z", "2026-03-02T07:41:60Z", "2026-03-02T07:41:12", "2026-03-02 07:41:12Z",
      "2026-03-02T07:41:12.Z", "2026-03-02T07:41:12Z ", "2026-03-02T07:41:12+0200", "2026-03-02T07:41:12+25:00",
      "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "+026-03-02T07:41:12Z", "２026-03-02T07:41:12Z",
    ])
  func noTime(text: String) {
    #expect(throws: EncodingError.self) { try ISO8601.parse(text) }
  }

  @Test("Durations are read part by part and written back")
  func durations() throws {
    #expect(try CalendarDuration.parse("P90D") == CalendarDuration(days: 90))
    #expect(try CalendarDuration.parse("P1Y2M") == CalendarDuration(years: 1, months: 2))
    #expect(try CalendarDuration.parse("P4W") == CalendarDuration(days: 28))
    #expect(try CalendarDuration.parse("P1DT1H2M3S") == CalendarDuration(days: 1, seconds: 3723))
    for text in ["P90D", "P1Y", "P28D", "PT1H", "P1Y2M3DT4H5M6S"] { #expect(try CalendarDuration.parse(text).description == text) }
  }

  @Test(
    "What is no duration is refused",
    arguments: ["", "P", "PT", "90D", "P90", "P-1D", "P1.5D", "PD", "P1D2M", "P1DT", "P1H", "P1D1D", "PT1HT1M", "P9999999D", "p1d", "P1D "])
  func noDuration(text: String) {
    #expect(throws: EncodingError.self) { try CalendarDuration.parse(text) }
  }

  @Test("A month later is the same day or the month's last")
  func calendarArithmetic() throws {
    func after(_ start: String, _ duration: String, negated: Bool = false) throws -> String {
      let seconds = try ISO8601.parse(start) / 1_000_000_000
      return ISO8601.format(seconds: try CalendarDuration.parse(duration).added(toSeconds: seconds, negated: negated))
    }
    #expect(try after("2026-01-31T10:00:00Z", "P1M") == "2026-02-28T10:00:00Z")
    #expect(try after("2024-02-29T10:00:00Z", "P1Y") == "2025-02-28T10:00:00Z")
    #expect(try after("2026-12-15T23:00:00Z", "P1MT1H") == "2027-01-16T00:00:00Z")
    #expect(try after("2026-03-31T00:00:00Z", "P1M", negated: true) == "2026-02-28T00:00:00Z")
    #expect(try after("2026-01-01T00:00:00Z", "P30D", negated: true) == "2025-12-02T00:00:00Z")
  }
}
