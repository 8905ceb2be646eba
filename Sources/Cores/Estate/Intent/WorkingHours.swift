package enum Weekday: Int, Sendable, Hashable, CaseIterable, Comparable {
  case mon = 1, tue, wed, thu, fri, sat, sun

  package init?(word: String) {
    guard let found = Weekday.allCases.first(where: { String(describing: $0) == word.lowercased() }) else { return nil }
    self = found
  }

  package static func < (a: Weekday, b: Weekday) -> Bool { a.rawValue < b.rawValue }
}

/// When an identity is expected to work, by the wall clock of a place.
package struct Hours: Sendable, Hashable {
  /// An IANA name such as `Europe/Berlin`, or `UTC`.
  package var timezone: String
  package var days: Set<Weekday>
  /// Minutes after local midnight, 0...1440. `to` is exclusive; with `to` before `from` the span ends on the next day.
  package var from: Int
  package var to: Int

  package init(timezone: String, days: Set<Weekday>, from: Int, to: Int) {
    self.timezone = timezone
    self.days = days
    self.from = from
    self.to = to
  }

  /// Whether a local time lies within the hours.
  package func contains(_ local: LocalTime) -> Bool {
    if from < to { return days.contains(local.weekday) && (from..<to).contains(local.minute) }
    if local.minute >= from { return days.contains(local.weekday) }
    let yesterday = Weekday(rawValue: (local.weekday.rawValue + 5) % 7 + 1) ?? .sun
    return local.minute < to && days.contains(yesterday)
  }
}

/// A wall-clock reading: the day of the week and the minute of the day, 0...1439.
package struct LocalTime: Sendable, Hashable {
  package var weekday: Weekday
  package var minute: Int

  package init(weekday: Weekday, minute: Int) {
    self.weekday = weekday
    self.minute = minute
  }
}
