import Clocks
import Foundation
import Ledger
import Synchronization
import Testing

@testable import Audit

/// The example of docs/formats/audit-record (reference guard-formats §6), written out by hand.
private let example =
  #"{"schema":"hallmark.audit/v1","sequence":41207,"time":"2026-03-02T07:41:12.318Z","node":"n1","requestId":"r-1","clientRequestId":null,"principal":{"objectId":"5f0c","clientId":null,"issuer":"https://i.example","subject":"repo:a/b","claims":{"repository":"a/b","workflow":"w \"q\"","run_id":"7"}},"operation":"sign","store":"nw-hsm","key":"fw-sign","version":"0af1","kid":"https://h/keys/fw-sign/0af1","algorithm":"ES256","digest":"sha256:0000000000000000000000000000000000000000000000000000000000000001","decision":"allow","reason":null,"assignment":"ab-cd","engine":"software","status":200,"durationMs":4,"callerAddress":"127.0.0.1","purpose":null}"#

/// What is replaced in the example, by what, and why the result is no record.
private let changes: [(String, String, String)] = [
  ("audit/v1", "audit/v2", "schema"),
  ("41207", "0", "sequence 0"),
  ("41207", "-1", "negative sequence"),
  ("41207", "1.5", "fraction"),
  ("41207", "\"1\"", "sequence as text"),
  ("2026-03-02T", "2026-02-30T", "no such day"),
  ("\"sign\"", "\"sing\"", "operation"),
  ("\"allow\"", "\"maybe\"", "decision"),
  ("\"software\"", "\"magic\"", "engine"),
  ("sha256:00", "sha256:0", "odd digest"),
  ("sha256:", "sha512:", "digest length"),
  ("sha256:", "md5:", "digest algorithm"),
  ("\"status\":200", "\"status\":1000", "status"),
  ("\"status\":200", "\"status\":\"200\"", "status as text"),
  ("\"node\":\"n1\",", "", "missing member"),
  ("\"node\":", "\"node\":\"x\",\"node\":", "duplicate member"),
  ("\"node\":", "\"extra\":1,\"node\":", "unknown member"),
  ("\"run_id\":\"7\"", "\"run_id\":7", "claim that is no text"),
  ("\"clientId\":null,", "", "principal without client"),
  ("\"clientId\":null,", "\"clientId\":null,\"admin\":true,", "unknown member of the principal"),
]

@Suite struct RecordTests {
  private var entry: AuditEntry {
    AuditEntry(
      time: Instant(nanoseconds: 1_772_437_272_318_999_999), requestID: "r-1",
      principal: AuditPrincipal(
        objectID: "5f0c", issuer: "https://i.example", subject: "repo:a/b",
        claims: [.init("repository", "a/b"), .init("workflow", "w \"q\""), .init("run_id", "7")]),
      operation: .sign, store: "nw-hsm", key: "fw-sign", version: "0af1", kid: "https://h/keys/fw-sign/0af1", algorithm: "ES256",
      digest: AuditDigest(.sha256, Array(repeating: 0, count: 31) + [1]), decision: .allow, assignment: "ab-cd", engine: .software,
      status: 200, durationMilliseconds: 4, callerAddress: "127.0.0.1")
  }

  @Test("A record is written in exactly the documented form")
  func exactForm() {
    #expect(String(decoding: AuditRecord(sequence: 41207, node: "n1", entry: entry).line(), as: UTF8.self) == example)
  }

  @Test("Reading a record and writing it again gives the same bytes")
  func roundTrip() throws {
    let record = try AuditRecord(line: Array(example.utf8))
    #expect(String(decoding: record.line(), as: UTF8.self) == example)
    #expect(record.sequence == 41207)
    #expect(record.entry.principal == entry.principal)
    #expect(Array(example.utf8).withUnsafeBytes { AuditRecord.sequence(ofLine: $0) } == 41207)
  }

