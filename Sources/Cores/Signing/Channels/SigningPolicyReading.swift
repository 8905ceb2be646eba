internal import Crypto
package import Encodings
internal import SigstoreFormats

extension SigningPolicy {
  static let maxKeys = 64
  static let maxPatterns = 256

  /// Reads the policy after YAML or JSON became a tree; scalars are texts. Unknown members are errors. Fuzz entry point.
  ///
  /// - Parameter source: the file's bytes, for the digest.
  package static func parse(_ value: JSONValue, source: [UInt8]) throws(ChannelError) -> SigningPolicy {
    let top = try PolicyMembers(value, path: "", allowed: ["schema", "channels", "standby", "revoked"])
    guard try top.text("schema") == schema else { throw top.bad("schema", schema) }
    let names = try PolicyMembers(top.value("channels"), path: "channels", allowed: ChannelName.allCases.map(\.rawValue))
    var channels: [Channel] = []
    for name in ChannelName.allCases where names.has(name.rawValue) {
      channels.append(try channel(name, names.value(name.rawValue)))
    }
    guard !channels.isEmpty else { throw names.bad("", "dev, release or both") }
    try checkApart(channels)

    var standby: StandbyRules?
    if top.has("standby") {
      do { standby = try StandbyRules.parse(top.value("standby")) } catch let error as ChannelError { throw error } catch {
        throw .badMember(path: "standby", wanted: "rules for the standby (\(error))")
      }
    }
    var revoked: [[UInt8]] = []
    for (i, entry) in try top.list("revoked", limit: 4096).enumerated() {
      guard let text = entry.string, let digest = MessageDigest(text: text), digest.algorithm == .sha256 else {
        throw .badMember(path: "revoked[\(i)]", wanted: "sha256:HEX of a SubjectPublicKeyInfo")
      }
      revoked.append(digest.bytes)
    }
    return SigningPolicy(
      channels: channels, standby: standby, revoked: revoked,
      digest: MessageDigest(algorithm: .sha256, bytes: Array(SHA256.hash(data: source))))
  }

  private static func channel(_ name: ChannelName, _ value: JSONValue) throws(ChannelError) -> Channel {
    let path = "channels.\(name.rawValue)"
    let special = name == .dev ? ["shortLived"] : ["promotion"]
    let reader = try PolicyMembers(value, path: path, allowed: ["keys", "standbyKey", "refs", "identities", "cache"] + special)
    var keys: [KeyReference] = []
    for (i, entry) in try reader.list("keys", limit: maxKeys).enumerated() { keys.append(try key(entry, path: "\(path).keys[\(i)]")) }
    guard !keys.isEmpty else { throw reader.bad("keys", "at least one key") }
    var refs: [TextPattern] = []
    for (i, entry) in try reader.list("refs", limit: maxPatterns).enumerated() {
      refs.append(try pattern(entry, path: "\(path).refs[\(i)]", name))
    }
    var identities: [IdentityPattern] = []
    for (i, entry) in try reader.list("identities", limit: maxPatterns).enumerated() {
      identities.append(try identity(entry, path: "\(path).identities[\(i)]", name))
    }
    guard name == .dev || !refs.isEmpty || !identities.isEmpty else { throw .matchesEverything(path: path) }
    return Channel(
      name: name, keys: keys, standbyKey: reader.has("standbyKey") ? try key(reader.value("standbyKey"), path: "\(path).standbyKey") : nil,
      refs: refs, identities: identities,
      shortLivedSeconds: reader.has("shortLived") ? try reader.duration("shortLived", max: KeyEndorsement.maxSeconds) : nil,
      promotion: try promotion(reader), cache: try cache(reader))
  }

  private static func key(_ value: JSONValue, path: String) throws(ChannelError) -> KeyReference {
    guard let text = value.string else { throw .badMember(path: path, wanted: "a key URL or name") }
    do { return try KeyReference(parsing: text) } catch { throw .badMember(path: path, wanted: "a key URL or name") }
  }

  private static func pattern(_ value: JSONValue, path: String, _ channel: ChannelName) throws(ChannelError) -> TextPattern {
    guard let text = value.string, let pattern = TextPattern(text) else {
      throw .badMember(path: path, wanted: "a text of 1 to 512 bytes with at most eight *")
    }
    guard channel == .dev || !pattern.isEverything else { throw .matchesEverything(path: path) }
    return pattern
  }

