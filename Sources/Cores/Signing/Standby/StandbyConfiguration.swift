package import Encodings
internal import SigstoreFormats
package import Trust

/// The standing of a pair of keys: which key signs now, when the other may step in, and who may change that. A file of its own
/// (`hallmark.standby/v1`), written by `hallmark standby` only; every executed runbook writes the next epoch of it.
package struct StandbyConfiguration: Sendable, Hashable {
  package static let schema = "hallmark.standby/v1"
  package static let maxBytes = 1 << 20
  package static let maxApprovers = 64

  /// A key that may propose and approve, and whose it is. Two keys of one person count as one.
  package struct Approver: Sendable, Hashable {
    package var person: String
    package var key: PublicKey
    /// Where the key is held, `https://HOST/keys/NAME/VERSION`, for people.
    package var held: String?
    /// Seconds since the epoch, inclusive.
    package var from: Int64?
    package var until: Int64?

    package init(person: String, key: PublicKey, held: String? = nil, from: Int64? = nil, until: Int64? = nil) {
      self.person = person
      self.key = key
      self.held = held
      self.from = from
      self.until = until
    }
  }

  package var name: String
  /// Grows by one with every executed runbook, so that none can be executed twice.
  package var epoch: Int64
  package var pair: StandbyPair
  /// Their public keys, so that what the primary signed can be verified while it is down; may be empty.
  package var publicKeys: [StandbyRole: PublicKey]
  package var active: StandbyRole
  /// The runbook that made it so; nil at the beginning.
  package var runbook: String?
  package var rules: StandbyRules
  /// Approvals by distinct persons that a runbook needs, at least 1 (the proposer never counts).
  package var threshold: Int
  package var approvers: [Approver]

  package init(
    name: String, epoch: Int64 = 1, pair: StandbyPair, publicKeys: [StandbyRole: PublicKey] = [:], active: StandbyRole = .primary, runbook: String? = nil, rules: StandbyRules,
    threshold: Int, approvers: [Approver]
  ) {
    self.name = name
    self.epoch = epoch
    self.pair = pair
    self.publicKeys = publicKeys
    self.active = active
    self.runbook = runbook
    self.rules = rules
    self.threshold = threshold
    self.approvers = approvers
  }

  /// What executing a runbook makes of it.
  package func after(making role: StandbyRole, by runbook: String) -> StandbyConfiguration {
    var next = self
    next.epoch += 1
    next.active = role
    next.runbook = runbook
    return next
  }

  /// The approvers as a trust policy: their keys and windows.
  package var policy: TrustPolicy {
    TrustPolicy(keys: approvers.map { .init(name: $0.person, key: $0.key, from: $0.from, until: $0.until) })
  }
}

extension StandbyConfiguration {
  /// Reads the file after YAML or JSON became a tree. Unknown members are errors.
  package static func parse(_ value: JSONValue) throws(StandbyError) -> StandbyConfiguration {
    let top = try StandbyReader(
      value, path: "",
      allowed: ["schema", "name", "epoch", "primary", "standby", "publicKeys", "active", "runbook", "rules", "threshold", "approvers"])
    guard try top.text("schema") == schema else { throw top.bad("schema", "\(schema) expected") }
    guard let active = StandbyRole(rawValue: try top.text("active")) else { throw top.bad("active", "primary or standby expected") }
    let pair = try StandbyPair(primary: key(top, "primary"), standby: key(top, "standby"))
    guard let rules = top.object["rules"] else { throw top.bad("rules", "a mapping expected") }
    var approvers: [Approver] = []
    for (i, entry) in try top.list("approvers", max: maxApprovers).enumerated() {
      let approver = try self.approver(entry, path: "approvers[\(i)]")
      guard !approvers.contains(where: { $0.key == approver.key }) else {
        throw .malformed(path: "approvers[\(i)].pem", why: "the same key stands here twice")
      }
      approvers.append(approver)
    }
    return StandbyConfiguration(
      name: try top.text("name", maxBytes: 128), epoch: try top.integer("epoch", 1...Int64(Int32.max)), pair: pair,
      publicKeys: try publicKeys(top.object["publicKeys"]), active: active,
      runbook: try top.optionalText("runbook", maxBytes: 128), rules: try StandbyRules.parse(rules, path: "rules"),
      threshold: Int(try top.integer("threshold", 1...Int64(maxApprovers))), approvers: approvers)
  }

