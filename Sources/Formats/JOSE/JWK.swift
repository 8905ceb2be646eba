package import Encodings
package import Secrets

/// A JSON Web Key (RFC 7517, 7518 §6, 8037): RSA, EC, oct or OKP (Ed25519), public or with its private part.
///
/// Numbers are normal here whatever they were on the wire: `n` and `e` without leading zeros, coordinates in full width.
package struct JWK: Sendable {
  /// The elliptic curves of Managed HSM by their JWK names.
  package enum Curve: String, Sendable, CaseIterable {
    case p256 = "P-256"
    case p384 = "P-384"
    case p521 = "P-521"
    case p256K = "P-256K"

    /// Bytes of one coordinate, and of the private number.
    package var coordinateSize: Int {
      switch self {
      case .p256, .p256K: 32
      case .p384: 48
      case .p521: 66
      }
    }

    /// Reads a curve name; secp256k1 is also known by its older spellings.
    package init?(name: String) {
      switch name {
      case "secp256k1", "SECP256K1": self = .p256K
      default: self.init(rawValue: name)
      }
    }
  }

  package enum PublicPart: Sendable, Hashable {
    /// Modulus and exponent, big-endian without leading zeros.
    case rsa(n: [UInt8], e: [UInt8])
    /// Coordinates in the full width of the curve. They are checked to lie on the curve when a verification key is made.
    case ec(Curve, x: [UInt8], y: [UInt8])
    /// A symmetric key has no public part.
    case oct
    /// The 32 bytes of an Ed25519 public key.
    case ed25519(x: [UInt8])
  }

  package enum PrivatePart: Sendable {
    /// Big-endian without leading zeros. The factors may be absent in an import; `d` never is.
    case rsa(d: SecretBytes, p: SecretBytes?, q: SecretBytes?, dp: SecretBytes?, dq: SecretBytes?, qi: SecretBytes?)
    /// In the full width of the curve.
    case ec(d: SecretBytes)
    case oct(k: SecretBytes)
    case ed25519(d: SecretBytes)
  }

  package var publicPart: PublicPart
  package var privatePart: PrivatePart?
  package var kid: String?
  package var alg: String?
  package var use: String?
  package var keyOps: [String]?

  package init(
    _ publicPart: PublicPart, privatePart: PrivatePart? = nil, kid: String? = nil, alg: String? = nil, use: String? = nil,
    keyOps: [String]? = nil
  ) {
    self.publicPart = publicPart
    self.privatePart = privatePart
    self.kid = kid
    self.alg = alg
    self.use = use
    self.keyOps = keyOps
  }

  /// `RSA`, `EC`, `oct` or `OKP`; with `-HSM` behind it when the key lives in one.
  package func keyType(hsm: Bool = false) -> String {
    let name =
      switch publicPart {
      case .rsa: "RSA"
      case .ec: "EC"
      case .oct: "oct"
      case .ed25519: "OKP"
      }
    return hsm ? name + "-HSM" : name
  }

  /// The bits of an RSA modulus; nil for other types.
  package var modulusBits: Int? {
    guard case .rsa(let n, _) = publicPart, let first = n.first else { return nil }
    return n.count * 8 - first.leadingZeroBitCount
  }

  /// The public members alone, as other software reads them: `kid`, `use`, `alg`, `key_ops`, `kty` and the numbers.
  package func publicJSON(hsm: Bool = false) -> JSONObject {
    var object = JSONObject()
    object.set("kid", ifPresent: kid.map { .string($0) })
    object["kty"] = .string(keyType(hsm: hsm))
    object.set("use", ifPresent: use.map { .string($0) })
    object.set("alg", ifPresent: alg.map { .string($0) })
    object.set("key_ops", ifPresent: keyOps.map { .array($0.map { .string($0) }) })
    for (name, bytes) in numbers { object[name] = .string(bytes) }
    return object
  }

  /// The members that make up the public key, beside `kty`.
  var numbers: [(String, String)] {
    switch publicPart {
    case .rsa(let n, let e): [("n", Base64URL.encode(n)), ("e", Base64URL.encode(e))]
    case .ec(let curve, let x, let y): [("crv", curve.rawValue), ("x", Base64URL.encode(x)), ("y", Base64URL.encode(y))]
    case .oct: []
    case .ed25519(let x): [("crv", "Ed25519"), ("x", Base64URL.encode(x))]
    }
  }

  /// All members, the private ones included. The caller owns the secret in the result.
  package func privateJSON() -> JSONObject {
    var object = publicJSON()
    func set(_ name: String, _ secret: SecretBytes?) {
      if let secret { object[name] = .string(secret.withUnsafeBytes { Base64URL.encode($0) }) }
    }
    switch privatePart {
    case .rsa(let d, let p, let q, let dp, let dq, let qi):
      for (name, secret) in [("d", d), ("p", p), ("q", q), ("dp", dp), ("dq", dq), ("qi", qi)] { set(name, secret) }
    case .ec(let d), .ed25519(let d): set("d", d)
    case .oct(let k): set("k", k)
    case nil: break
    }
    return object
  }
}