  @Test("A refused token has no principal, and null members stay")
  func withoutPrincipal() throws {
    let refused = AuditEntry(
      time: Instant(seconds: 0), requestID: nil, principal: nil, operation: .tokenAuthenticate, store: "h", decision: .deny,
      reason: "token expired", status: 401, durationMilliseconds: 0)
    let line = AuditRecord(sequence: 1, node: "n", entry: refused).line()
    #expect(String(decoding: line, as: UTF8.self).contains(#""principal":null,"operation":"token.authenticate""#))
    #expect(try AuditRecord(line: line).entry == refused)
  }

  @Test("Whatever text an outsider sends, the record is one line of valid JSON that an independent parser reads", arguments: [
    "line\nfeed", "\u{0}\u{1}\u{1F}\u{7F}", "quote\" back\\slash", "emoji 🔏 é \u{2028}", String(repeating: "x", count: 5000),
    String(repeating: "🔏", count: 300), "",
  ])
  func hostileText(text: String) throws {
    var hostile = entry
    hostile.clientRequestID = text
    hostile.reason = text
    hostile.principal?.subject = text
    hostile.principal?.claims = [.init(text, text), .init(text, "again"), .init("b", text)]
    let line = AuditRecord(sequence: 9, node: "n1", entry: hostile).line()
    #expect(!line.contains(0x0A))
    let foreign = try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
    let read = try AuditRecord(line: line)
    #expect(foreign["clientRequestId"] as? String == read.entry.clientRequestID)
    if text.utf8.count <= AuditLimits.textBytes { #expect(read.entry.clientRequestID == text) }
    else { #expect(read.entry.clientRequestID?.hasSuffix("…") == true) }
    #expect(read.line() == line)
  }

  @Test("The longest possible record stays under the reader's limit")
  func longest() throws {
    let text = String(repeating: "\u{1}", count: 2000)
    var entry = AuditEntry(
      time: Instant(seconds: 0), requestID: text, clientRequestID: text,
      principal: AuditPrincipal(objectID: text, clientID: text, issuer: text, subject: text, claims: (0..<40).map { .init("claim\($0)", text) }),
      operation: .sign, store: text, key: text, version: text, kid: text, algorithm: text, decision: .deny, reason: text, assignment: text,
      status: .max, durationMilliseconds: .max, callerAddress: text, purpose: text)
    entry.status = .max
    let line = AuditRecord(sequence: .max, node: text, entry: entry).line()
    #expect(line.count < AuditLimits.lineBytes)
    #expect(try AuditRecord(line: line).entry.status == 999)
  }

  @Test("Each change that leaves no exact record is refused", arguments: changes)
  func refused(old: String, new: String, why: String) {
    let line = example.replacingOccurrences(of: old, with: new)
    #expect(line != example)
    #expect(throws: AuditRecordError.self, "\(why)") { try AuditRecord(line: Array(line.utf8)) }
  }

  @Test("Bytes that are not one JSON object are refused", arguments: ["", "{}", "[1]", example + " {}", String(example.dropLast())])
  func notOneObject(line: String) {
    #expect(throws: AuditRecordError.self) { try AuditRecord(line: Array(line.utf8)) }
  }

  @Test("The quick look at a sequence refuses what our writer does not make", arguments: [
    "", "{}", #"{"schema":"hallmark.audit/v1","sequence":,}"#, #"{"schema":"hallmark.audit/v1","sequence":01,}"#,
    #"{"schema":"hallmark.audit/v1","sequence":18446744073709551616,}"#, #"{"schema":"hallmark.audit/v1","sequence":1"#,
    #"{"schema":"hallmark.audit/v1","sequence":1,"time""#, #"{"schema":"hallmark.audit/v2","sequence":1,}"#,
  ])
  func quickLook(line: String) {
    #expect(Array(line.utf8).withUnsafeBytes { AuditRecord.sequence(ofLine: $0) } == nil)
  }

  @Test("No two operations share a word")
  func operations() { #expect(Set(AuditOperation.allCases.map(\.rawValue)).count == AuditOperation.allCases.count) }
}
