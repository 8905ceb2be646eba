internal import SwiftASN1
package import Trust
internal import X509

/// PKCS#10 requests (RFC 2986) for keys in an HSM.
package enum CertificateRequest {
  /// The request for a key, to be signed by that key; without attributes, the CA decides on extensions.
  package static func unsigned(subject: SubjectName, key: PublicKey) throws(IssuanceError) -> UnsignedDocument {
    let bytes: [UInt8]
    do {
      bytes = try DER.sequence { coder in
        try coder.serialize(0)
        try coder.serialize(subject.name)
        coder.serializeRawBytes(key.spki)
        // attributes [0] IMPLICIT SET OF, empty.
        coder.appendConstructedNode(identifier: ASN1Identifier(tagWithNumber: 0, tagClass: .contextSpecific)) { _ in }
      }
    } catch { throw .badSubject(subject.text, why: "it cannot be encoded") }
    return try UnsignedDocument(signedBytes: bytes, signer: key)
  }

  package static let pemLabel = "CERTIFICATE REQUEST"
}
