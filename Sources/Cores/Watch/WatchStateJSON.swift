internal import Clocks
package import Encodings

/// Why a state file is not one.
package enum WatchStateError: Error, Sendable, Equatable, CustomStringConvertible {
  case notJSON(JSONError)
  case schema
  case member(String)

  package var description: String {
    switch self {
    case .notJSON(let error): "the state is not JSON: \(error.description)"
    case .schema: "the state is not a \(WatchState.schema)"
    case .member(let name): "the member \(name) of the state is not what this version writes; remove the file to begin anew"
    }
  }
}

extension WatchState {
  package static let limits = JSONLimits(maxBytes: 1 << 30, maxDepth: 8, maxElements: 100_000_000)

  private static var maps: [(String, WritableKeyPath<WatchState, [String: Int64]>)] { [
    ("watermarks", \.watermarks), ("firstRows", \.firstRows), ("longestGaps", \.longestGaps), ("usualGaps", \.usualGaps), ("uses", \.uses),
    ("lastSigns", \.lastSigns), ("agents", \.agents), ("deletions", \.deletions), ("creations", \.creations), ("recoveries", \.recoveries), ("backups", \.backups), ("drills", \.drills),
    ("domainDownloads", \.domainDownloads), ("certificates", \.certificates), ("ledgerActivity", \.ledgerActivity), ("sequences", \.sequences),
    ("sequenceHashes", \.sequenceHashes), ("unknownActivation", \.unknownActivation),
  ] }
  private static var pendings: [(String, WritableKeyPath<WatchState, [String: Pending]>)] { [("signs", \.signs), ("ledger", \.ledger), ("canaries", \.canaries)] }
  private static var lists: [(String, WritableKeyPath<WatchState, [String: [Int64]]>)] { [("failures", \.failures), ("matched", \.matched)] }

  /// The state as JSON text. Cost: linear; members are written as they come, without a tree of the whole.
  package func serialized() -> [UInt8] {
    var text = Array("{\"schema\":".utf8)
    JSONText.appendString(Self.schema, to: &text)
    func member(_ name: String) {
      text.append(UInt8(ascii: ","))
      JSONText.appendString(name, to: &text)
      text.append(UInt8(ascii: ":"))
    }
    func object<Value>(_ map: [String: Value], _ write: (Value, inout [UInt8]) -> Void) {
      text.append(UInt8(ascii: "{"))
      var isFirst = true
      for (name, value) in map.sorted(by: { $0.key < $1.key }) {
        if !isFirst { text.append(UInt8(ascii: ",")) }
        isFirst = false
        JSONText.appendString(name, to: &text)
        text.append(UInt8(ascii: ":"))
        write(value, &text)
      }
      text.append(UInt8(ascii: "}"))
    }
    func tree<Value>(_ name: String, _ map: [String: Value], _ json: (Value) -> JSONValue) {
      member(name)
      object(map) { value, text in json(value).append(to: &text) }
    }
    for (name, path) in Self.maps {
      member(name)
      object(self[keyPath: path]) { JSONText.appendInteger($0, to: &$1) }
    }
    for (name, path) in Self.lists { tree(name, self[keyPath: path]) { .array($0.map { .integer($0) }) } }
    for (name, path) in Self.pendings { tree(name, self[keyPath: path], \.json) }
    tree("rates", rates) { .array($0.sorted { $0.key < $1.key }.flatMap { [.integer($0.key), .integer($0.value)] }) }
    tree("failed", failed) { .array($0.sorted { $0.key < $1.key }.flatMap { [.string($0.key), .integer($0.value)] }) }
    tree("roleWriters", roleWriters) { .string($0) }
    tree("seen", Dictionary(uniqueKeysWithValues: seen.map { (String($0.key), $0.value) })) { .array($0.sorted().map { .string(String($0, radix: 16)) }) }
    tree("open", open) { ["alert": $0.alert.exactJSON, "emitted": .bool($0.isEmitted)] }
    tree("blobs", blobs) { ["offset": .integer($0.offset), "line": .integer($0.line), "size": .integer($0.size), "sha256": .string($0.sha256)] }
    member("outbox")
    JSONValue.array(outbox.map { .string($0) }).append(to: &text)
    member("counts")
    JSONValue.array([.integer(events), .integer(duplicates), .integer(late)]).append(to: &text)
    text.append(UInt8(ascii: "}"))
    return text
  }

