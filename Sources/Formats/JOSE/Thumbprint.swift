import Crypto
import Encodings

extension JWK {
  /// The SHA-256 thumbprint of the public key (RFC 7638, RFC 8037 appendix A.3), unpadded base64url; nil for a symmetric key.
  package var thumbprint: String? {
    guard publicPart != .oct else { return nil }
    var members: JSONObject = ["kty": .string(keyType())]
    for (name, text) in numbers { members[name] = .string(text) }
    return Base64URL.encode(SHA256.hash(data: JSONValue.object(members).serialized(sortedKeys: true)))
  }
}

/// The digests by which headers name a certificate (RFC 7515 §4.1.7, §4.1.8).
package enum CertificateThumbprint {
  /// `x5t`: base64url of SHA-1 over the DER form. A name only, never proof.
  package static func sha1(_ der: [UInt8]) -> String { Base64URL.encode(Insecure.SHA1.hash(data: der)) }
  /// `x5t#S256`: base64url of SHA-256 over the DER form.
  package static func sha256(_ der: [UInt8]) -> String { Base64URL.encode(SHA256.hash(data: der)) }
}
