package import Clocks
package import Encodings

/// When a key was last rotated, and whether that can be said.
package struct KeyRotation: Sendable, Hashable {
  package var store: String
  package var key: String
  package var versions: Int
  /// The newest `created` of enabled versions; nil when not known.
  package var lastRotated: Instant?
  /// The newest version by `created`, which an unversioned request uses.
  package var current: String?
  package var currentEnabled: Bool?
  package var every: String?
  /// When the policy wants the next version.
  package var due: Instant?
  package var notKnown: String?

  package func isOverdue(at time: Instant) -> Bool { due.map { $0 < time } ?? false }

  package var json: JSONValue {
    [
      "store": .string(store), "key": .string(key), "versions": .integer(versions), "lastRotated": JSONValue(time: lastRotated),
      "current": JSONValue(text: current), "currentEnabled": JSONValue(flag: currentEnabled), "every": JSONValue(text: every),
      "due": JSONValue(time: due), "notKnown": JSONValue(text: notKnown),
    ]
  }
}

extension EstateQuestions {
  /// When each key that is not deleted was last rotated.
  package func rotation() -> EstateAnswer<KeyRotation> {
    let hidden = snapshot.stores.filter { $0.visibility != .full }
    let groups = Dictionary(grouping: snapshot.keys.filter { !$0.deleted }) { "\($0.store)\u{0}\($0.name)".lowercased() }
    let rows = groups.values.compactMap { versions -> KeyRotation? in
      guard let first = versions.first else { return nil }
      var row = KeyRotation(store: first.store, key: first.name, versions: versions.count)
      let newest = versions.max { ($0.created?.nanoseconds ?? .min) < ($1.created?.nanoseconds ?? .min) }
      (row.current, row.currentEnabled) = (newest?.version, newest?.enabled)
      row.every = versions.compactMap { $0.rotationPolicy?.every }.first
      if versions.contains(where: { $0.created == nil || $0.enabled == nil }) {
        row.notKnown = "when some version was made, or whether it is enabled, was not seen"
      } else if let store = hidden.first(where: { $0.id.lowercased() == first.store.lowercased() }) {
        row.notKnown = "store \(store.id) was read with visibility \(store.visibility.rawValue): newer versions may exist"
      }
      let rotated = versions.filter { $0.enabled == true }.compactMap(\.created).max()
      if row.notKnown == nil { row.lastRotated = rotated }
      if let last = row.lastRotated, let every = row.every, let span = try? CalendarDuration.parse(every) {
        row.due = Instant(seconds: span.added(toSeconds: last.seconds))
      }
      return row
    }
    return EstateAnswer(rows: rows.sorted { ($0.store, $0.key) < ($1.store, $1.key) }, gaps: storeGaps)
  }

  var storeGaps: [String] {
    snapshot.stores.filter { $0.visibility != .full }.map { "store \($0.id) was read with visibility \($0.visibility.rawValue)" }
  }
}
