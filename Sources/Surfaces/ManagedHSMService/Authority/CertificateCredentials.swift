import Access
import Clocks
import Crypto
import CryptoExtras
import Encodings
import Foundation
import JOSE
import ManagedHSMWire
import SwiftASN1
import X509

extension RegisteredKey {
  /// Graph's `{"keyCredentials":[{"displayName"?, "type":"AsymmetricX509Cert", "usage":"Verify", "key":<base64 DER, or base64 of PEM>}]}`.
  static func list(body: [UInt8]) throws(WireError) -> [RegisteredKey] {
    let object = try RequestBody.object(body)
    guard object.present("passwordCredentials") == nil else { throw .badParameter("Secrets are not accepted here: register a certificate, or federate the identity") }
    guard let list = object.present("keyCredentials")?.array else { throw .badParameter("Property 'keyCredentials' must be an array") }
    var keys: [RegisteredKey] = []
    for (index, value) in list.enumerated() {
      guard let entry = value.object, let text = try entry.optionalString("key"), let bytes = try? Base64.decode(text) else {
        throw .badParameter("Property 'keyCredentials[\(index)].key' must be a certificate in base64")
      }
      let der = (try? PEM.parse(bytes, maxBytes: 1 << 16, maxBlocks: 4))?.first { $0.label == "CERTIFICATE" }?.bytes ?? bytes
      keys.append(try key(certificate: der, name: try entry.optionalString("displayName") ?? "certificate \(index + 1)", index: index))
    }
    return keys
  }

  private static func key(certificate der: [UInt8], name: String, index: Int) throws(WireError) -> RegisteredKey {
    guard let certificate = try? Certificate(derEncoded: der) else { throw .badParameter("Property 'keyCredentials[\(index)].key' is not an X.509 certificate") }
    let jwk: JWK
    if let ec = P256.Signing.PublicKey(certificate.publicKey) {
      jwk = JWK(ec)
    } else if let rsa = _RSA.Signing.PublicKey(certificate.publicKey), rsa.keySizeInBits >= 2048, let key = try? JWK(rsa) {
      jwk = key
    } else {
      throw .badParameter("Property 'keyCredentials[\(index)].key' must hold a P-256 key, or an RSA key of 2048 bits or more")
    }
    // The trust is the registration; the certificate's own end still ends it.
    let end = Instant(seconds: Int64(certificate.notValidAfter.timeIntervalSince1970))
    return RegisteredKey(name: name, key: jwk.publicPart, certificate: der, expires: end)
  }
}
