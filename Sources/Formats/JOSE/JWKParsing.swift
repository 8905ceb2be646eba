package import Encodings
import Secrets

extension JWK {
  /// What a reader is willing to take.
  package enum Acceptance: Sendable {
    /// Public keys only; private members are a refusal, because somebody just leaked a key.
    case publicOnly
    /// Private keys, as an import brings them; public-only keys are a refusal.
    case privateOnly
    /// Either.
    case any
  }

  /// The modulus sizes accepted from outside, in bits.
  package static let modulusBitRange = 2048...8192

  /// Reads a key from a parsed JSON object.
  ///
  /// `kty` may carry `-HSM`. Integers may have leading zeros; base64url and base64 with or without padding are taken, as Azure clients send
  /// them. Unknown members are ignored (RFC 7517 §4).
  package static func parse(_ object: JSONObject, accepting acceptance: Acceptance) throws(JOSEError) -> JWK {
    let reader = JWKReader(object: object)
    let kind = try reader.text("kty")
    let publicPart: PublicPart
    var privatePart: PrivatePart?
    switch kind {
    case "RSA", "RSA-HSM":
      publicPart = .rsa(n: try reader.integer("n", maxBytes: 1024 + 8), e: try reader.integer("e", maxBytes: 16))
      privatePart = try reader.rsaPrivate()
    case "EC", "EC-HSM":
      guard let curve = Curve(name: try reader.text("crv")) else { throw .unsupportedKey("crv") }
      publicPart = .ec(curve, x: try reader.fixed("x", curve.coordinateSize), y: try reader.fixed("y", curve.coordinateSize))
      privatePart = try reader.secret("d", fixed: curve.coordinateSize).map { .ec(d: $0) }
    case "oct", "oct-HSM":
      publicPart = .oct
      privatePart = try reader.secret("k", maxBytes: 1024).map { .oct(k: $0) }
      guard privatePart != nil else { throw .missing("k") }
    case "OKP", "OKP-HSM":
      guard try reader.text("crv") == "Ed25519" else { throw .unsupportedKey("crv") }
      let x = try reader.bytes("x", maxBytes: 32)
      guard x.count == 32 else { throw .badMember("x") }
      publicPart = .ed25519(x: x)
      privatePart = try reader.secret("d", maxBytes: 32).map { .ed25519(d: $0) }
      if case .ed25519(let d)? = privatePart, d.count != 32 { throw .badMember("d") }
    default: throw .unsupportedKey("kty")
    }
    var key = JWK(publicPart, privatePart: privatePart)
    if let bits = key.modulusBits {
      guard modulusBitRange.contains(bits) else { throw .keySizeRefused(bits: bits) }
      guard case .rsa(_, let e) = publicPart, e.count <= 4, e.last.map({ $0 & 1 == 1 }) == true, e != [1] else {
        throw .badMember("e")
      }
    }
    key.kid = try reader.optionalText("kid")
    key.alg = try reader.optionalText("alg")
    key.use = try reader.optionalText("use")
    key.keyOps = try reader.textList("key_ops")
    switch acceptance {
    case .publicOnly: guard key.privatePart == nil else { throw .privateMembersPresent }
    case .privateOnly: guard key.privatePart != nil else { throw .missing("private members") }
    case .any: break
    }
    return key
  }

  package static func parse(_ bytes: [UInt8], accepting acceptance: Acceptance) throws(JOSEError) -> JWK {
    guard bytes.count <= 1 << 16 else { throw .tooLong(limit: 1 << 16) }
    return try parse(try JOSE.object(of: bytes, "key"), accepting: acceptance)
  }

  /// Reads a key set (RFC 7517 §5). Keys of unknown type, size or curve are left out, as §5 asks; private ones are refused.
  package static func parseSet(_ bytes: [UInt8]) throws(JOSEError) -> [JWK] {
    let object = try JOSE.object(of: bytes, "key set")
    guard let entries = object["keys"]?.array, entries.count <= 256 else { throw .badMember("keys") }
    var keys: [JWK] = []
    for entry in entries {
      guard let object = entry.object else { throw .badMember("keys") }
      do { keys.append(try parse(object, accepting: .publicOnly)) } catch {
        if error == .privateMembersPresent { throw error }
      }
    }
    return keys
  }
}

/// Typed access to the members of a key.
struct JWKReader {
  let object: JSONObject

  func text(_ name: String) throws(JOSEError) -> String {
    guard let value = object[name] else { throw .missing(name) }
    guard let text = value.string else { throw .badMember(name) }
    return text
  }

  func optionalText(_ name: String) throws(JOSEError) -> String? {
    guard let value = object[name], !value.isNull else { return nil }
    guard let text = value.string, text.utf8.count <= 1024 else { throw .badMember(name) }
    return text
  }

  func textList(_ name: String) throws(JOSEError) -> [String]? {
    guard let value = object[name], !value.isNull else { return nil }
    guard let list = value.array, list.count <= 32 else { throw .badMember(name) }
    var result: [String] = []
    for element in list {
      guard let text = element.string else { throw .badMember(name) }
      result.append(text)
    }
    return result
  }

  func bytes(_ name: String, maxBytes: Int) throws(JOSEError) -> [UInt8] {
    let text = try text(name)
    guard text.utf8.count <= maxBytes * 2 + 8 else { throw .tooLong(limit: maxBytes) }
    let bytes: [UInt8]
    do { bytes = try Base64URL.decode(text) } catch { throw .notBase64URL(name) }
    guard !bytes.isEmpty, bytes.count <= maxBytes else { throw .badMember(name) }
    return bytes
  }

  /// A positive big-endian integer without its leading zeros.
  func integer(_ name: String, maxBytes: Int) throws(JOSEError) -> [UInt8] {
    let value = Array(try bytes(name, maxBytes: maxBytes).drop { $0 == 0 })
    guard !value.isEmpty else { throw .badMember(name) }
    return value
  }

  /// An integer in exactly `size` bytes, zeros added or removed in front.
  func fixed(_ name: String, _ size: Int) throws(JOSEError) -> [UInt8] {
    let value = Array(try bytes(name, maxBytes: size + 16).drop { $0 == 0 })
    guard value.count <= size else { throw .badMember(name) }
    return [UInt8](repeating: 0, count: size - value.count) + value
  }

  func secret(_ name: String, maxBytes: Int) throws(JOSEError) -> SecretBytes? {
    guard let value = object[name], !value.isNull else { return nil }
    var bytes = try bytes(name, maxBytes: maxBytes)
    return SecretBytes(wiping: &bytes)
  }

  func secret(_ name: String, fixed size: Int) throws(JOSEError) -> SecretBytes? {
    guard let value = object[name], !value.isNull else { return nil }
    var bytes = try fixed(name, size)
    return SecretBytes(wiping: &bytes)
  }

  func rsaPrivate() throws(JOSEError) -> JWK.PrivatePart? {
    func number(_ name: String) throws(JOSEError) -> SecretBytes? {
      guard let value = object[name], !value.isNull else { return nil }
      var bytes = try integer(name, maxBytes: 1024 + 8)
      return SecretBytes(wiping: &bytes)
    }
    if let others = object["oth"], !others.isNull { throw .unsupportedKey("oth") }
    guard let d = try number("d") else {
      for name in ["p", "q", "dp", "dq", "qi"] where object[name].map({ !$0.isNull }) == true { throw .missing("d") }
      return nil
    }
    return .rsa(
      d: d, p: try number("p"), q: try number("q"), dp: try number("dp"), dq: try number("dq"), qi: try number("qi"))
  }
}
