import ArgumentParser
import Clocks
import Encodings
import Estate

struct InventoryAsk: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ask", abstract: "Questions: bindings, rotation, artifacts, unused-keys, unused-rights.",
    discussion: """
      bindings: which signing keys are bound to which CI/CD identities, and how. rotation: when each key was last rotated. artifacts: which \
      artifacts that run were signed with which key version. unused-keys, unused-rights: what nobody used, as far as --ledger and --log cover the time. \
      Exit code 0: answered. 3: something could not be seen; it is listed, and an empty answer then means nothing.
      """)

  enum Question: String, ExpressibleByArgument, CaseIterable {
    case bindings, rotation, artifacts
    case unusedKeys = "unused-keys"
    case unusedRights = "unused-rights"
  }

  @Argument(help: "The question.") var question: Question
  @Option(help: "Intent register: which keys are signing keys, what identities are for.") var intent: String?
  @Option(parsing: .singleValue, help: "Audit export or signing ledger (hallmark.audit/v1 lines); may be given several times.") var ledger: [String] = []
  @Option(parsing: .singleValue, help: "Diagnostic log of key stores, a file or the folder that sync keeps; may be given several times.") var log: [String] = []
  @Option(help: "Unused since this time; default 90 days before the snapshot.") var since: String?
  @Option(help: "The logs are complete up to this time; default that of their last record.") var until: String?
  @OptionGroup var source: InventorySource
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await Console.run("cannot answer \(question.rawValue)") {
      let snapshot = try source.snapshot()
      let register = try intent.map { try EstateDocuments.register($0) } ?? IntentRegister()
      let questions = EstateQuestions(snapshot, intent: register)
      let start = try since.map { try EstateDocuments.time($0, "--since") } ?? snapshot.takenAt.advanced(bySeconds: -90 * 86_400)
      switch question {
      case .bindings: try answer(questions.bindings(), InventoryAnswers.bindings, \.json)
      case .rotation: try answer(questions.rotation(), { InventoryAnswers.rotation($0, at: snapshot.takenAt) }, \.json)
      case .artifacts: try answer(questions.artifacts(), InventoryAnswers.artifacts, \.json)
      case .unusedKeys:
        var found = questions.keyUsage(try facts(snapshot), since: start)
        found.rows.removeAll { if case .used = $0.verdict { true } else { false } }
        try answer(found, InventoryAnswers.keys, \.json, unknown: found.rows.contains { $0.verdict.word == "not known" })
      case .unusedRights:
        var found = questions.rightUsage(try facts(snapshot), since: start)
        found.rows.removeAll { if case .used = $0.verdict { true } else { false } }
        try answer(found, InventoryAnswers.rights, \.json, unknown: found.rows.contains { $0.verdict.word == "not known" })
      }
    }
  }

  private func answer<Row>(_ found: EstateAnswer<Row>, _ rows: ([Row]) -> [[String]], _ json: (Row) -> JSONValue, unknown: Bool = false) throws {
    switch output.format {
    case .json:
      Console.print([
        "question": .string(question.rawValue), "rows": .array(found.rows.map(json)), "gaps": .array(found.gaps.map { .string($0) }),
        "complete": .bool(found.isComplete && !unknown),
      ])
    case .text:
      Console.print(found.rows.isEmpty ? (found.isComplete ? "none" : "none seen") : Console.table(rows(found.rows)))
      for gap in found.gaps { Console.note("not seen: \(Console.plain(gap))") }
    }
    if !found.isComplete || unknown { throw Exit.undecided }
  }

  private func facts(_ snapshot: InventorySnapshot) throws -> UseFacts {
    var records: [OperationRecord] = []
    var cut: String?
    for path in ledger {
      let bytes = try LocalFile.bytes(path, maxBytes: 1 << 30)
      let lines = bytes.split(separator: UInt8(ascii: "\n"))
      for (index, line) in lines.enumerated() where !line.allSatisfy({ $0 <= 0x20 }) {
        do throws(FactError) { records.append(try OperationRecord(auditLine: line, path: "line \(index + 1)")) } catch {
          // A last line without its end is being written, or was cut by a crash: what it says is not known, what stands before it is.
          if index == lines.count - 1, bytes.last != UInt8(ascii: "\n"), (try? JSONValue.parse(Array(line))) == nil {
            cut = "the last line of \(path) is cut"
            continue
          }
          throw CommandFailure.usage("cannot use \(path)", why: "\(Console.plain(error.description))", next: "docs/formats/audit-record.md")
        }
      }
    }
    var facts = UseFacts(records: records)
    if let cut {
      Console.note("note: \(Console.plain(cut))")
      for i in facts.coverage.indices { facts.coverage[i].broken = facts.coverage[i].broken ?? cut }
    }
    let end = try until.map { try EstateDocuments.time($0, "--until") }
    guard !log.isEmpty else { return facts }
    var logs = UseLogs(snapshot)
    for path in log { try logs.read(path) }
    facts.add(logs.facts(until: end))
    Console.note("note: Azure's records carry no sequence numbers: a hole inside of the logs cannot be seen")
    return facts
  }
}

