internal import Encodings

/// Why a document about standby keys, or a step with them, is refused.
package enum StandbyError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A document is malformed; `path` is the member.
  case malformed(path: String, why: String)
  case samePlace(String)
  /// The primary failed and the standby may not take its place.
  case refused(StandbyRefusal, primary: String)
  /// Dual signing needs both keys before anything is signed.
  case dualNeedsBoth(StandbyRole, why: String)
  case runbook(RunbookRefusal)

  package var description: String {
    switch self {
    case .malformed(let path, let why): "\(path.isEmpty ? "document" : path): \(why)"
    case .samePlace(let name): "primary and standby are both key \(name) of the same HSM; a standby is a key of another HSM"
    case .refused(let refusal, let primary): "\(primary); no fallback: \(refusal.description)"
    case .dualNeedsBoth(let role, let why): "--dual signs with both keys or not at all, and the \(role.rawValue) cannot sign: \(why)"
    case .runbook(let refusal): refusal.description
    }
  }
}

/// One mapping of a document, read strictly: unknown members are errors, texts are bounded, numbers may be written as texts (YAML).
struct StandbyReader {
  let object: JSONObject
  let path: String

  init(_ value: JSONValue, path: String, allowed: [String]) throws(StandbyError) {
    guard let object = value.object else { throw .malformed(path: path, why: "a mapping expected") }
    if let unknown = object.firstName(notIn: allowed) {
      throw .malformed(path: path, why: "unknown member \"\(unknown.prefix(80))\"; known: \(allowed.joined(separator: ", "))")
    }
    self.object = object
    self.path = path
  }

  func at(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
  func bad(_ name: String, _ why: String) -> StandbyError { .malformed(path: at(name), why: why) }
  func has(_ name: String) -> Bool { object[name] != nil }

  func text(_ name: String, maxBytes: Int = 2048) throws(StandbyError) -> String {
    guard let text = try optionalText(name, maxBytes: maxBytes) else { throw bad(name, "a text expected") }
    return text
  }

  func optionalText(_ name: String, maxBytes: Int = 2048) throws(StandbyError) -> String? {
    guard let value = object[name], !value.isNull else { return nil }
    guard let text = value.string, !text.isEmpty, text.utf8.count <= maxBytes else { throw bad(name, "a text of 1 to \(maxBytes) bytes expected") }
    return text
  }

  func integer(_ name: String, _ range: ClosedRange<Int64>) throws(StandbyError) -> Int64 {
    guard let number = object[name]?.int64 ?? object[name]?.string.flatMap({ Int64($0) }), range.contains(number) else {
      throw bad(name, "a whole number from \(range.lowerBound) to \(range.upperBound) expected")
    }
    return number
  }

  func nanoseconds(_ name: String) throws(StandbyError) -> Int64 {
    let text = try text(name, maxBytes: 64)
    do { return try ISO8601.parse(text) } catch { throw bad(name, "an RFC 3339 time expected (quote it in YAML): \(error.description)") }
  }

  /// Seconds since the epoch.
  func time(_ name: String) throws(StandbyError) -> Int64? {
    guard try optionalText(name) != nil else { return nil }
    return try nanoseconds(name) / 1_000_000_000
  }

  func list(_ name: String, max: Int) throws(StandbyError) -> [JSONValue] {
    guard let value = object[name], !value.isNull else { return [] }
    guard let array = value.array, array.count <= max else { throw bad(name, "a list of at most \(max) entries expected") }
    return array
  }

  func fingerprint(_ name: String) throws(StandbyError) -> [UInt8] {
    guard let bytes = try? Hex.decode(try text(name, maxBytes: 64)), bytes.count == 32 else { throw bad(name, "64 hexadecimal digits expected") }
    return bytes
  }
}
