import Access
import Clocks
import Encodings
import Foundation
import Secrets

/// Where one HSM lives on disk.
///
///     hsm.json        who it is; authenticated under the partition key
///     partition.key   the partition key, sealed by a passphrase or by nothing but the file's mode (0600)
///     store.sqlite    keys (sealed), roles, directory, settings
///     audit/          the audit trail
///     tls/            the embedded CA
///     hallmark.yaml   configuration, if any
struct HSMFolder: Sendable {
  let root: URL

  var description: URL { root.appending(path: "hsm.json") }
  var partitionKey: URL { root.appending(path: "partition.key") }
  var store: URL { root.appending(path: "store.sqlite") }
  var audit: URL { root.appending(path: "audit") }
  var checkpointKey: URL { audit.appending(path: "checkpoint-key.pem") }
  var tls: URL { root.appending(path: "tls") }
  var configuration: URL { root.appending(path: "hallmark.yaml") }

  var exists: Bool { FileManager.default.fileExists(atPath: description.path) }
}

/// What protects the partition key at rest.
enum PartitionSeal: String, Sendable {
  /// Nothing but the file's mode: for development, and the server says so at every start.
  case file
  /// scrypt over a passphrase.
  case passphrase
}

/// Who an HSM is: fixed by `hallmark init`.
struct HSMDescription: Sendable {
  var hsmID: String
  var name: String
  var host: String
  var port: Int
  var tenant: TenantID
  var retentionDays: Int
  var purgeProtection: Bool
  var strictLimits: Bool
  var seal: PartitionSeal
  var created: Instant

  struct Invalid: Error, CustomStringConvertible {
    let description: String
  }

  private var body: JSONObject {
    [
      "created": .string(ISO8601.format(nanoseconds: created.nanoseconds)), "host": .string(host), "hsmId": .string(hsmID), "name": .string(name),
      "port": .integer(port), "purgeProtection": .bool(purgeProtection), "retentionDays": .integer(retentionDays), "schema": "hallmark.hsm/v1",
      "seal": .string(seal.rawValue), "strictLimits": .bool(strictLimits), "tenant": .string(tenant.text),
    ]
  }

  /// - Parameter key: the partition key's subkey for settings.
  private func mac(_ key: SecretBytes) -> [UInt8] {
    var fields = RowMAC.Fields(kind: "hallmark hsm description v1")
    fields.append(JSONValue.object(body).serialized(sortedKeys: true))
    return RowMAC(key: key).tag(fields)
  }

  func write(to file: URL, key: SecretBytes) throws {
    var object = body
    object["mac"] = .string(Hex.encode(mac(key)))
    try PrivateFile.write(Data(JSONValue.object(object).serialized(pretty: true)) + Data("\n".utf8), to: file)
  }

  /// Reads without proof; `verify` follows once the partition key is open.
  static func read(_ file: URL) throws -> (HSMDescription, mac: [UInt8]) {
    let object: JSONObject
    do {
      guard let value = try JSONValue.parse(Array(Data(contentsOf: file)), limits: JSONLimits(maxBytes: 64 << 10)).object else {
        throw Invalid(description: "\(file.path) is not a JSON object")
      }
      object = value
    } catch let error as JSONError { throw Invalid(description: "\(file.path): \(error)") }
    guard object["schema"]?.string == "hallmark.hsm/v1" else { throw Invalid(description: "\(file.path) was written by another version of Hallmark") }
    guard let hsmID = object["hsmId"]?.string, let name = object["name"]?.string, let host = object["host"]?.string, let port = object["port"]?.int,
      let tenant = object["tenant"]?.string.flatMap({ TenantID($0) }), let days = object["retentionDays"]?.int,
      let purge = object["purgeProtection"]?.bool, let strict = object["strictLimits"]?.bool,
      let seal = object["seal"]?.string.flatMap({ PartitionSeal(rawValue: $0) }), let createdText = object["created"]?.string,
      let created = try? ISO8601.parse(createdText), let mac = object["mac"]?.string.flatMap({ try? Hex.decode($0) })
    else { throw Invalid(description: "\(file.path): a member is missing or not what it must be") }
    let description = HSMDescription(
      hsmID: hsmID, name: name, host: host, port: port, tenant: tenant, retentionDays: days, purgeProtection: purge, strictLimits: strict, seal: seal,
      created: Instant(nanoseconds: created))
    return (description, mac)
  }

  func verify(_ mac: [UInt8], key: SecretBytes, file: URL) throws {
    guard constantTimeEqual(self.mac(key), mac) else {
      throw Invalid(
        description: "\(file.path) was changed by somebody without the partition key, or belongs to another HSM; the server refuses to start from it")
    }
  }
}

/// The partition key on disk.
enum PartitionKeyFile {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  static func write(_ key: SecretBytes, to file: URL, seal: PartitionSeal, passphrase: SecretBytes?, hsmID: String) throws {
    switch seal {
    case .file:
      try key.withUnsafeBytes { bytes in try PrivateFile.write(Data(bytes), to: file) }
    case .passphrase:
      guard let passphrase else { throw Failure(description: "a passphrase is needed to seal the partition key; give --passphrase-file") }
      let box = try Passphrase.seal(key, passphrase: passphrase, context: context(hsmID), entropy: { Entropy.system.bytes($0) })
      try PrivateFile.write(Data(box), to: file)
    }
  }

  static func read(_ file: URL, seal: PartitionSeal, passphrase: SecretBytes?, hsmID: String) throws -> SecretBytes {
    var bytes = Array(try PrivateFile.read(file, limit: 4096))
    switch seal {
    case .file:
      guard bytes.count == 32 else { throw Failure(description: "\(file.path) does not hold a partition key of 32 bytes") }
      return SecretBytes(wiping: &bytes)
    case .passphrase:
      guard let passphrase else {
        throw Failure(description: "the partition key is sealed by a passphrase; set seal.passphraseFile or HALLMARK_SEAL_PASSPHRASE_FILE")
      }
      do { return try Passphrase.open(bytes, passphrase: passphrase, context: context(hsmID)) } catch {
        throw Failure(description: "the partition key could not be opened: the passphrase is wrong, or \(file.path) was changed")
      }
    }
  }

  private static func context(_ hsmID: String) -> [UInt8] { Array("hallmark partition key \(hsmID)".utf8) }

  /// A passphrase from a private file: its first line.
  static func passphrase(_ path: String) throws -> SecretBytes {
    var bytes = Array(try PrivateFile.read(URL(fileURLWithPath: path), limit: 4096).prefix { $0 != 0x0A && $0 != 0x0D })
    guard bytes.count >= 12 else {
      wipe(&bytes)
      throw Failure(description: "the passphrase in \(path) is shorter than 12 bytes")
    }
    return SecretBytes(wiping: &bytes)
  }
}
