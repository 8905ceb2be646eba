internal import Clocks
internal import DiagnosticLogs

extension WatchEngine {
  private static let bucket: Int64 = 600 * second

  /// HM-D11: signs of one identity with one key in ten minutes, against the same hour of the week of the last 14 days.
  mutating func rate(_ record: LogRecord, _ store: String, _ person: String, _ key: String) {
    let id = "\(store)/\(key.lowercased())|\(person)"
    let bucket = record.time / Self.bucket
    let count = (state.rates[id]?[bucket] ?? 0) + 1
    guard state.rates[id] != nil || state.rates.count < parameters.maxRemembered else { return }
    state.rates[id, default: [:]][bucket] = count
    guard count > Int64(parameters.rateFloor) else { return }
    var history: [Int64] = []
    let perWeek: Int64 = 7 * 144
    for week in 1...2 as ClosedRange<Int64> {
      let same = (bucket - week * perWeek) / 6 * 6
      for candidate in same..<(same + 6) { history.append(state.rates[id]?[candidate] ?? 0) }
    }
    let middle = Self.median(history)
    let deviation = Self.median(history.map { abs($0 - middle) })
    let limit = max(Int64(parameters.rateFloor), middle + Int64(parameters.rateDeviations) * deviation)
    guard count > limit else { return }
    let start = Alert.text(Instant(nanoseconds: bucket * Self.bucket))
    raise(
      "HM-D11", store: store, subject: person, "\(name(person)) signed more than \(limit) times with \(key) in \(store) in the ten minutes from \(start).",
      time: record.time, evidence: evidence(record), count: count == limit + 1 ? Int(count) : 1)
  }

  static func median(_ values: [Int64]) -> Int64 {
    guard !values.isEmpty else { return 0 }
    return values.sorted()[values.count / 2]
  }

  /// HM-D28: refusals of one address or identity within five minutes; late ones are put where they belong.
  mutating func failure(_ record: LogRecord, _ store: String) {
    let person = record.identity.objectId ?? record.identity.appId
    var subjects: [String] = []
    if let address = record.callerAddress {
      subjects.append("ip|\(address)")
      if let person { state.failed["ip|\(address)", default: [:]][person] = record.time }
    }
    if let person { subjects.append("oid|\(person)") }
    let span = parameters.failureSpan * Self.second
    for subject in subjects {
      guard state.failures[subject] != nil || state.failures.count < parameters.maxRemembered else { continue }
      var times = state.failures[subject] ?? []
      let place = times.lastIndex { $0 <= record.time }.map { $0 + 1 } ?? 0
      times.insert(record.time, at: place)
      if times.count > 512 { times.removeFirst(times.count - 512) }
      state.failures[subject] = times
      guard let densest = densest(times, around: record.time, span: span), densest >= parameters.failures else { continue }
      let name = String(subject.split(separator: "|", maxSplits: 1)[1])
      let identities = (state.failed[subject] ?? [:]).values.count { abs($0 - record.time) <= span }
      let isMany = identities >= parameters.failureIdentities
      raise(
        "HM-D28", isMany ? .high : .medium, store: store, subject: name,
        "\(densest) requests of \(name) were refused by \(store) within five minutes\(isMany ? ", as \(identities) identities" : "").", time: record.time,
        evidence: evidence(record), count: densest == parameters.failures ? densest : 1, first: times.first { record.time - $0 <= span && $0 <= record.time })
      // One burst is one alert: an identity is only named when no single address explains it.
      return
    }
  }

  /// The most failures in any span that holds this time.
  private func densest(_ times: [Int64], around time: Int64, span: Int64) -> Int? {
    var best = 0
    var end = 0
    for start in times.indices where times[start] <= time && time - times[start] <= span {
      end = max(end, start)
      while end < times.count, times[end] - times[start] <= span { end += 1 }
      best = max(best, end - start)
    }
    return best == 0 ? nil : best
  }
}
