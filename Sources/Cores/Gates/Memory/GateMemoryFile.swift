package import Encodings

/// Why a memory file cannot be used.
package struct GateMemoryError: Error, Equatable, Sendable, CustomStringConvertible {
  package var description: String

  init(_ description: String) { self.description = description }
}

extension GateMemory {
  package static let schema = "hallmark.gate-memory/v1"
  package static let limits = JSONLimits(maxBytes: 16 << 20, maxDepth: 5, maxElements: 400_000)

  /// Reads what an earlier run wrote, strictly.
  package init(json bytes: [UInt8]) throws(GateMemoryError) {
    let value: JSONValue
    do { value = try JSONValue.parse(bytes, limits: Self.limits) } catch { throw GateMemoryError("it is no JSON: \(error.description)") }
    guard value["schema"]?.string == Self.schema, let pending = value["pending"]?.array, value.object?.count == 2 else {
      throw GateMemoryError("it is no \(Self.schema)")
    }
    self.init()
    for (i, entry) in pending.enumerated() {
      guard let kind = entry["kind"]?.string, let address = entry["address"]?.string, let text = entry["seen"]?.string,
        let seen = try? ISO8601.parse(text), entry.object?.firstName(notIn: ["kind", "address", "seen", "store", "key"]) == nil
      else { throw GateMemoryError("pending[\(i)] is no pending fact") }
      facts.append(PendingFact(kind: kind, address: address, store: entry["store"]?.string, key: entry["key"]?.string, seen: seen / 1_000_000_000))
    }
  }

  package var json: JSONValue {
    [
      "schema": .string(Self.schema),
      "pending": .array(
        facts.map { fact in
          var object: JSONObject = ["kind": .string(fact.kind), "address": .string(fact.address), "seen": .string(ISO8601.format(seconds: fact.seen))]
          object.set("store", ifPresent: fact.store.map { .string($0) })
          object.set("key", ifPresent: fact.key.map { .string($0) })
          return .object(object)
        }),
    ]
  }
}
