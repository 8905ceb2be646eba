import ArgumentParser
import Clocks
import Encodings
import Estate
import SQLiteStore
import SigstoreFormats
import Trust

/// The reverse questions of `hallmark trace`: what depends on a key, an identity or an assignment.
struct ReverseOptions: ParsableArguments {
  @Option(help: "Reverse: what this identity signed (object id, client id, name or federated subject).")
  var identity: String?

  @Option(help: "Reverse: what this role assignment permitted (its GUID).")
  var assignment: String?

  @Option(help: "An estate database (hallmark inventory import); default $XDG_STATE_HOME/hallmark/estate.db when there is one.")
  var database: String?

  @Option(name: .customLong("log"), parsing: .singleValue, help: "Reverse: a diagnostic log; may be given several times.")
  var logs: [String] = []

  @Option(help: "Reverse: as of this time, RFC 3339.")
  var at: String?

  @Option(help: "Reverse: rows of each list at most; counts are exact.")
  var limit = 100

  /// The question when no artifact is named; nil when one is.
  func question(subject: String?, key: String?) throws -> EstateQuestion? {
    let named = [key.map { ("--key", $0) }, identity.map { ("--identity", $0) }, assignment.map { ("--assignment", $0) }].compactMap(\.self)
    if subject != nil {
      guard identity == nil, assignment == nil else {
        throw CommandFailure.usage("cannot trace", why: "an artifact and \(identity == nil ? "--assignment" : "--identity") are two questions", next: "ask one at a time")
      }
      return nil
    }
    guard named.count == 1, let (flag, text) = named.first else {
      throw CommandFailure.usage("cannot trace", why: named.isEmpty ? "nothing was named" : "one question at a time", next: "name an artifact, or one of --key, --identity, --assignment")
    }
    guard !text.isEmpty, text.utf8.count <= 4096 else { throw CommandFailure.usage("cannot trace", why: "\(flag) is empty or too long") }
    guard (1...10_000).contains(limit) else { throw CommandFailure.usage("cannot trace", why: "--limit is not from 1 to 10000") }
    switch flag {
    case "--identity": return .identity(text)
    case "--assignment": return .assignment(text)
    default: return try Self.key(text)
    }
  }

  /// `STORE/KEY[/VERSION]`, or a key identifier.
  private static func key(_ text: String) throws -> EstateQuestion {
    var parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    if parts.count >= 5, parts[0].lowercased() == "https:", parts[3] == "keys", let store = parts[2].split(separator: ".").first {
      parts = [String(store)] + parts[4...]
    }
    guard (2...3).contains(parts.count), !parts.contains("") else {
      throw CommandFailure.usage("cannot trace", why: "\(Console.plain(text)) is no STORE/KEY[/VERSION]")
    }
    return .key(store: parts[0], name: parts[1], version: parts.count == 3 ? parts[2] : nil)
  }
}

/// Answers from the estate database or from documents.
struct ReverseAnswer {
  let options: ReverseOptions
  let inventories: [String]
  let ledgers: [String]
  let output: OutputFormat

  /// - Returns: the exit code.
  func answer(_ question: EstateQuestion, acceptGaps: Bool) throws -> Int32 {
    let time = try options.at.map { try EstateDocuments.time($0, "--at") }
    let database = try opened(time)
    var reach = try EstateDatabase.explained { () throws(EstateStoreError) in try database.store.reach(question, at: time, limit: options.limit) }
    reach.gaps += database.gaps
    switch output {
    case .json: Console.print(reach.json)
    case .text: Console.print(ReverseText(reach).text)
    }
    let code = reach.exitCode(acceptGaps: acceptGaps)
    if code != 0 { Console.note("hallmark: \(reach.isKnown ? "not everything could be seen" : "nothing of that name was seen\(reach.gaps.isEmpty ? "" : ", and not everything could be")")") }
    return code
  }

  private var isNamed: Bool { !(inventories.isEmpty && ledgers.isEmpty && options.logs.isEmpty) }

  /// What the documents say when any is named, else what the database says, else the newest snapshot of the history.
  private func opened(_ time: Instant?) throws -> EstateDatabase {
    if isNamed || options.database != nil { return try database(try snapshot()) }
    if LocalFile.exists(EstateDatabase.standardPath) { return try EstateDatabase(path: EstateDatabase.standardPath, making: false) }
    var database = try EstateDatabase()
    try database.add(InventorySource.past(time, nil))
    return database
  }

  /// The snapshots that were named, as one; nil when none was.
  func snapshot() throws -> InventorySnapshot? { InventorySnapshot.merged(try inventories.map { try EstateDocuments.snapshot($0) }) }

  /// The database that was named, else one of this snapshot and the records that were named.
  func database(_ snapshot: InventorySnapshot?) throws -> EstateDatabase {
    if let path = options.database {
      guard !isNamed else { throw CommandFailure.usage("cannot trace", why: "--database holds what was imported, other documents do not go with it", next: "hallmark inventory import --database \(path)") }
      return try EstateDatabase(path: path, making: false)
    }
    var database = try EstateDatabase()
    if let snapshot { try database.add(snapshot) }
    for path in ledgers { try database.add(ledger: path) }
    for path in options.logs { try database.add(log: path) }
    return database
  }
}

