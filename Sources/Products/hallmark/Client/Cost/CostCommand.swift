import ArgumentParser
import Encodings
import Foundation
import Signing

struct CostCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cost", abstract: "What a period's logs amount to: operations, money, and what cache and batches saved.",
    discussion: """
      Reads audit logs (`hallmark audit export`, or the audit folder of an HSM), signing ledgers (`sign --ledger`, \
      $XDG_STATE_HOME/hallmark/ledger.jsonl) and Azure Monitor's AuditEvent lines. A request that stands in several of them counts once. \
      Prices come from --prices FILE (hallmark.prices/v1); without one, a built-in list whose date and source are printed. \
      Lines that are no record of a known kind are counted and named; more than half of them is exit code 1.
      """)

  @Argument(help: "Files of JSON lines, folders of an HSM's audit log, or - for standard input.")
  var logs: [String]

  @Option(help: "From this time on, RFC 3339.") var since: String?
  @Option(help: "Before this time, RFC 3339.") var until: String?
  @Option(help: "Price table, YAML or JSON.") var prices: String?
  @OptionGroup var output: OutputOptions

  /// A log of a million records is some 900 MB: read in pieces, never held whole.
  private static let pieceBytes = 1 << 20
  private static let maxLineBytes = 256 << 10

  func run() async throws {
    try await Console.run("cannot add up the logs") {
      var tally = CostTally(prices: try table(), from: try time(since, "--since"), until: try time(until, "--until"))
      var lines = 0
      for log in logs {
        for file in try Self.files(log) { lines += try Self.read(file, into: &tally) }
      }
      let report = tally.report()
      switch output.format {
      case .json: Console.print(report.json)
      case .text: Console.print(CostText(report).text)
      }
      if report.unreadable > 0 {
        Console.note("note: \(report.unreadable) of \(lines) lines are no record of a known kind and were not counted")
        if report.unreadable * 2 > lines { throw Exit.no }
      }
    }
  }

  private func table() throws -> PriceTable {
    guard let prices else { return .standard }
    let bytes = try LocalFile.bytes(prices, maxBytes: PriceTable.maxBytes)
    do throws(PriceError) { return try PriceTable.parse(Self.tree(bytes)) } catch {
      throw CommandFailure.usage("cannot use \(prices)", why: error.description)
    }
  }

  /// JSON keeps its numbers, YAML gives texts: the table takes both.
  private static func tree(_ bytes: [UInt8]) -> JSONValue { (try? JSONValue.parse(bytes)) ?? (try? YAMLTree.parse(bytes)) ?? .null }

  private func time(_ text: String?, _ name: String) throws -> Int64? {
    guard let text else { return nil }
    do { return try ISO8601.parse(text) } catch {
      throw CommandFailure.usage("cannot add up the logs", why: "\(name) is no time such as 2026-03-02T07:41:12Z")
    }
  }

  private static func files(_ log: String) throws -> [String] {
    if log == "-" { return [log] }
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: log, isDirectory: &isFolder) else {
      throw CommandFailure.usage("cannot read \(log)", why: "there is no such file or folder")
    }
    guard isFolder.boolValue else { return [log] }
    let folder = AuditFolder(log).path
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix("entries-") && $0.hasSuffix(".jsonl") }.sorted()
    guard !names.isEmpty else { throw CommandFailure.usage("cannot read \(log)", why: "it holds no entries-….jsonl") }
    return names.map { "\(folder)/\($0)" }
  }

  private static func read(_ path: String, into tally: inout CostTally) throws -> Int {
    let handle: FileHandle
    if path == "-" {
      handle = .standardInput
    } else {
      guard let opened = FileHandle(forReadingAtPath: path) else { throw CommandFailure.usage("cannot read \(path)", why: "permission denied") }
      handle = opened
    }
    var rest: [UInt8] = []
    var lines = 0
    func take(_ line: some Sequence<UInt8>) {
      guard line.contains(where: { $0 != 0x20 && $0 != 0x0D && $0 != 0x09 }) else { return }
      lines += 1
      tally.add(line: line)
    }
    while let piece = try handle.read(upToCount: pieceBytes), !piece.isEmpty {
      rest += piece
      var start = 0
      while let end = rest[start...].firstIndex(of: 0x0A) {
        take(rest[start..<end])
        start = end + 1
      }
      rest.removeFirst(start)
      guard rest.count <= maxLineBytes else { throw CommandFailure.usage("cannot read \(path)", why: "a line is longer than \(maxLineBytes) bytes") }
    }
    take(rest)
    return lines
  }
}

/// The report for people.
struct CostText {
  let report: CostReport

  init(_ report: CostReport) { self.report = report }

  var text: String {
    var lines: [String] = []
    let currency = report.prices.currency
    if let from = report.from, let until = report.until {
      lines.append("period     \(ISO8601.format(nanoseconds: from)) … \(ISO8601.format(nanoseconds: until))")
    }
    lines.append("prices     \(currency), as of \(report.prices.asOf): \(Console.plain(report.prices.source))")
    lines.append("")
    var rows = [["operation", "key", "identity", "service", "ok", "failed", currency]]
    for line in report.lines {
      rows.append([
        line.subject.operation, line.subject.key ?? "-", line.subject.identity, line.subject.service.rawValue, String(line.succeeded), String(line.failed),
        PriceTable.text(line.price),
      ])
    }
    lines.append(Console.table(rows))
    lines.append("")
    lines.append("key use    \(report.keyOperations) operations with a private key succeeded")
    for (service, price) in report.standing.sorted(by: { $0.key.rawValue < $1.key.rawValue }) where price > 0 {
      lines.append("standing   \(currency) \(PriceTable.text(price)) for the hours of \(service.rawValue)")
    }
    lines.append(
      "saved      \(report.savedByCache + report.savedByBatch) operations (\(report.savedByCache) by the cache, \(report.savedByBatch) by batches), \(currency) \(PriceTable.text(report.savedPrice))")
    if report.doubles > 0 { lines.append("doubles    \(report.doubles) records stood in more than one log and count once") }
    lines.append("total      \(currency) \(PriceTable.text(report.total))")
    return lines.joined(separator: "\n")
  }
}
