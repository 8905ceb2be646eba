package import Clocks
import Encodings
package import JOSE
import Secrets

/// The body that a recovery brings to a new HSM: the data under a fresh master key, that key wrapped to the HSM's transfer key.
package struct RecoveryUpload: Sendable {
  private let data: [EncryptedDatum]
  private let wrappedKey: JWE
  /// The digest of the transfer certificate this upload is for.
  package let transferDigest: String

  /// Reads the JSON text (clients write it with spaces) strictly.
  package static func parse(_ text: [UInt8]) throws(SecurityDomainError) -> RecoveryUpload {
    let value: JSONValue
    let limits = JSONLimits(maxBytes: SecurityDomainFile.maxBytes, maxDepth: 8, maxElements: 2000)
    do { value = try JSONValue.parse(text, limits: limits) } catch { throw .badJSON(error) }
    let upload = try strictObject(value, "", ["EncData", "WrappedKey"])
    let wrapped = try strictObject(upload["WrappedKey"], "WrappedKey", ["enc_key", "x5t_256"])
    guard let digest = wrapped["x5t_256"]?.string, (try? Base64URL.decode(digest))?.count == 32 else {
      throw .badMember("WrappedKey.x5t_256")
    }
    guard let text = wrapped["enc_key"]?.string, let jwe = try? JWE.parse(text), jwe.algorithm == .rsaOAEP256 else {
      throw .badMember("WrappedKey.enc_key")
    }
    return RecoveryUpload(data: try EncryptedDatum.parse(upload["EncData"]), wrappedKey: jwe, transferDigest: digest)
  }

  /// Opens the upload in the new HSM. Every datum must decrypt, and the partition key must prove its identity.
  ///
  /// - Throws: `.wrongTransferKey`, `.wrappedKeyRejected`, `.datumRejected`, `.notAHallmarkDomain`, `.identityMismatch`.
  package func open(with transfer: TransferKey) throws(SecurityDomainError) -> RecoveredDomain {
    guard (try? Base64URL.decode(transferDigest)) == (try? Base64URL.decode(transfer.digest)) else { throw .wrongTransferKey }
    guard let master = try? wrappedKey.decrypt(with: transfer.key), master.count == DomainCipher.masterKeySize else {
      throw .wrappedKeyRejected
    }
    return try DomainCipher.domain(in: try DomainCipher.decrypt(data, master: master))
  }

  /// The client's side: opens a file with a quorum's keys and packs its data for a transfer certificate.
  package static func rewrap(
    _ file: SecurityDomainFile, with keys: [RSADecryptionKey], to transferCertificate: [UInt8], entropy: Entropy
  ) throws(SecurityDomainError) -> String {
    let master = SecretBytes(random: DomainCipher.masterKeySize, entropy: entropy.fill)
    let data = try DomainCipher.encrypt(try file.open(with: keys).data, master: master, entropy: entropy)
    do {
      let key = try RSAEncryptionKey(certificate: transferCertificate)
      let wrapped = try JWE.encrypt(master, to: key, kid: "not used", entropy: entropy.fill)
      let upload: JSONValue = [
        "EncData": ["data": data, "kdf": .string(DomainCipher.kdf)],
        "WrappedKey": ["enc_key": .string(wrapped), "x5t_256": .string(CertificateThumbprint.sha256(transferCertificate))],
      ]
      return upload.text()
    } catch { throw .jose(error) }
  }
}

/// The key of a new HSM to which a quorum re-wraps a domain. It lives in memory from `init-recovery` to the upload.
package struct TransferKey: Sendable {
  package let certificate: [UInt8]
  /// base64url(SHA-256) of the certificate.
  package let digest: String
  let key: RSADecryptionKey

  /// - Parameters:
  ///   - commonName: the host name of the HSM, as the real service does.
  ///   - bits: 4096 in service; making one takes about a second.
  package static func generate(
    commonName: String, bits: Int = 4096, entropy: Entropy, clock: TimeSource
  ) throws(SecurityDomainError) -> TransferKey {
    let pair = try CustodianKey.generate(commonName: commonName, bits: bits, entropy: entropy, clock: clock)
    return try TransferKey(pair)
  }

  init(_ pair: CustodianKey) throws(SecurityDomainError) {
    do { key = try RSADecryptionKey(der: pair.privateKey) } catch { throw .jose(error) }
    certificate = pair.certificate
    digest = CertificateThumbprint.sha256(pair.certificate)
  }

  /// The JSON text of the key as clients want it: a string within the reply, never an object.
  package var jwkText: String {
    var jwk: JSONObject = [
      "kty": "RSA", "kid": "not used", "key_ops": ["wrapKey", "verify", "encrypt"],
    ]
    for (name, value) in key.jwk.publicJSON().members.map({ ($0.name, $0.value) }) where name == "n" || name == "e" {
      jwk[name] = value
    }
    jwk["x5c"] = .array([.string(Base64.encode(certificate))])
    jwk["x5t"] = .string(CertificateThumbprint.sha1(certificate))
    jwk["x5t#S256"] = .string(digest)
    return JSONValue.object(jwk).text()
  }
}
