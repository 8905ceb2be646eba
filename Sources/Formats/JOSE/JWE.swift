import Crypto
import Encodings
package import Secrets

/// A JWE in compact form (RFC 7516 §7.1): `dir` or `RSA-OAEP-256`, always A256CBC-HS512.
///
/// The header is written as `{"alg":…,"enc":…,"kid":…}` in that order: what Managed HSM security domains hold.
package struct JWE: Sendable {
  package enum Algorithm: String, Sendable {
    case direct = "dir"
    case rsaOAEP256 = "RSA-OAEP-256"
  }

  package let algorithm: Algorithm
  package let kid: String?
  private let encryptedKey: [UInt8]
  private let iv: [UInt8]
  private let ciphertext: [UInt8]
  private let tag: [UInt8]
  /// The ASCII text of the header part: what the tag authenticates.
  private let protected: [UInt8]

  package static let maxBytes = 256 << 10

  /// Takes a compact text apart.
  ///
  /// - Throws: `.algorithmRefused`, `.encryptionRefused`, `.criticalHeader`, `.badMember("tag")` unless the tag has 32 bytes.
  package static func parse(_ text: String, maxBytes: Int = JWE.maxBytes) throws(JOSEError) -> JWE {
    guard text.utf8.count <= maxBytes else { throw .tooLong(limit: maxBytes) }
    let parts = Array(text.utf8).split(separator: UInt8(ascii: "."), maxSplits: 5, omittingEmptySubsequences: false)
    guard parts.count == 5 else { throw .wrongNumberOfParts }
    let header = try objectPart(parts[0], "header")
    guard header["crit"] == nil else { throw .criticalHeader }
    guard header["zip"] == nil else { throw .badMember("zip") }
    guard let name = header["alg"]?.string else { throw .missing("alg") }
    guard let algorithm = Algorithm(rawValue: name) else { throw .algorithmRefused("unknown") }
    guard let encryption = header["enc"]?.string else { throw .missing("enc") }
    guard encryption == "A256CBC-HS512" else { throw .encryptionRefused("unknown") }
    if let kid = header["kid"], kid.string == nil { throw .badMember("kid") }
    let jwe = JWE(
      algorithm: algorithm, kid: header["kid"]?.string, encryptedKey: try strictBase64URL(parts[1], "encrypted key"),
      iv: try strictBase64URL(parts[2], "iv"), ciphertext: try strictBase64URL(parts[3], "ciphertext"),
      tag: try strictBase64URL(parts[4], "tag"), protected: Array(parts[0]))
    guard jwe.tag.count == A256CBCHS512.tagSize else { throw .badMember("tag") }
    guard jwe.iv.count == A256CBCHS512.ivSize else { throw .badMember("iv") }
    guard !jwe.ciphertext.isEmpty, jwe.ciphertext.count % 16 == 0 else { throw .badMember("ciphertext") }
    guard jwe.encryptedKey.isEmpty == (algorithm == .direct) else { throw .badMember("encrypted key") }
    return jwe
  }

  /// Decrypts a `dir` text with its 64-byte key.
  package func decrypt(directKey: SecretBytes) throws(JOSEError) -> SecretBytes {
    guard algorithm == .direct else { throw .algorithmRefused(algorithm.rawValue) }
    return try A256CBCHS512.open(.init(iv: iv, ciphertext: ciphertext, tag: tag), key: directKey, authenticating: protected)
  }

  /// Decrypts an `RSA-OAEP-256` text.
  ///
  /// A key that does not unwrap is replaced by a random one, so that the caller learns only "no" (RFC 7516 §11.5).
  package func decrypt(with key: RSADecryptionKey) throws(JOSEError) -> SecretBytes {
    guard algorithm == .rsaOAEP256 else { throw .algorithmRefused(algorithm.rawValue) }
    let random = SecretBytes(SymmetricKey(size: .init(bitCount: A256CBCHS512.keySize * 8)))
    let unwrapped = key.unwrap(encryptedKey)
    let contentKey = unwrapped.map { $0.count == A256CBCHS512.keySize } == true ? unwrapped ?? random : random
    return try A256CBCHS512.open(.init(iv: iv, ciphertext: ciphertext, tag: tag), key: contentKey, authenticating: protected)
  }

  /// Encrypts under a 64-byte key both sides hold.
  package static func encrypt(
    _ plaintext: SecretBytes, directKey: SecretBytes, kid: String, entropy: (Int) -> [UInt8]
  ) throws(JOSEError) -> String {
    try seal(plaintext, .direct, kid: kid, encryptedKey: [], contentKey: directKey, entropy: entropy)
  }

  /// Encrypts to the holder of an RSA key, under a fresh content key.
  package static func encrypt(
    _ plaintext: SecretBytes, to key: RSAEncryptionKey, kid: String, entropy: (Int) -> [UInt8]
  ) throws(JOSEError) -> String {
    let contentKey = SecretBytes(random: A256CBCHS512.keySize, entropy: entropy)
    let encryptedKey = try key.wrap(contentKey)
    return try seal(plaintext, .rsaOAEP256, kid: kid, encryptedKey: encryptedKey, contentKey: contentKey, entropy: entropy)
  }

  private static func seal(
    _ plaintext: SecretBytes, _ algorithm: Algorithm, kid: String, encryptedKey: [UInt8], contentKey: SecretBytes,
    entropy: (Int) -> [UInt8]
  ) throws(JOSEError) -> String {
    let header: JSONValue = ["alg": .string(algorithm.rawValue), "enc": "A256CBC-HS512", "kid": .string(kid)]
    var text: [UInt8] = []
    Base64URL.append(header.serialized(), to: &text)
    let sealed = try A256CBCHS512.seal(
      plaintext, key: contentKey, iv: entropy(A256CBCHS512.ivSize), authenticating: text)
    for part in [encryptedKey, sealed.iv, sealed.ciphertext, sealed.tag] {
      text.append(UInt8(ascii: "."))
      Base64URL.append(part, to: &text)
    }
    return String(decoding: text, as: UTF8.self)
  }
}
