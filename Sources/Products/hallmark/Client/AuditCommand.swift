import ArgumentParser
import Encodings
import Foundation
import Outbound

struct AuditCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit", abstract: "What happened: list, export, prove.", subcommands: [List.self, Export.self, Verify.self])

  struct Filters: ParsableArguments {
    @Option(help: "Only this key.") var key: String?
    @Option(name: .customLong("version"), help: "Only this key version.") var keyVersion: String?
    @Option(help: "Only this principal: object id, client id or subject.") var principal: String?
    @Option(help: "From this time on, RFC 3339.") var since: String?
    @Option(help: "Before this time, RFC 3339.") var until: String?
    @Option(help: "Only this operation.") var operation: String?
    @Option(help: "Only this digest, sha256:HEX.") var digest: String?
    @Option(help: "Only this request.") var requestId: String?

    func query() throws -> [(name: String, value: String)] {
      for time in [since, until].compactMap(\.self) { _ = try KeysCommand.seconds(time) }
      let all: [(name: String, value: String?)] = [
        ("key", key), ("version", keyVersion), ("principal", principal), ("since", since), ("until", until), ("operation", operation),
        ("digest", digest), ("requestId", requestId),
      ]
      return all.compactMap { field in field.value.map { (field.name, $0) } }
    }
  }

  /// Calls `body` with every page of records that pass the filters, oldest first.
  static func pages(
    _ client: ManagedHSMClient, _ filters: [(name: String, value: String)], limit: Int?, _ body: ([JSONValue]) throws -> Void
  ) async throws {
    var after: Int64?
    var left = limit ?? .max
    // A page that is not full is the last one; the next would only hold the record of having read this one.
    while left > 0 {
      var query = filters + [("limit", String(min(left, 1000)))]
      if let after { query.append(("after", String(after))) }
      let answer = try await client.call("GET", "/hallmark/v1/audit/records", query: query, maxReplyBytes: 256 << 20)
      guard let records = answer.body["records"]?.array else {
        throw CommandFailure("cannot read the audit log", why: "the answer holds no records", code: Exit.remote)
      }
      try body(Array(records.prefix(left)))
      left -= min(left, records.count)
      guard let next = answer.body["next"]?.int64, next != after, !records.isEmpty else { return }
      after = next
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List audit records.")
    @OptionGroup var filters: Filters
    @Option(help: "At most this many.") var limit = 1000
    @OptionGroup var common: KeysCommand.Common

    func run() async throws {
      try await common.run("cannot list audit records") { client in
        var records: [JSONValue] = []
        try await AuditCommand.pages(client, filters.query(), limit: limit) { records += $0 }
        guard common.output.format == .text else { return Console.print(["records": .array(records)]) }
        AccessCommand.table(records, empty: "no records") { record in
          [
            record["sequence"]?.int64.map(String.init) ?? "-", record["time"]?.string ?? "-", record["decision"]?.string ?? "-",
            record["operation"]?.string ?? "-", [record["key"]?.string, record["version"]?.string].compactMap(\.self).joined(separator: "/"),
            record["principal"]?["objectId"]?.string ?? "-", record["status"]?.int.map(String.init) ?? "-",
            record["reason"]?.string ?? record["digest"]?.string ?? "",
          ]
        }
      }
    }
  }

  struct Export: AsyncParsableCommand {
    enum Format: String, ExpressibleByArgument, CaseIterable { case hallmark, azure }
    static let configuration = CommandConfiguration(abstract: "Write audit records as JSON lines.")
    @OptionGroup var filters: Filters
    @Option(help: "hallmark, or azure for Azure-shaped AuditEvent lines.") var format: Format = .hallmark
    @Option(help: "Only records after this sequence.") var after: Int64?
    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
      try await Console.run("cannot export audit records") {
        let query = try filters.query()
        try await connection.connect { connection in
          try await AuditExport(client: connection.client, format: format.rawValue, filters: query).run(after: after ?? 0) { lines in
            FileHandle.standardOutput.write(Data(lines))
          }
        }
      }
    }
  }
}

/// Reads the log, or the records that pass filters, as the exact lines the service keeps.
struct AuditExport {
  let client: ManagedHSMClient
  let format: String
  var filters: [(name: String, value: String)] = []

  /// Calls `body` with whole lines, line feeds included, oldest first.
  ///
  /// - Parameter end: the last sequence wanted; nil: the newest record there is now. Reading is itself recorded, so a log that is read to
  ///   "no more records" is never read to its end.
  func run(after start: Int64, through end: Int64? = nil, _ body: ([UInt8]) throws -> Void) async throws {
    let last: Int64
    if let end { last = end } else { last = try await newest() }
    var after = start
    while after < last {
      let answer = try await client.call(
        "GET", "/hallmark/v1/audit/export", query: filters + [("format", format), ("after", String(after))], timeout: .seconds(120),
        maxReplyBytes: 512 << 20)
      guard !answer.text.isEmpty else { return }
      try body(answer.text.last == 0x0A ? answer.text : answer.text + [0x0A])
      guard let next = try await sequence(endOf: answer.text, after: after), next > after else { return }
      after = next
    }
  }

  /// The sequence of the newest record that passes the filters; 0 when there is none.
  private func newest() async throws -> Int64 {
    let answer = try await client.call("GET", "/hallmark/v1/audit/records", query: filters + [("order", "newest"), ("limit", "1")])
    return answer.body["records"]?[0]?["sequence"]?.int64 ?? 0
  }

  /// The sequence of the last line. Azure-shaped lines do not carry one: the same page of records is asked for it.
  private func sequence(endOf text: [UInt8], after: Int64) async throws -> Int64? {
    let lines = text.split(separator: 0x0A)
    if let line = lines.last, let sequence = (try? JSONValue.parse(line))?["sequence"]?.int64 { return sequence }
    let answer = try await client.call(
      "GET", "/hallmark/v1/audit/records", query: filters + [("after", String(after)), ("limit", String(min(max(lines.count, 1), 10_000)))],
      maxReplyBytes: 512 << 20)
    return answer.body["records"]?.array?.last?["sequence"]?.int64
  }
}
