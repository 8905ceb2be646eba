import Clocks
import Crypto
import Encodings
import Outbound
import Signing
import Trust

/// Which version a key URI without version stands for, kept for some minutes: the several processes of one `cosign sign` must all speak of the
/// same version, and only the first of them needs to ask.
///
/// A pin names one version with its public key. Whoever signs with it asks the service for exactly that version.
struct KeyPins: Sendable {
  /// Seconds.
  static let longestLife: Int64 = 300

  /// Nil: nothing is kept between processes.
  let cache: PrivateCache?
  /// What decides which server stands behind the address.
  let identity: [String]
  var clock: TimeSource = .system

  func held(_ reference: KeyReference) -> PinnedKey? {
    guard let bytes = cache?.read(fileName(reference)), let value = try? JSONValue.parse(bytes),
      value["schema"]?.string == "hallmark.key-pin/v1", let kid = value["kid"]?.string, let name = value["name"]?.string,
      let version = value["version"]?.string, let stored = value["stored"]?.int64, let encoded = value["spki"]?.string,
      let spki = try? Base64.decode(encoded), let key = try? PublicKey(spki: spki)
    else { return nil }
    let now = clock.now().seconds
    guard stored <= now, now < stored + Self.longestLife, name.lowercased() == reference.name.lowercased(), KeyReference.isVersion(version),
      reference.version == nil || reference.version == version
    else { return nil }
    return PinnedKey(kid: kid, name: name, version: version, publicKey: key)
  }

  func keep(_ key: PinnedKey, for reference: KeyReference) {
    let value: JSONValue = [
      "schema": "hallmark.key-pin/v1", "kid": .string(key.kid), "name": .string(key.name), "version": .string(key.version),
      "spki": .string(Base64.encode(key.publicKey.spki)), "stored": .integer(clock.now().seconds),
    ]
    cache?.write(fileName(reference), value.serialized())
  }

  func forget(_ reference: KeyReference) { cache?.remove(fileName(reference)) }

  private func fileName(_ reference: KeyReference) -> String {
    let parts = [reference.store ?? "", reference.name.lowercased(), reference.version ?? ""] + identity
    let text = parts.map { "\($0.utf8.count):\($0)" }.joined(separator: "\n")
    return "key-\(Hex.encode(SHA256.hash(data: Array(text.utf8)))).json"
  }
}
