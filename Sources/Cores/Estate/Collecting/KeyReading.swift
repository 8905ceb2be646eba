internal import Clocks
package import Encodings
internal import Trust

/// Keys from the data plane's key bundles (estate-and-gates §1.5).
package enum KeyReading {
  /// `NAME` and `VERSION` of a key identifier: `https://host/keys/NAME[/VERSION]`, also `/deletedkeys/NAME`.
  package static func parts(_ kid: String) -> (name: String, version: String?)? {
    guard kid.utf8.count <= 1024, let scheme = kid.firstRange(of: "://") else { return nil }
    let path = kid[scheme.upperBound...].split(separator: "/", omittingEmptySubsequences: true).dropFirst().map(String.init)
    guard (2...3).contains(path.count), path[0] == "keys" || path[0] == "deletedkeys", isName(path[1]) else { return nil }
    return (path[1], path.count == 3 ? path[2] : nil)
  }

  /// 1 to 127 letters, digits and dashes: what may stand in a path.
  package static func isName(_ text: String) -> Bool {
    (1...127).contains(text.utf8.count) && text.utf8.allSatisfy { ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A || $0 >= 0x30 && $0 <= 0x39 || $0 == 0x2D }
  }

  /// A key version from its bundle; nil when there is no usable key identifier in it.
  package static func key(_ bundle: JSONValue, store: String, rotation: InventorySnapshot.RotationPolicy?, deleted: Bool) -> InventorySnapshot.Key? {
    guard let jwk = bundle["key"], let kid = jwk["kid"]?.string, let parts = parts(kid) else { return nil }
    let attributes = bundle["attributes"]
    let modulus = jwk["n"]?.string.flatMap { try? Base64URL.decode($0) }
    return InventorySnapshot.Key(
      store: store, name: parts.name, version: parts.version, kid: kid, kty: jwk["kty"]?.string, curve: jwk["crv"]?.string,
      bits: modulus.map(Self.bits) ?? attributes?["key_size"]?.int, keyOps: jwk["key_ops"]?.array?.compactMap(\.string),
      enabled: attributes?["enabled"]?.bool, created: time(attributes?["created"]), expires: time(attributes?["exp"]),
      recoveryLevel: attributes?["recoveryLevel"]?.string, rotationPolicy: rotation, tags: tags(bundle["tags"]),
      spkiSha256: (try? PublicKey(jwk: jwk))?.fingerprintHex, deleted: deleted)
  }

  /// The public half as SubjectPublicKeyInfo; nil for symmetric keys and for what is no key.
  package static func publicKey(_ bundle: JSONValue) -> [UInt8]? { bundle["key"].flatMap { try? PublicKey(jwk: $0) }?.spki }

  /// A key of which only the list item could be seen.
  package static func listed(_ item: JSONValue, store: String, deleted: Bool) -> InventorySnapshot.Key? {
    guard let kid = item["kid"]?.string, let parts = parts(kid) else { return nil }
    let attributes = item["attributes"]
    return InventorySnapshot.Key(
      store: store, name: parts.name, version: parts.version, kid: kid, enabled: attributes?["enabled"]?.bool, created: time(attributes?["created"]),
      expires: time(attributes?["exp"]), recoveryLevel: attributes?["recoveryLevel"]?.string, tags: tags(item["tags"]), deleted: deleted)
  }

  private static func bits(_ modulus: [UInt8]) -> Int {
    let significant = modulus.drop { $0 == 0 }
    return significant.count * 8 - (significant.first?.leadingZeroBitCount ?? 0)
  }

  /// A rotation policy; a policy without a rotate action has `every` nil.
  package static func rotation(_ value: JSONValue) -> InventorySnapshot.RotationPolicy {
    let actions = value["lifetimeActions"]?.array ?? []
    let rotate = actions.first { $0["action"]?["type"]?.string?.lowercased() == "rotate" }
    let trigger = rotate?["trigger"]
    return InventorySnapshot.RotationPolicy(
      every: trigger?["timeAfterCreate"]?.string ?? (trigger?["timeBeforeExpiry"]?.string == nil ? nil : value["attributes"]?["expiryTime"]?.string))
  }

  private static func time(_ value: JSONValue?) -> Instant? {
    value?.int64.flatMap { (0...9_000_000_000).contains($0) ? Instant(seconds: $0) : nil }
  }

  static func tags(_ value: JSONValue?) -> [String: String]? {
    guard let members = value?.object?.members, !members.isEmpty else { return nil }
    return Dictionary(members.compactMap { member in member.value.string.map { (member.name, $0) } }, uniquingKeysWith: { first, _ in first })
  }
}