  private static func key(_ reader: StandbyReader, _ name: String) throws(StandbyError) -> KeyReference {
    let text = try reader.text(name, maxBytes: 512)
    let reference: KeyReference
    do { reference = try KeyReference(parsing: text) } catch { throw reader.bad(name, error.description) }
    guard reference.store != nil else { throw reader.bad(name, "a whole key URL expected, https://HOST/keys/NAME[/VERSION]") }
    return reference
  }

  private static func publicKeys(_ value: JSONValue?) throws(StandbyError) -> [StandbyRole: PublicKey] {
    guard let value else { return [:] }
    let reader = try StandbyReader(value, path: "publicKeys", allowed: StandbyRole.allCases.map(\.rawValue))
    var result: [StandbyRole: PublicKey] = [:]
    for role in StandbyRole.allCases {
      guard let pem = try reader.optionalText(role.rawValue, maxBytes: 16 << 10) else { continue }
      do { result[role] = try PublicKey(pem: pem.utf8) } catch { throw reader.bad(role.rawValue, error.description) }
    }
    return result
  }

  private static func approver(_ value: JSONValue, path: String) throws(StandbyError) -> Approver {
    let reader = try StandbyReader(value, path: path, allowed: ["person", "pem", "held", "from", "until"])
    let key: PublicKey
    do { key = try PublicKey(pem: try reader.text("pem", maxBytes: 16 << 10).utf8) } catch let error as StandbyError { throw error } catch {
      throw reader.bad("pem", String(describing: error))
    }
    return Approver(
      person: try reader.text("person", maxBytes: 128), key: key, held: try reader.optionalText("held", maxBytes: 512),
      from: try reader.time("from"), until: try reader.time("until"))
  }

  package var json: JSONValue {
    [
      "schema": .string(Self.schema), "name": .string(name), "epoch": .integer(epoch), "primary": .string(pair.primary.text),
      "standby": .string(pair.standby.text), "publicKeys": .object(publicKeysJSON), "active": .string(active.rawValue), "runbook": runbook.map { .string($0) } ?? .null,
      "rules": rules.json, "threshold": .integer(threshold),
      "approvers": .array(
        approvers.map { approver in
          var object: JSONObject = ["person": .string(approver.person), "pem": .string(approver.key.pem)]
          object.set("held", ifPresent: approver.held.map { .string($0) })
          object.set("from", ifPresent: approver.from.map { .string(ISO8601.format(seconds: $0)) })
          object.set("until", ifPresent: approver.until.map { .string(ISO8601.format(seconds: $0)) })
          return .object(object)
        }),
    ]
  }

  private var publicKeysJSON: JSONObject {
    var object: JSONObject = [:]
    for role in StandbyRole.allCases { object.set(role.rawValue, ifPresent: publicKeys[role].map { .string($0.pem) }) }
    return object
  }

  /// The bytes of the file: what a runbook's digests are over.
  package var serialized: [UInt8] { json.serialized(pretty: true) + [UInt8(ascii: "\n")] }

  /// SHA-256 of a configuration file's bytes, lower-case hexadecimal.
  package static func digest(_ bytes: [UInt8]) -> String {
    var stream = DigestStream([.sha256])
    stream.update(bytes)
    return Hex.encode(stream.finish().sha256 ?? [])
  }
}

extension KeyReference {
  /// `https://HOST[:PORT]/keys/NAME[/VERSION]`, or the path alone without a store.
  package var text: String {
    let path = version.map { "\(name)/\($0)" } ?? name
    return store.map { "\($0)/keys/\(path)" } ?? path
  }
}
