internal import Encodings

/// A piece of a source that is no record, and where. Carries no text of the source.
package struct LogProblem: Sendable, Hashable, CustomStringConvertible {
  package var place: LogPlace
  package var why: String

  package var description: String { "\(place.source):\(place.line): \(why)" }
}

/// Reads a source of log records in pieces: JSON lines, `{"records":[…]}`, a bare array, or an answer of Log Analytics.
///
/// A last line without line feed that is no whole JSON value is being written: it is not consumed, and `consumed` stays before it.
/// Memory: one line, or one document of the other layouts, up to the limits.
package struct LogRecordReader: Sendable {
  package struct Limits: Sendable, Hashable {
    package var lineBytes: Int
    package var documentBytes: Int
    package var problems: Int

    package init(lineBytes: Int = 4 << 20, documentBytes: Int = 128 << 20, problems: Int = 100) {
      self.lineBytes = lineBytes
      self.documentBytes = documentBytes
      self.problems = problems
    }
  }

  private enum Layout: Sendable { case unknown, lines, document }

  package let source: String
  /// Offset after the last consumed line, from the start of the source.
  package private(set) var consumed: Int
  package private(set) var problems: [LogProblem] = []
  package private(set) var problemCount = 0
  package private(set) var recordCount = 0
  /// Whether bytes were left at the end that are no whole record yet.
  package private(set) var hasPartialLine = false
  /// Why a part of the answer is missing (Log Analytics' PartialError).
  package private(set) var incomplete: String?

  private let limits: Limits
  private let names: [String: LogOperation]
  private var line: Int
  private var rest: [UInt8] = []
  /// How much of `rest` is known to hold no line feed.
  private var scanned = 0
  private var layout = Layout.unknown
  private var isSkipping = false
  private var usual: LineReading

  /// - Parameters:
  ///   - offset, line: where the source goes on, when its beginning was read before.
  ///   - names: names of operations seen in the field, lower case.
  package init(source: String, offset: Int = 0, line: Int = 0, limits: Limits = Limits(), names: [String: LogOperation] = [:]) {
    self.source = source
    self.consumed = offset
    self.line = line
    self.limits = limits
    self.names = names
    usual = LineReading(names: names, limits: JSONLimits(maxBytes: limits.lineBytes, maxDepth: 32, maxElements: 1_000_000))
    if offset > 0 { layout = .lines }
  }

  /// The number of the last consumed line.
  package var lastLine: Int { line }

  /// Takes the next bytes and gives each record found to `body`.
  package mutating func feed(_ bytes: some Collection<UInt8>, _ body: (LogEntry) -> Void) {
    rest.append(contentsOf: bytes)
    if layout == .unknown { decideLayout() }
    if layout == .document {
      if rest.count <= limits.documentBytes { return }
      layout = .lines
    }
    if layout == .lines { takeLines(body) }
  }

  private mutating func decideLayout() {
    if consumed == 0, rest.starts(with: [0xEF, 0xBB, 0xBF]) { rest.removeFirst(3); consumed += 3 }
    guard let first = rest.firstIndex(where: { $0 > 0x20 }) else { return }
    if rest[first] == UInt8(ascii: "[") { layout = .document; return }
    guard let end = rest[first...].firstIndex(of: 0x0A) else {
      if rest.count > limits.lineBytes { layout = .document }
      return
    }
    // A first line that is a value: lines. One that only begins a value: a document written over several lines.
    let isWhole = rest.withUnsafeBytes { raw in (try? JSONScanner.check(UnsafeRawBufferPointer(rebasing: raw[first..<end]), limits: lineLimits)) != nil }
    let beginsObject = rest[first] == UInt8(ascii: "{")
    layout = isWhole || !beginsObject || rest[first..<end].count > 64 ? .lines : .document
  }

  private var lineLimits: JSONLimits { JSONLimits(maxBytes: limits.lineBytes, maxDepth: 32, maxElements: 1_000_000) }

  private mutating func takeLines(_ body: (LogEntry) -> Void) {
    let bytes = rest
    rest = []
    var start = 0
    var from = scanned
    bytes.withUnsafeBytes { buffer in
      while let end = Self.lineFeed(in: buffer, from: from) {
        line += 1
        if isSkipping {
          isSkipping = false
        } else {
          take(UnsafeRawBufferPointer(rebasing: buffer[start..<end]), at: consumed, body)
        }
        consumed += end + 1 - start
        start = end + 1
        from = start
      }
    }
    rest = start == 0 ? bytes : Array(bytes[start...])
    scanned = rest.count
    if rest.count > limits.lineBytes {
      if !isSkipping { problem("a line longer than \(limits.lineBytes) bytes", line + 1, consumed) }
      isSkipping = true
      consumed += rest.count
      rest = []
      scanned = 0
    }
  }

  /// Where the next line feed stands, eight bytes at a time.
  private static func lineFeed(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
    let ones: UInt64 = 0x0101_0101_0101_0101
    var index = start
    while index + 8 <= bytes.count {
      let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self) ^ (ones &* 0x0A)
      if (word &- ones) & ~word & (ones &* 0x80) != 0 { break }
      index += 8
    }
    while index < bytes.count {
      if bytes[index] == 0x0A { return index }
      index += 1
    }
    return nil
  }

  private mutating func take(_ bytes: UnsafeRawBufferPointer, at offset: Int, _ body: (LogEntry) -> Void) {
    if let record = usual.record(bytes, place: LogPlace(source: source, line: line, offset: offset)) {
      recordCount += 1
      return body(.request(record))
    }
    guard bytes.contains(where: { $0 > 0x20 }) else { return }
    do throws(JSONError) {
      let value = try JSONValue.parse(bytes, limits: lineLimits)
      take(value, line, offset, body)
    } catch { problem("not JSON: \(error.description)", line, offset) }
  }

  private mutating func take(_ value: JSONValue, _ line: Int, _ offset: Int, _ body: (LogEntry) -> Void) {
    let place = LogPlace(source: source, line: line, offset: offset)
    if let records = Self.records(in: value) {
      for record in records { entry(record, place, body) }
    } else {
      entry(value, place, body)
    }
  }

  private static func records(in value: JSONValue) -> [JSONValue]? {
    if let array = value.array { return array }
    guard let object = value.object, object.count <= 4 else { return nil }
    return object.members.first { ["records", "value"].contains($0.name.lowercased()) }?.value.array
  }

  private mutating func entry(_ value: JSONValue, _ place: LogPlace, _ body: (LogEntry) -> Void) {
    guard let entry = LogEntry(value, place: place, names: names) else {
      return problem("no record: an object with a time and an operation is expected", place.line, place.offset)
    }
    recordCount += 1
    body(entry)
  }

  private mutating func problem(_ why: String, _ line: Int, _ offset: Int) {
    problemCount += 1
    if problems.count < limits.problems { problems.append(LogProblem(place: LogPlace(source: source, line: line, offset: offset), why: why)) }
  }

  /// The end of what there is now.
  package mutating func finish(_ body: (LogEntry) -> Void) {
    if layout == .document, finishDocument(body) { return }
    guard !isSkipping, rest.contains(where: { $0 > 0x20 }) else { return }
    if layout == .document { layout = .lines; takeLines(body) }
    guard rest.contains(where: { $0 > 0x20 }) else { return }
    guard let value = try? JSONValue.parse(rest, limits: lineLimits) else {
      hasPartialLine = true
      return
    }
    line += 1
    if value["tables"] != nil { table(body) } else { take(value, line, consumed, body) }
    consumed += rest.count
    rest = []
  }

  /// Whether the document was one.
  private mutating func finishDocument(_ body: (LogEntry) -> Void) -> Bool {
    guard let value = try? JSONValue.parse(rest, limits: JSONLimits(maxBytes: limits.documentBytes, maxDepth: 32, maxElements: 20_000_000)) else { return false }
    if value["tables"] != nil { table(body) } else if let records = Self.records(in: value) {
      for (index, record) in records.enumerated() { entry(record, LogPlace(source: source, line: index + 1, offset: consumed), body) }
    } else {
      take(value, 1, consumed, body)
    }
    consumed += rest.count
    rest = []
    return true
  }

  private mutating func table(_ body: (LogEntry) -> Void) {
    do throws(LogTableError) {
      let table = try LogTable.parse(rest)
      incomplete = table.incomplete
      for (index, row) in table.rows.enumerated() { entry(.object(row), LogPlace(source: source, line: index + 1), body) }
    } catch { problem(error.description, 1, consumed) }
  }
}
