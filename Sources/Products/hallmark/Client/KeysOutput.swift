import Clocks
import Encodings
import Outbound
import Signing
import Trust

extension KeysCommand.Common {
  func run(_ what: String, _ body: (ManagedHSMClient) async throws -> Void) async throws {
    try await Console.run(what) { try await connection.connect { try await body($0.client) } }
  }

  /// The same for a command on one key, whose URL may name the service.
  func run(_ what: String, key: String, _ body: (ManagedHSMClient, KeyReference) async throws -> Void) async throws {
    try await Console.run(what) {
      let reference = try KeyReference(parsing: key)
      try await connection.connect(to: reference.store) { try await body($0.client, reference) }
    }
  }
}

extension KeysCommand {
  static var now: Int64 { TimeSource.system.now().seconds }

  static func seconds(_ text: String) throws -> JSONValue {
    do { return .integer(try ISO8601.parse(text) / 1_000_000_000) } catch {
      throw CommandFailure.usage("cannot read the time \(text)", why: error.description, next: "write it as 2026-01-31T12:00:00Z")
    }
  }

  static func tags(_ texts: [String]) throws -> JSONValue? {
    guard !texts.isEmpty else { return nil }
    var object = JSONObject()
    for text in texts {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty else { throw CommandFailure.usage("cannot read the tag \(text)", why: "NAME=VALUE is wanted") }
      object[String(parts[0])] = .string(String(parts[1]))
    }
    return .object(object)
  }

  /// One key bundle.
  static func show(_ bundle: JSONValue, _ output: OutputOptions) {
    guard output.format == .text else { return Console.print(bundle) }
    let jwk = bundle["key"]
    let attributes = bundle["attributes"]
    var rows = [["key", jwk?["kid"]?.string ?? bundle["kid"]?.string ?? "-"], ["type", type(jwk)]]
    rows.append(["operations", jwk?["key_ops"]?.array?.compactMap(\.string).sorted().joined(separator: ", ") ?? "-"])
    rows.append(["enabled", attributes?["enabled"]?.bool == false ? "no" : "yes"])
    rows.append(["created", Console.time(attributes?["created"]?.int64)])
    if let time = attributes?["nbf"]?.int64 { rows.append(["not before", Console.time(time)]) }
    if let time = attributes?["exp"]?.int64 { rows.append(["expires", Console.time(time)]) }
    if let level = attributes?["recoveryLevel"]?.string { rows.append(["recovery", level]) }
    for tag in bundle["tags"]?.object?.members ?? [] { rows.append(["tag", "\(tag.name) = \(tag.value.string ?? "")"]) }
    if let time = bundle["scheduledPurgeDate"]?.int64 { rows.append(["purged at", Console.time(time)]) }
    if let jwk, let key = try? PublicKey(jwk: jwk) { rows.append(["spki", "sha256:\(key.fingerprintHex)"]) }
    Console.print(Console.table(rows))
  }

  static func list(_ items: [JSONValue], _ output: OutputOptions) {
    guard output.format == .text else { return Console.print(["value": .array(items)]) }
    guard !items.isEmpty else { return Console.note("no keys") }
    let rows = items.map { item in
      let attributes = item["attributes"]
      return [
        item["kid"]?.string ?? "-", attributes?["enabled"]?.bool == false ? "disabled" : "enabled",
        Console.time(attributes?["created"]?.int64), item["scheduledPurgeDate"].map { "purged at \(Console.time($0.int64))" } ?? "",
      ]
    }
    Console.print(Console.table(rows))
  }

  private static func type(_ jwk: JSONValue?) -> String {
    guard let jwk else { return "-" }
    if let key = try? PublicKey(jwk: jwk) { return key.kindText }
    return [jwk["kty"]?.string, jwk["crv"]?.string].compactMap(\.self).joined(separator: " ")
  }
}
