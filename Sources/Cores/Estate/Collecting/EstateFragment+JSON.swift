internal import Clocks
internal import Encodings

extension EstateFragment {
  /// One line of a sweep's journal: what the unit brought, in the form of a snapshot, with what a snapshot has no place for.
  package func line(unit: String) -> [UInt8] {
    let snapshot = InventorySnapshot(self, takenAt: Instant(seconds: 0))
    let value: JSONValue = [
      "unit": .string(unit), "snapshot": snapshot.json, "gaps": .array(gaps.map(\.json)), "notes": .array(notes.map { .string($0) }),
      "publicKeys": .array(publicKeys.sorted { $0.lexicographicallyPrecedes($1) }.map { .string(Base64.encode($0)) }),
    ]
    return value.serialized() + [UInt8(ascii: "\n")]
  }

  /// Reads a line back; nil when it is not one (cut off when the sweep was stopped).
  package static func read(line: some Sequence<UInt8>) -> (unit: String, fragment: EstateFragment)? {
    let limits = JSONLimits(maxBytes: 512 << 20, maxDepth: 32, maxElements: 20_000_000)
    guard let value = try? JSONValue.parse(Array(line), limits: limits), let unit = value["unit"]?.string, let body = value["snapshot"],
      let snapshot = try? InventorySnapshot(body)
    else { return nil }
    var result = EstateFragment()
    result.stores = snapshot.stores
    result.keys = snapshot.keys
    result.roles = snapshot.roles
    result.grants = snapshot.grants
    result.identities = snapshot.identities
    result.groups = snapshot.groups
    result.artifacts = snapshot.artifacts
    for gap in value["gaps"]?.array ?? [] {
      guard let place = gap["place"]?.string, let kind = gap["kind"]?.string.flatMap(EstateGap.Kind.init), let why = gap["why"]?.string else { return nil }
      result.gaps.append(EstateGap(place, kind, why: why))
    }
    result.notes = (value["notes"]?.array ?? []).compactMap(\.string)
    result.publicKeys = Set((value["publicKeys"]?.array ?? []).compactMap { $0.string.flatMap { try? Base64.decode($0) } })
    return (unit, result)
  }
}
