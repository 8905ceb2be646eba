import DiagnosticLogs
import Encodings
import Watch

enum WatchTargets {
  /// Law: the key of duplicates and the address do not depend on when they are asked for.
  static func logRecord(_ bytes: UnsafeRawBufferPointer) {
    guard let value = try? JSONValue.parse(bytes), let entry = LogEntry(value, place: LogPlace(source: "f")) else { return }
    guard case .request(let record) = entry else { return }
    precondition(record.duplicateKey == record.duplicateKey)
    if let address = record.callerAddress { precondition(LogRecord.address(address) != nil) }
  }

  /// Law: the same records come in one piece and byte by byte, and no more is consumed than there is.
  static func logBlob(_ bytes: UnsafeRawBufferPointer) {
    let bytes = Array(bytes)
    func read(_ piece: Int) -> (entries: [LogEntry], consumed: Int) {
      var reader = LogRecordReader(source: "f", limits: .init(lineBytes: 4096, documentBytes: 8192))
      var entries: [LogEntry] = []
      for start in stride(from: 0, to: bytes.count, by: piece) { reader.feed(bytes[start..<min(bytes.count, start + piece)]) { entries.append($0) } }
      reader.finish { entries.append($0) }
      precondition(reader.consumed <= bytes.count)
      return (entries, reader.consumed)
    }
    guard bytes.count <= 4096 else { _ = read(512); return }
    precondition(read(max(1, bytes.count)).entries.count == read(5).entries.count)
  }

  static func activityEvent(_ bytes: UnsafeRawBufferPointer) {
    guard let value = try? JSONValue.parse(bytes), case .activity(let event)? = LogEntry(value, place: LogPlace(source: "f")) else { return }
    precondition(event.operation == event.operation.lowercased())
  }

  static func logAnalytics(_ bytes: UnsafeRawBufferPointer) {
    guard let table = try? LogTable.parse(bytes) else { return }
    for row in table.rows { _ = LogEntry(.object(row), place: LogPlace(source: "f")) }
  }

  /// Law: a state that can be read can be written and read again.
  static func watchState(_ bytes: UnsafeRawBufferPointer) {
    guard let state = try? WatchState(json: Array(bytes)) else { return }
    guard let again = try? WatchState(json: state.serialized()) else { preconditionFailure("a written state cannot be read") }
    precondition(again.open.count == state.open.count && again.watermarks == state.watermarks)
  }
}
