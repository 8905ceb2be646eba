import Clocks
import Encodings
import Issuance

/// How chains are shown.
enum CertificateOutput {
  static func object(_ chain: CertificateChain, key: String, location: String, now: Instant) -> JSONObject {
    var object: JSONObject = [
      "schema": "hallmark.certificate-chain/v1", "key": .string(key), "location": .string(location), "purpose": .string(chain.purpose.rawValue),
      "expires": .string(ISO8601.format(seconds: chain.expires)), "fingerprint": .string(chain.leaf.fingerprint),
      "certificates": .array(
        chain.certificates.map {
          [
            "subject": .string($0.subject), "issuer": .string($0.issuer), "serial": .string($0.serial), "fingerprint": .string($0.fingerprint),
            "notBefore": .string(ISO8601.format(seconds: $0.notBefore)), "notAfter": .string(ISO8601.format(seconds: $0.notAfter)),
          ]
        }),
    ]
    if let warning = CertificateExpiry(of: chain, at: now).warning { object["warning"] = .string(warning) }
    return object
  }

  static func text(_ chain: CertificateChain, key: String, location: String, now: Instant) -> String {
    var rows = [["key", key], ["kept", location], ["for", chain.purpose == .authority ? "issuing certificates" : "signing artifacts"]]
    for (index, certificate) in chain.certificates.enumerated() {
      rows.append([index == 0 ? "leaf" : index == chain.certificates.count - 1 ? "root" : "issuer", certificate.subject])
      rows.append(["", "SHA-256 \(certificate.fingerprint)"])
      rows.append(["", "until \(ISO8601.format(seconds: certificate.notAfter))"])
    }
    var text = Console.table(rows)
    if let warning = CertificateExpiry(of: chain, at: now).warning { text += "\nwarning: \(warning)" }
    return text
  }
}