/// Answers as rows for people, the heading first.
enum InventoryAnswers {
  static func bindings(_ rows: [KeyBinding]) -> [[String]] {
    [["KEY", "IDENTITY", "PURPOSE", "HOW", "CAPABILITIES", "PATH"]]
      + rows.map { row in
        [
          "\(row.store)/\(row.key)", row.name ?? row.identity, row.purpose.rawValue,
          KeyBinding.How.allCases.filter(row.how.contains).map(\.rawValue).joined(separator: ",") + (row.latent ? " (latent)" : ""),
          row.capabilities.canonical.map(\.rawValue).joined(separator: ","), row.path.joined(separator: " > "),
        ]
      }
  }

  static func rotation(_ rows: [KeyRotation], at time: Instant) -> [[String]] {
    [["KEY", "LAST ROTATED", "VERSIONS", "POLICY", "DUE", ""]]
      + rows.map { row in
        [
          "\(row.store)/\(row.key)", row.notKnown == nil ? EstateDocuments.text(row.lastRotated) : "not known", String(row.versions), row.every ?? "none",
          EstateDocuments.text(row.due), row.notKnown ?? (row.isOverdue(at: time) ? "overdue" : row.currentEnabled == false ? "the current version is disabled" : ""),
        ]
      }
  }

  static func artifacts(_ rows: [SignedArtifact]) -> [[String]] {
    [["DIGEST", "STATE", "SIGNED WITH", "RUNS IN"]]
      + rows.map { row in
        [
          row.digest, row.state.rawValue,
          row.signers.map { signer in signer.key.map { "\(signer.store ?? "")/\($0)/\(signer.version ?? "?")" } ?? "a key that is not known" }.joined(separator: ", "),
          row.running.map { "\($0.cluster)/\($0.namespace ?? "")/\($0.workload)" }.joined(separator: ", "),
        ]
      }
  }

  static func keys(_ rows: [KeyUsage]) -> [[String]] {
    [["KEY", "USE", ""]] + rows.map { ["\($0.store)/\($0.key)", $0.verdict.word, why($0.verdict)] }
  }

  static func rights(_ rows: [RightUsage]) -> [[String]] {
    [["IDENTITY", "CAPABILITY", "WHERE", "USE", "PATH"]]
      + rows.map { row in
        [
          row.name ?? row.principal, row.capability.rawValue + (row.latent ? " (latent)" : ""), "\(row.store)/\(row.key ?? "*")",
          [row.verdict.word, why(row.verdict)].filter { !$0.isEmpty }.joined(separator: ": "), row.path.joined(separator: " > "),
        ]
      }
  }

  private static func why(_ verdict: UseVerdict) -> String { if case .notKnown(let why) = verdict { why } else { "" } }
}
