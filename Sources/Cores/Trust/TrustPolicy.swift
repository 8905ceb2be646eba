package import Encodings

/// Which keys are trusted, when, and which no longer: the first form of `hallmark-trust.yaml` (`hallmark.trust/v1`).
package struct TrustPolicy: Sendable, Hashable {
  /// One key, by its bytes or by its fingerprint alone.
  package struct Key: Sendable, Hashable {
    package var name: String
    /// SHA-256 of the DER SubjectPublicKeyInfo, 32 bytes.
    package var fingerprint: [UInt8]
    /// Nil when the file pins only the fingerprint and nobody supplied the bytes.
    package var key: PublicKey?
    /// The version in the HSM that this key is, when the file says so.
    package var version: String?
    /// Seconds since the epoch, inclusive; nil for no bound.
    package var from: Int64?
    package var until: Int64?

    package init(name: String, key: PublicKey, version: String? = nil, from: Int64? = nil, until: Int64? = nil) {
      self.init(name: name, fingerprint: key.fingerprint, version: version, from: from, until: until)
      self.key = key
    }

    package init(name: String, fingerprint: [UInt8], version: String? = nil, from: Int64? = nil, until: Int64? = nil) {
      self.name = name
      self.fingerprint = fingerprint
      self.version = version
      self.from = from
      self.until = until
    }
  }

  /// Since when a key, or one version of it, is not to be trusted. Signatures provably older stay good.
  package struct Revocation: Sendable, Hashable {
    package var key: String
    /// Nil: every version of the key.
    package var version: String?
    package var fingerprint: [UInt8]?
    package var at: Int64
    package var reason: String

    package init(key: String, version: String?, fingerprint: [UInt8]?, at: Int64, reason: String) {
      self.key = key
      self.version = version
      self.fingerprint = fingerprint
      self.at = at
      self.reason = reason
    }

    func covers(_ trusted: Key) -> Bool {
      if let fingerprint { return fingerprint == trusted.fingerprint }
      guard key == trusted.name else { return false }
      // A key of unknown version may be the revoked one; believing it is not would be the unsafe guess.
      guard let version, let known = trusted.version else { return true }
      return version == known
    }
  }

  package var keys: [Key]
  package var revocations: [Revocation]

  package init(keys: [Key], revocations: [Revocation] = []) {
    self.keys = keys
    self.revocations = revocations
  }

  /// Trusts exactly this key, at all times.
  package init(key: PublicKey, name: String, version: String? = nil) {
    self.init(keys: [Key(name: name, key: key, version: version)])
  }

  /// Fills in the bytes of keys that are pinned by fingerprint alone. Keys that are not pinned are ignored: supplying adds no trust.
  package func supplying(_ supplied: [PublicKey]) -> TrustPolicy {
    var result = self
    for i in result.keys.indices where result.keys[i].key == nil {
      result.keys[i].key = supplied.first { $0.fingerprint == result.keys[i].fingerprint }
    }
    return result
  }
}

extension TrustPolicy {
  package static let schema = "hallmark.trust/v1"
  package static let maxKeys = 1024

  /// Reads the trust file after YAML or JSON became a tree. Unknown members are errors. Fuzz entry point.
  package static func parse(_ value: JSONValue) throws(TrustError) -> TrustPolicy {
    let top = try PolicyReader(value, path: "", allowed: ["schema", "keys", "revoked"])
    guard try top.text("schema") == schema else { throw .badPolicy(path: "schema", why: "\(schema) expected") }
    var policy = TrustPolicy(keys: [])
    for (i, entry) in try top.list("keys").enumerated() {
      let key = try self.key(entry, path: "keys[\(i)]")
      guard !policy.keys.contains(where: { $0.name == key.name && $0.version == key.version && $0.fingerprint == key.fingerprint }) else {
        throw .badPolicy(path: "keys[\(i)]", why: "the same key stands here twice")
      }
      policy.keys.append(key)
    }
    guard !policy.keys.isEmpty else { throw .badPolicy(path: "keys", why: "at least one key expected") }
    for (i, entry) in try top.list("revoked").enumerated() {
      let revocation = try self.revocation(entry, path: "revoked[\(i)]")
      guard policy.keys.contains(where: revocation.covers) else {
        throw .badPolicy(path: "revoked[\(i)]", why: "it matches none of the keys above")
      }
      policy.revocations.append(revocation)
    }
    return policy
  }

