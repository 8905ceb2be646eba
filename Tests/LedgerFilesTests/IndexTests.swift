import Audit
import Clocks
import Foundation
import Ledger
import Testing

@testable import LedgerFiles

@Suite struct IndexTests {
  @Test("A durable record is visible to the next query, by every way of asking")
  func visible() async throws {
    let scratch = Scratch()
    let writer = try LedgerFileWriter.open(scratch.configuration(segmentBytes: 4000))
    let index = try AuditIndex(folder: scratch.folder)
    #expect(try index.records(matching: AuditQuery()).isEmpty)
    for number in 0..<40 { await append(number..<(number + 1), to: writer) }
    let all = try index.records(matching: AuditQuery(limit: 1000))
    #expect(all.map(\.sequence) == Array(1...40))
    let queries = [
      AuditQuery(key: "key-1"), AuditQuery(key: "key-1", version: "v3"), AuditQuery(principal: "object-2"),
      AuditQuery(principal: "client-1"), AuditQuery(principal: "subject-0"),
      AuditQuery(since: Instant(seconds: 1_790_000_010), until: Instant(seconds: 1_790_000_020)),
      AuditQuery(operation: .sign), AuditQuery(operation: .keyCreate), AuditQuery(decision: .deny),
      AuditQuery(digest: AuditDigest(.sha256, Array(repeating: 7, count: 32))), AuditQuery(requestID: "request-12"),
    ]
    for query in queries { #expect(try index.records(matching: query) == all.filter(query.matches)) }
    #expect(try index.records(matching: AuditQuery(requestID: "request-12")).count == 1)
    #expect(try index.records(matching: AuditQuery(after: 10, limit: 3)).map(\.sequence) == [11, 12, 13])
    #expect(try index.records(matching: AuditQuery(order: .newestFirst, limit: 2)).map(\.sequence) == [40, 39])
    #expect(try index.line(of: 41) == nil)
    #expect(try index.line(of: 3) == all[2].line())
    writer.close()
  }

  @Test("The index is rebuilt when it was deleted, is no database, or belongs to a log that was replaced")
  func rebuilt() async throws {
    let scratch = Scratch()
    let writer = try LedgerFileWriter.open(scratch.configuration())
    await append(0..<10, to: writer)
    writer.close()
    do { #expect(try AuditIndex(folder: scratch.folder).catchUp() == 10) }
    for suffix in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: scratch.folder + "/" + AuditIndex.fileName + suffix) }
    try scratch.overwrite(AuditIndex.fileName, Array("this is not a database, and long enough to be read as one".utf8))
    do { #expect(try AuditIndex(folder: scratch.folder).catchUp() == 10) }
    #expect(try AuditIndex(folder: scratch.folder, place: .memory).catchUp() == 10)
  }

  @Test("A record changed in the log after it was indexed is refused, not returned")
  func changedBehindIndex() async throws {
    let scratch = Scratch()
    let writer = try LedgerFileWriter.open(scratch.configuration())
    await append(0..<5, to: writer)
    let index = try AuditIndex(folder: scratch.folder)
    try index.catchUp()
    let name = try scratch.segments()[0]
    var lines = try scratch.lines(name)
    lines.swapAt(0, 1)
    try scratch.overwriteLines(name, lines)
    #expect(throws: LedgerError.self) { try index.records(matching: AuditQuery()) }
    writer.close()
  }
}