  /// Reads what `serialized` writes, strictly.
  package init(json bytes: [UInt8]) throws(WatchStateError) {
    let value: JSONValue
    do { value = try JSONValue.parse(bytes, limits: Self.limits) } catch { throw .notJSON(error) }
    try self.init(value)
  }

  package init(_ value: JSONValue) throws(WatchStateError) {
    self.init()
    guard value["schema"]?.string == Self.schema else { throw .schema }
    for (name, path) in Self.maps { self[keyPath: path] = try Self.map(value, name, \.int64) }
    for (name, path) in Self.lists { self[keyPath: path] = try Self.map(value, name) { $0.array?.compactMap(\.int64) } }
    for (name, path) in Self.pendings { self[keyPath: path] = try Self.map(value, name, Pending.init) }
    rates = try Self.map(value, "rates") { entry in
      guard let list = entry.array, list.count % 2 == 0 else { return nil }
      let numbers = list.compactMap(\.int64)
      guard numbers.count == list.count else { return nil }
      return Dictionary(stride(from: 0, to: numbers.count, by: 2).map { (numbers[$0], numbers[$0 + 1]) }) { first, _ in first }
    }
    failed = try Self.map(value, "failed") { entry in
      guard let list = entry.array, list.count % 2 == 0 else { return nil }
      return Dictionary(stride(from: 0, to: list.count, by: 2).compactMap { index in list[index].string.flatMap { name in list[index + 1].int64.map { (name, $0) } } }) { first, _ in first }
    }
    roleWriters = try Self.map(value, "roleWriters", \.string)
    let hours = try Self.map(value, "seen") { $0.array.map { Set($0.compactMap { $0.string.flatMap { UInt64($0, radix: 16) } }) } }
    seen = Dictionary(hours.compactMap { name, keys in Int64(name).map { ($0, keys) } }) { first, _ in first }
    open = try Self.map(value, "open") { entry in
      guard let alert = entry["alert"].flatMap({ Alert($0) }), let emitted = entry["emitted"]?.bool else { return nil }
      return Open(alert: alert, isEmitted: emitted)
    }
    blobs = try Self.map(value, "blobs") { blob in
      guard let offset = blob["offset"]?.int, let line = blob["line"]?.int, let size = blob["size"]?.int, let sha256 = blob["sha256"]?.string else { return nil }
      return Blob(offset: offset, line: line, size: size, sha256: sha256)
    }
    outbox = (value["outbox"]?.array ?? []).compactMap(\.string)
    let counts = (value["counts"]?.array ?? []).compactMap(\.int64)
    if counts.count == 3 { (events, duplicates, late) = (counts[0], counts[1], counts[2]) }
  }

  private static func map<Value>(_ value: JSONValue, _ name: String, _ read: (JSONValue) -> Value?) throws(WatchStateError) -> [String: Value] {
    guard let object = value[name]?.object else { throw .member(name) }
    var result: [String: Value] = Dictionary(minimumCapacity: object.count)
    for member in object.members {
      guard let read = read(member.value) else { throw .member("\(name).\(member.name.prefix(80))") }
      result[member.name] = read
    }
    return result
  }
}

extension WatchState.Pending {
  fileprivate var json: JSONValue {
    [.integer(time), .string(store), .string(key), .string(principal), .string(hint), .string(source), .integer(line)]
  }

  fileprivate init?(_ value: JSONValue) {
    guard let array = value.array, array.count == 7, let time = array[0].int64, let line = array[6].int else { return nil }
    let texts = array[1...5].compactMap(\.string)
    guard texts.count == 5 else { return nil }
    self.init(time: time, store: texts[0], key: texts[1], principal: texts[2], hint: texts[3], source: texts[4], line: line)
  }
}