  private static func key(_ value: JSONValue, path: String) throws(TrustError) -> Key {
    let reader = try PolicyReader(value, path: path, allowed: ["name", "pem", "spkiSha256", "version", "from", "until"])
    let fingerprint = try reader.fingerprint("spkiSha256")
    var result: Key
    if let pem = try reader.optionalText("pem", maxBytes: 16 << 10) {
      let key: PublicKey
      do { key = try PublicKey(pem: pem.utf8) } catch { throw .badPolicy(path: "\(path).pem", why: error.description) }
      guard fingerprint == nil || fingerprint == key.fingerprint else {
        throw .badPolicy(path: "\(path).spkiSha256", why: "it is not the fingerprint of the pem beside it")
      }
      result = Key(name: try reader.text("name"), key: key)
    } else if let fingerprint {
      result = Key(name: try reader.text("name"), fingerprint: fingerprint)
    } else {
      throw .badPolicy(path: path, why: "pem or spkiSha256 expected")
    }
    result.version = try reader.optionalText("version")
    result.from = try reader.time("from")
    result.until = try reader.time("until")
    if let from = result.from, let until = result.until, from > until {
      throw .badPolicy(path: "\(path).until", why: "it lies before from")
    }
    return result
  }

  private static func revocation(_ value: JSONValue, path: String) throws(TrustError) -> Revocation {
    let reader = try PolicyReader(value, path: path, allowed: ["key", "version", "spkiSha256", "at", "reason"])
    guard let at = try reader.time("at") else { throw .badPolicy(path: "\(path).at", why: "a time expected") }
    return Revocation(
      key: try reader.text("key"), version: try reader.optionalText("version"),
      fingerprint: try reader.fingerprint("spkiSha256"), at: at, reason: try reader.text("reason"))
  }
}

/// One mapping of the trust file.
private struct PolicyReader {
  let object: JSONObject
  let path: String

  init(_ value: JSONValue, path: String, allowed: [String]) throws(TrustError) {
    guard let object = value.object else { throw .badPolicy(path: path, why: "a mapping expected") }
    if let unknown = object.firstName(notIn: allowed) {
      throw .badPolicy(path: path, why: "unknown member \"\(unknown.prefix(80))\"; known: \(allowed.joined(separator: ", "))")
    }
    self.object = object
    self.path = path
  }

  private func at(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

  func list(_ name: String) throws(TrustError) -> [JSONValue] {
    guard let value = object[name] else { return [] }
    guard let array = value.array else { throw .badPolicy(path: at(name), why: "a list expected") }
    guard array.count <= TrustPolicy.maxKeys else { throw .badPolicy(path: at(name), why: "more than \(TrustPolicy.maxKeys) entries") }
    return array
  }

  func text(_ name: String) throws(TrustError) -> String {
    guard let text = try optionalText(name) else { throw .badPolicy(path: at(name), why: "a text expected") }
    return text
  }

  func optionalText(_ name: String, maxBytes: Int = 1024) throws(TrustError) -> String? {
    guard let value = object[name] else { return nil }
    guard let text = value.string, !text.isEmpty, text.utf8.count <= maxBytes else {
      throw .badPolicy(path: at(name), why: "a text of 1 to \(maxBytes) bytes expected")
    }
    return text
  }

  func fingerprint(_ name: String) throws(TrustError) -> [UInt8]? {
    guard let text = try optionalText(name) else { return nil }
    guard let bytes = try? Hex.decode(text), bytes.count == 32 else {
      throw .badPolicy(path: at(name), why: "64 hexadecimal digits expected")
    }
    return bytes
  }

  /// Seconds since the epoch.
  func time(_ name: String) throws(TrustError) -> Int64? {
    guard let text = try optionalText(name) else { return nil }
    do {
      return try ISO8601.parse(text) / 1_000_000_000
    } catch { throw .badPolicy(path: at(name), why: "an RFC 3339 time expected (quote it in YAML): \(error.description)") }
  }
}
