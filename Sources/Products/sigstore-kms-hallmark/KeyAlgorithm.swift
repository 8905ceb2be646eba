import Encodings
import Outbound
import Trust

/// The kinds of keys that `cosign generate-key-pair` can make here, by the names of Sigstore's algorithm registry.
enum KeyAlgorithm: String, CaseIterable {
  case p256 = "ecdsa-sha2-256-nistp256"
  case p384 = "ecdsa-sha2-384-nistp384"
  case p521 = "ecdsa-sha2-512-nistp521"
  case rsa2048 = "rsa-sign-pkcs1-2048-sha256"
  case rsa3072 = "rsa-sign-pkcs1-3072-sha256"
  case rsa4096 = "rsa-sign-pkcs1-4096-sha256"

  /// cosign never asks which to use: it takes the default, so the environment can name it.
  static func preferred(_ environment: [String: String]) throws -> KeyAlgorithm {
    guard let text = environment["HALLMARK_NEW_KEY_ALGORITHM"], !text.isEmpty else { return .p256 }
    return try named(text)
  }

  struct Unknown: Error { let name: String }

  static func named(_ text: String) throws -> KeyAlgorithm {
    guard let known = KeyAlgorithm(rawValue: text) else { throw Unknown(name: text) }
    return known
  }

  var kind: PublicKey.Kind {
    switch self {
    case .p256: .ec(.p256)
    case .p384: .ec(.p384)
    case .p521: .ec(.p521)
    case .rsa2048: .rsa(bits: 2048)
    case .rsa3072: .rsa(bits: 3072)
    case .rsa4096: .rsa(bits: 4096)
    }
  }

  /// The body of `POST /keys/NAME/create`: in an HSM the HSM kinds, in a vault the kinds every vault has.
  func creation(at home: ServiceAddress.Home) -> JSONValue {
    let suffix = home == .keyVault ? "" : "-HSM"
    var body: JSONObject
    switch kind {
    case .ec(let curve): body = ["kty": .string("EC" + suffix), "crv": .string(curve.rawValue)]
    case .rsa(let bits): body = ["kty": .string("RSA" + suffix), "key_size": .integer(bits)]
    }
    body["key_ops"] = ["sign", "verify"]
    body["tags"] = ["use": "sigstore"]
    return .object(body)
  }
}
