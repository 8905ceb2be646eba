import Clocks
import Encodings
import Estate
import Foundation
import Outbound

/// The documents of the guard as commands take them: inventory snapshots and the intent register.
enum EstateDocuments {
  /// Reads one snapshot (`hallmark.inventory/v1`).
  static func snapshot(_ path: String) throws -> InventorySnapshot {
    let bytes = try LocalFile.bytes(path, maxBytes: InventorySnapshot.limits.maxBytes)
    do throws(DocumentError) { return try InventorySnapshot(json: bytes) } catch {
      throw CommandFailure.usage("cannot use \(path)", why: Console.plain(error.description))
    }
  }

  /// Reads the register (`hallmark.intent/v1`), YAML or JSON.
  static func register(_ path: String) throws -> IntentRegister {
    let bytes = try LocalFile.bytes(path, maxBytes: IntentRegister.limits.maxBytes)
    let isJSON = bytes.first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D } == UInt8(ascii: "{")
    do throws(DocumentError) {
      return isJSON ? try IntentRegister(json: bytes) : try IntentRegister(try tree(bytes, path))
    } catch {
      throw CommandFailure.usage("cannot use \(path)", why: Console.plain(error.description))
    }
  }

  private static func tree(_ bytes: [UInt8], _ path: String) throws(DocumentError) -> JSONValue {
    do { return try YAMLTree.parse(bytes) } catch {
      let why = (error as? CommandFailure)?.why ?? "it is no YAML"
      throw DocumentError(document: "intent register", path: "", .wanted("a YAML or JSON document (\(why))"))
    }
  }

  static func time(_ text: String, _ flag: String) throws -> Instant {
    do { return Instant(nanoseconds: try ISO8601.parse(text)) } catch {
      throw CommandFailure.usage("cannot use \(flag) \(Console.plain(text))", why: "it is no time such as 2026-11-20T06:00:00Z")
    }
  }

  static func text(_ time: Instant?) -> String { time.map { ISO8601.format(seconds: $0.seconds) } ?? "-" }
}

/// A folder of snapshots, one file per time: what was true at time T.
struct InventoryHistory {
  let folder: String

  /// `$XDG_STATE_HOME/hallmark/inventory`.
  static var standard: InventoryHistory {
    InventoryHistory(folder: "\(ConnectionSettings(environment: ProcessInfo.processInfo.environment).stateFolder)/inventory")
  }

  private static let maxFiles = 100_000

  /// Times of the snapshots there are, oldest first.
  func times() throws -> [Instant] {
    guard LocalFile.exists(folder) else { return [] }
    let names: [String]
    do { names = try FileManager.default.contentsOfDirectory(atPath: folder) } catch {
      throw CommandFailure.usage("cannot read \(folder)", why: "it is no folder, or permission denied")
    }
    return names.prefix(Self.maxFiles).compactMap(Self.time).sorted()
  }

  /// The newest snapshot taken at the time or before; nil when there is none.
  func snapshot(at time: Instant?) throws -> InventorySnapshot? {
    let all = try times()
    guard let found = time.map({ EstateQuestions.asOf($0, all) }) ?? all.last else { return nil }
    return try EstateDocuments.snapshot("\(folder)/\(Self.name(found))")
  }

  /// Keeps a snapshot under its time. The file appears whole or not at all.
  func keep(_ snapshot: InventorySnapshot) throws {
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch { throw CommandFailure.usage("cannot make \(folder)", why: "permission denied or no space") }
    try LocalFile.write(snapshot.json.serialized() + [UInt8(ascii: "\n")], to: "\(folder)/\(Self.name(snapshot.takenAt))", mode: 0o600)
  }

  /// `inventory-1795154400000000000.json`: nanoseconds, so that the name sorts and reads back.
  private static func name(_ time: Instant) -> String { "inventory-\(time.nanoseconds).json" }

  private static func time(_ name: String) -> Instant? {
    guard name.hasPrefix("inventory-"), name.hasSuffix(".json") else { return nil }
    return Int64(name.dropFirst(10).dropLast(5)).map { Instant(nanoseconds: $0) }
  }
}
