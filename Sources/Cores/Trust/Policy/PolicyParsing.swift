package import Encodings
internal import NotaryFormats

extension TrustPolicy {
  package static let schema = "hallmark.trust/v1"
  package static let maxKeys = 1024
  package static let maxRules = 256
  package static let maxPatterns = 256
  package static let subjectPrefix = "x509.subject:"

  /// Reads the trust file after YAML or JSON became a tree. Unknown members are errors. Fuzz entry point.
  ///
  /// - Throws: `.badPolicy` with the path, also for a policy that nothing or everything would satisfy.
  package static func parse(_ value: JSONValue) throws(TrustError) -> TrustPolicy {
    let top = try PolicyReader(value, path: "", allowed: ["schema", "keys", "keySets", "roots", "rules", "revoked"])
    guard try top.text("schema") == schema else { throw top.fail("schema", "\(schema) expected") }
    var policy = TrustPolicy(keys: [])
    for (i, entry) in try top.list("keys").enumerated() { policy.keys.append(try key(entry, path: "keys[\(i)]")) }
    for (i, entry) in try top.list("keySets", max: 256).enumerated() { policy.keySets.append(try keySet(entry, path: "keySets[\(i)]")) }
    for (i, entry) in try top.list("roots", max: 256).enumerated() { policy.roots.append(try root(entry, path: "roots[\(i)]")) }
    for (i, entry) in try top.list("revoked").enumerated() { policy.revocations.append(try revocation(entry, path: "revoked[\(i)]")) }
    for (i, entry) in try top.list("rules", max: maxRules).enumerated() { policy.rules.append(try rule(entry, path: "rules[\(i)]")) }
    if top.has("rules"), policy.rules.isEmpty { throw top.fail("rules", "at least one rule expected: a policy without any would match nothing") }
    try policy.check()
    return policy
  }

  private static func key(_ value: JSONValue, path: String) throws(TrustError) -> Key {
    let reader = try PolicyReader(value, path: path, allowed: ["name", "pem", "spkiSha256", "version", "channel", "from", "until"])
    let fingerprint = try reader.fingerprint("spkiSha256")
    var result: Key
    if let pem = try reader.optionalText("pem", maxBytes: 16 << 10) {
      let key: PublicKey
      do { key = try PublicKey(pem: pem.utf8) } catch { throw reader.fail("pem", error.description) }
      guard fingerprint == nil || fingerprint == key.fingerprint else {
        throw reader.fail("spkiSha256", "it is not the fingerprint of the pem beside it")
      }
      result = Key(name: try reader.text("name"), key: key)
    } else if let fingerprint {
      result = Key(name: try reader.text("name"), fingerprint: fingerprint)
    } else {
      throw .badPolicy(path: path, why: "pem or spkiSha256 expected")
    }
    result.version = try reader.optionalText("version")
    result.channel = try reader.word("channel", Channel.self) ?? .release
    result.from = try reader.time("from")
    result.until = try reader.time("until")
    if let from = result.from, let until = result.until, from > until { throw reader.fail("until", "it lies before from") }
    return result
  }

  private static func keySet(_ value: JSONValue, path: String) throws(TrustError) -> KeySet {
    let reader = try PolicyReader(value, path: path, allowed: ["name", "keys"])
    let keys = try reader.texts("keys", max: maxKeys)
    guard !keys.isEmpty else { throw reader.fail("keys", "at least one name of a key expected") }
    return KeySet(name: try reader.text("name"), keys: keys)
  }

  private static func root(_ value: JSONValue, path: String) throws(TrustError) -> CertificateRoot {
    let reader = try PolicyReader(value, path: path, allowed: ["name", "type", "pem", "identities", "channel"])
    guard let kind = try reader.word("type", CertificateRoot.Kind.self) else { throw reader.fail("type", "ca or signingAuthority expected") }
    guard let pem = try reader.optionalText("pem", maxBytes: CertificateRoot.maxPEMBytes) else { throw reader.fail("pem", "certificates expected") }
    let certificates: [[UInt8]]
    do { certificates = try CertificateRoot.certificates(pem: pem.utf8) } catch { throw reader.fail("pem", error.description) }
    guard let identities = try identities(reader) else {
      throw reader.fail("identities", "subjects expected, or \"*\" for every certificate under this root")
    }
    return CertificateRoot(
      name: try reader.text("name"), kind: kind, certificates: certificates, identities: identities,
      channel: try reader.word("channel", Channel.self) ?? .release)
  }

  /// Nil when absent, empty for `"*"`.
  static func identities(_ reader: PolicyReader) throws(TrustError) -> [NotaryDistinguishedName]? {
    guard reader.has("identities") else { return nil }
    let texts = try reader.texts("identities", max: 64)
    if texts == ["*"] { return [] }
    var result: [NotaryDistinguishedName] = []
    for (i, text) in texts.enumerated() {
      guard text.hasPrefix(subjectPrefix) else {
        throw reader.fail("identities[\(i)]", "\"\(subjectPrefix) C=…, ST=…, O=…\" expected, or \"*\" alone")
      }
      let name: NotaryDistinguishedName
      do { name = try NotaryDistinguishedName(parsing: String(text.dropFirst(subjectPrefix.count))) } catch {
        throw reader.fail("identities[\(i)]", error.description)
      }
      if let other = result.firstIndex(where: { $0.isSubset(of: name) || name.isSubset(of: $0) }) {
        throw reader.fail("identities[\(i)]", "it and entry \(other) say the same of some subjects: one contains the other")
      }
      result.append(name)
    }
    return result
  }

  private static func revocation(_ value: JSONValue, path: String) throws(TrustError) -> Revocation {
    let reader = try PolicyReader(
      value, path: path, allowed: ["key", "version", "spkiSha256", "certificateSha256", "at", "reason", "compromised"])
    guard let at = try reader.time("at") else { throw reader.fail("at", "a time expected") }
    let result = Revocation(
      key: try reader.optionalText("key"), version: try reader.optionalText("version"),
      fingerprint: try reader.fingerprint("spkiSha256"), certificate: try reader.fingerprint("certificateSha256"), at: at,
      reason: try reader.text("reason"), compromised: try reader.flag("compromised") ?? false)
    guard result.key != nil || result.fingerprint != nil || result.certificate != nil else {
      throw .badPolicy(path: path, why: "key, spkiSha256 or certificateSha256 expected")
    }
    guard result.version == nil || result.key != nil else { throw reader.fail("version", "a version of which key? name it in key") }
    guard result.certificate == nil || result.key == nil && result.fingerprint == nil else {
      throw reader.fail("certificateSha256", "it excludes key and spkiSha256: write two revocations")
    }
    return result
  }
}
