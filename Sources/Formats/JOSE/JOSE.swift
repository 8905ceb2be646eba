/// JOSE: keys, signatures, tokens and encrypted texts in the JSON forms of RFC 7515–7519, 7638 and 8037.
///
/// Only what Hallmark needs is here, and nothing can be negotiated: a verifier names the algorithms it takes, the key's type narrows them
/// further, `none` does not exist, an unknown critical header is a refusal, and an encrypted text is decrypted only after its tag was
/// checked. Primitives are those of swift-crypto.
///
/// Must never know: where keys come from, who an issuer is, sockets, stores, what time it is (times are parameters).
/// Allowed imports: Encodings, Secrets, Clocks, Crypto, CryptoExtras, X509, SwiftASN1, FoundationEssentials.

package import Encodings

/// Why a JOSE text or key was refused. Never carries key bytes, tokens or plaintext.
package enum JOSEError: Error, Equatable, Sendable {
  /// The text is longer than its limit in bytes.
  case tooLong(limit: Int)
  /// A compact serialisation has three (JWS) or five (JWE) parts.
  case wrongNumberOfParts
  /// A part or a member is not unpadded base64url.
  case notBase64URL(String)
  /// A header or a claims set is not strict JSON.
  case badJSON(String, JSONError)
  /// A header or a claims set is no JSON object.
  case notAnObject(String)
  /// A member is missing.
  case missing(String)
  /// A member has another type or value than it must; the text says which member.
  case badMember(String)
  /// The header lists critical extensions; none is understood.
  case criticalHeader
  /// The algorithm is not one this code knows, or not one the caller allows, or not one for this key.
  case algorithmRefused(String)
  /// The encryption method is not A256CBC-HS512.
  case encryptionRefused(String)
  /// The key type or curve is not supported.
  case unsupportedKey(String)
  /// The RSA modulus has this many bits, fewer or more than are accepted.
  case keySizeRefused(bits: Int)
  /// The key's numbers do not make a key.
  case badKey(String)
  /// A public key was expected and private members were present.
  case privateMembersPresent
  /// The certificate could not be read.
  case badCertificate
  /// The signature does not verify.
  case badSignature
  /// The text does not decrypt under this key; why is not said on purpose.
  case decryptionFailed
  /// Signing failed in the library.
  case signingFailed(String)
  /// The token's `exp` is in the past.
  case expired
  /// The token's `nbf` or `iat` is in the future.
  case notYetValid
}

/// Decodes unpadded base64url only, as RFC 7515 §2 wants; the lenient decoder of `Encodings` takes more.
func strictBase64URL(_ text: some Collection<UInt8>, _ name: String) throws(JOSEError) -> [UInt8] {
  guard text.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "=") }) else {
    throw .notBase64URL(name)
  }
  do { return try Base64URL.decode(text) } catch { throw .notBase64URL(name) }
}

/// Parses a base64url part as a JSON object.
func objectPart(_ text: some Collection<UInt8>, _ name: String) throws(JOSEError) -> JSONObject {
  try object(of: try strictBase64URL(text, name), name)
}

func object(of bytes: [UInt8], _ name: String) throws(JOSEError) -> JSONObject {
  let value: JSONValue
  do { value = try JSONValue.parse(bytes, limits: JSONLimits(maxBytes: 1 << 18, maxDepth: 16, maxElements: 20_000)) } catch {
    throw .badJSON(name, error)
  }
  guard let object = value.object else { throw .notAnObject(name) }
  return object
}