  private static func identity(_ value: JSONValue, path: String, _ channel: ChannelName) throws(ChannelError) -> IdentityPattern {
    let reader = try PolicyMembers(value, path: path, allowed: ["issuer", "subject", "repository"])
    let issuer = try reader.text("issuer")
    var subject: TextPattern?
    var repository: TextPattern?
    if reader.has("subject") { subject = try pattern(reader.value("subject"), path: "\(path).subject", channel) }
    if reader.has("repository") { repository = try pattern(reader.value("repository"), path: "\(path).repository", channel) }
    guard channel == .dev || subject != nil || repository != nil else { throw .matchesEverything(path: path) }
    return IdentityPattern(issuer: issuer, subject: subject, repository: repository)
  }

  private static func promotion(_ reader: PolicyMembers) throws(ChannelError) -> PromotionRule {
    guard reader.has("promotion") else { return .none }
    let section = try PolicyMembers(reader.value("promotion"), path: reader.at("promotion"), allowed: ["required", "predicateType"])
    switch try section.text("required") {
    case "true": return .required(predicateType: section.has("predicateType") ? try section.text("predicateType") : nil)
    case "false": return .none
    default: throw section.bad("required", "true or false")
    }
  }

  private static func cache(_ reader: PolicyMembers) throws(ChannelError) -> CacheRule {
    guard reader.has("cache") else { return .standard }
    let section = try PolicyMembers(reader.value("cache"), path: reader.at("cache"), allowed: ["maxAge"])
    if try section.text("maxAge") == "off" { return .off }
    return .maxAge(try section.duration("maxAge", max: 366 * 86_400))
  }

  /// No key in two channels, by whichever of its spellings.
  private static func checkApart(_ channels: [Channel]) throws(ChannelError) {
    guard channels.count == 2 else { return }
    let first = channels[0].keys + (channels[0].standbyKey.map { [$0] } ?? [])
    let second = channels[1].keys + (channels[1].standbyKey.map { [$0] } ?? [])
    for key in first {
      for other in second where key.name.lowercased() == other.name.lowercased() {
        // A bare name may mean any store's key.
        if key.store == nil || other.store == nil || key.store == other.store { throw .keyInBothChannels(key.name) }
      }
    }
  }
}

/// One mapping of the policy, with the path that errors name.
struct PolicyMembers {
  let object: JSONObject
  let path: String

  init(_ value: JSONValue, path: String, allowed: [String]) throws(ChannelError) {
    guard let object = value.object else { throw .badMember(path: path, wanted: "a mapping") }
    self.object = object
    self.path = path
    if let unknown = object.firstName(notIn: allowed) { throw .unknownMember(path: at(String(unknown.prefix(80)))) }
  }

  func at(_ name: String) -> String { path.isEmpty ? name : name.isEmpty ? path : "\(path).\(name)" }
  func has(_ name: String) -> Bool { object[name] != nil }
  func bad(_ name: String, _ wanted: String) -> ChannelError { .badMember(path: at(name), wanted: wanted) }

  func value(_ name: String) throws(ChannelError) -> JSONValue {
    guard let value = object[name] else { throw bad(name, "a value") }
    return value
  }

  func text(_ name: String) throws(ChannelError) -> String {
    switch object[name] {
    case .string(let text)? where (1...512).contains(text.utf8.count): return text
    case .bool(let value)?: return value ? "true" : "false"
    default: throw bad(name, "a text of 1 to 512 bytes")
    }
  }

  func list(_ name: String, limit: Int) throws(ChannelError) -> [JSONValue] {
    guard let value = object[name] else { return [] }
    guard let array = value.array else { throw bad(name, "a list") }
    guard array.count <= limit else { throw .tooMany(path: at(name), limit: limit) }
    return array
  }

  /// A duration with one unit, `90s`, `15m`, `8h`, `7d`, or in ISO 8601 without months and years; in seconds, 1 to `max`.
  func duration(_ name: String, max: Int64) throws(ChannelError) -> Int64 {
    let text = try text(name)
    var seconds: Int64?
    if text.hasPrefix("P") {
      if let parsed = try? CalendarDuration.parse(text), parsed.years == 0, parsed.months == 0 {
        seconds = parsed.days * 86_400 + parsed.seconds
      }
    } else if text.utf8.count <= 10, let unit = text.last, let number = Int64(text.dropLast()), number >= 0 {
      let factor: Int64? =
        switch unit {
        case "s": 1
        case "m": 60
        case "h": 3600
        case "d": 86_400
        default: nil
        }
      seconds = factor.map { number * $0 }
    }
    guard let seconds, seconds >= 1, seconds <= max else { throw bad(name, "a duration such as 8h or 7d, at most \(max) seconds") }
    return seconds
  }
}
