import Custody
import Encodings
import ManagedHSMWire
import Secrets

extension ImportedKey {
  /// Takes a private JSON Web Key of an import request. Leading zeros are fine; which members are missing or wrong is said by name, never by value.
  init(webKey: JSONObject) throws(RouteFailure) {
    guard webKey.present("key_hsm") == nil else {
      throw .wire(.badParameter("Import of a wrapped key ('key_hsm') is not supported yet; send the private JSON Web Key"))
    }
    guard let kty = webKey.present("kty")?.string?.lowercased() else { throw .wire(.badParameter("Property 'key.kty' is required")) }
    switch kty {
    case "rsa", "rsa-hsm":
      self.init(
        .rsa(
          RSAParts(
            n: try Self.bytes("n", webKey), e: try Self.bytes("e", webKey), d: try Self.secret("d", webKey), p: try Self.secret("p", webKey),
            q: try Self.secret("q", webKey), dp: try Self.optionalSecret("dp", webKey), dq: try Self.optionalSecret("dq", webKey),
            qi: try Self.optionalSecret("qi", webKey))))
    case "ec", "ec-hsm":
      guard let text = webKey.present("crv")?.string else { throw .wire(.badParameter("Property 'key.crv' is required for an EC key")) }
      guard let curve = Curve(rawValue: text) ?? (text == "SECP256K1" ? .p256K : nil) else {
        throw .wire(.badParameter("Property 'key.crv' '\(text.prefix(40))' is not supported"))
      }
      self.init(.ec(curve, x: try Self.bytes("x", webKey), y: try Self.bytes("y", webKey), d: try Self.secret("d", webKey)))
    case "oct", "oct-hsm":
      self.init(.oct(try Self.secret("k", webKey)))
    default:
      throw .wire(.badParameter("Property 'key.kty' '\(kty.prefix(40))' is not supported"))
    }
  }

  private static func bytes(_ name: String, _ key: JSONObject) throws(RouteFailure) -> [UInt8] {
    guard let value = key.present(name) else { throw .wire(.badParameter("Property 'key.\(name)' is required to import this key")) }
    guard let text = value.string else { throw .wire(.badParameter("Property 'key.\(name)' must be a base64url string")) }
    do { return try Base64URL.decode(text) } catch { throw .wire(.badParameter("Property 'key.\(name)' is not valid base64url")) }
  }

  private static func secret(_ name: String, _ key: JSONObject) throws(RouteFailure) -> SecretBytes {
    var decoded = try bytes(name, key)
    return SecretBytes(wiping: &decoded)
  }

  private static func optionalSecret(_ name: String, _ key: JSONObject) throws(RouteFailure) -> SecretBytes? {
    key.present(name) == nil ? nil : try secret(name, key)
  }
}
