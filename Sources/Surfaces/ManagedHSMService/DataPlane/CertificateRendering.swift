import Crypto
import Custody
import Encodings

/// A kept chain as the wire shows it.
enum CertificateRendering {
  static func object(_ chain: KeptChain, _ identity: ServiceIdentity) -> JSONObject {
    [
      "certificates": .integer(chain.certificates.count), "fingerprint": .string(fingerprint(chain)),
      "kid": .string(identity.kid(chain.key.identity.path)), "name": .string(chain.key.identity.name.text),
      "pem": .string(chain.certificates.map { PEM.encode($0, label: "CERTIFICATE") }.joined()),
      "storedAt": .string(ISO8601.format(seconds: chain.storedAt.seconds)), "storedBy": .string(chain.storedBy),
      "version": .string(chain.key.identity.version.text),
    ]
  }

  /// SHA-256 of the leaf's DER.
  static func fingerprint(_ chain: KeptChain) -> String { Hex.encode(SHA256.hash(data: chain.certificates.first ?? [])) }
}
