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
        guard query.isEmpty || format == .hallmark else {
          throw CommandFailure.usage("cannot export audit records", why: "filters go with the format hallmark only")
        }
        try await connection.connect { connection in
          guard query.isEmpty else {
            return try await AuditCommand.pages(connection.client, query, limit: nil) { for record in $0 { Console.print(record.text()) } }
          }
          try await AuditExport(client: connection.client, format: format.rawValue).run(after: after ?? 0) { lines in
            FileHandle.standardOutput.write(Data(lines))
          }
        }
      }
    }
  }
}

/// Reads the whole log as exact lines.
struct AuditExport {
  let client: ManagedHSMClient
  let format: String

  /// Calls `body` with whole lines, line feeds included.
  func run(after start: Int64, _ body: ([UInt8]) throws -> Void) async throws {
    var after = start
    while true {
      let answer = try await client.call(
        "GET", "/hallmark/v1/audit/export", query: [("format", format), ("after", String(after))], timeout: .seconds(120),
        maxReplyBytes: 512 << 20)
      guard !answer.text.isEmpty else { return }
      try body(answer.text.last == 0x0A ? answer.text : answer.text + [0x0A])
      // The next page begins after the last line's sequence. A format without sequences, or a service without pages, ends here.
      let last = answer.text.split(separator: 0x0A).last.map(Array.init) ?? []
      let next = answer.header("x-hallmark-next").flatMap { Int64($0) } ?? (try? JSONValue.parse(last))?["sequence"]?.int64
      guard let next, next > after else { return }
      after = next
    }
  }
}
