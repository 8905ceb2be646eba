package import Clocks
internal import SwiftASN1
package import Trust
internal import X509

/// What a new certificate shall say; makes the bytes to be signed.
package struct CertificateTemplate: Sendable, Hashable {
  /// What the certified key is for.
  package enum Purpose: Sendable, Hashable {
    /// Signs artifacts: the Notary Project profile (cA false, keyUsage digitalSignature critical, EKU codeSigning).
    case signing
    /// Issues certificates. `pathLength` nil for no limit, 0 when it issues leaves only.
    case authority(pathLength: Int?)
  }

  package var subject: SubjectName
  package var key: PublicKey
  package var purpose: Purpose
  package var validity: CertificateValidity
  /// 16 bytes; a positive number is made of them.
  package var serial: [UInt8]

  package init(subject: SubjectName, key: PublicKey, purpose: Purpose, validity: CertificateValidity, entropy: Entropy = .system) {
    self.subject = subject
    self.key = key
    self.purpose = purpose
    self.validity = validity
    serial = entropy.bytes(16)
    // First byte 0x40...0x7F: positive, never shortened.
    serial[0] = serial[0] & 0x3F | 0x40
  }

  /// The same certificate again: subject and purpose of `old`, new validity and serial, for the same key or another version of it.
  package init(renewing old: ChainCertificate, key: PublicKey, validity: CertificateValidity, entropy: Entropy = .system) {
    var purpose = Purpose.signing
    if old.isAuthority, case .isCertificateAuthority(let length)? = try? old.parsed.extensions.basicConstraints {
      purpose = .authority(pathLength: length)
    }
    self.init(subject: SubjectName(old.parsed.subject), key: key, purpose: purpose, validity: validity, entropy: entropy)
  }

  /// Signed by the key itself.
  package func selfSigned() throws(IssuanceError) -> UnsignedDocument { try unsigned(issuer: subject.name, signer: key, issuerIdentifier: nil) }

  /// Signed by an authority. The new chain is the sealed certificate before `authority.chain`.
  package func issued(by authority: CertificateAuthority) throws(IssuanceError) -> UnsignedDocument {
    let issuer = authority.chain.leaf
    guard validity.notAfter <= authority.chain.expires else {
      throw .outlivesIssuer(issuer: issuer.subject, until: IssuanceTime.text(authority.chain.expires))
    }
    if case .authority = purpose, authority.pathLength == 0 {
      throw .noAuthority(subject: issuer.subject, why: "its path length is 0, so it may issue leaves only")
    }
    let identifier = (try? issuer.parsed.extensions.subjectKeyIdentifier)?.keyIdentifier
    return try unsigned(issuer: issuer.parsed.subject, signer: issuer.key, issuerIdentifier: identifier)
  }

  private func unsigned(
    issuer: DistinguishedName, signer: PublicKey, issuerIdentifier: ArraySlice<UInt8>?
  ) throws(IssuanceError) -> UnsignedDocument {
    // Both keys must be of a kind that certificates exist for.
    _ = try UnsignedDocument.scheme(for: key)
    let scheme = try UnsignedDocument.scheme(for: signer)
    let bytes: [UInt8]
    do {
      let extensions = try extensions(issuerIdentifier)
      bytes = try DER.sequence { coder in
        try coder.serialize(explicitlyTaggedWithTagNumber: 0, tagClass: .contextSpecific) { try $0.serialize(2) }
        coder.appendPrimitiveNode(identifier: .integer) { $0 += serial }
        try UnsignedDocument.appendAlgorithm(scheme, to: &coder)
        try coder.serialize(issuer)
        try coder.appendConstructedNode(identifier: .sequence) { coder in
          try CertificateValidity.append(validity.notBefore, to: &coder)
          try CertificateValidity.append(validity.notAfter, to: &coder)
        }
        try coder.serialize(subject.name)
        coder.serializeRawBytes(key.spki)
        try coder.serialize(explicitlyTaggedWithTagNumber: 3, tagClass: .contextSpecific) { coder in
          try coder.appendConstructedNode(identifier: .sequence) { coder in for item in extensions { try Self.append(item, to: &coder) } }
        }
      }
    } catch { throw .badSubject(subject.text, why: "it cannot be encoded") }
    return try UnsignedDocument(signedBytes: bytes, signer: signer)
  }

  private func extensions(_ issuerIdentifier: ArraySlice<UInt8>?) throws -> [Certificate.Extension] {
    let own = SubjectKeyIdentifier(hash: try Certificate.PublicKey(derEncoded: key.spki))
    var result: [Certificate.Extension] = []
    switch purpose {
    case .signing:
      result.append(try .init(BasicConstraints.notCertificateAuthority, critical: true))
      result.append(try .init(KeyUsage(digitalSignature: true), critical: true))
      result.append(try .init(ExtendedKeyUsage([.codeSigning]), critical: false))
    case .authority(let length):
      result.append(try .init(BasicConstraints.isCertificateAuthority(maxPathLength: length), critical: true))
      result.append(try .init(KeyUsage(keyCertSign: true, cRLSign: true), critical: true))
    }
    result.append(try .init(own, critical: false))
    if let issuerIdentifier { result.append(try .init(AuthorityKeyIdentifier(keyIdentifier: issuerIdentifier), critical: false)) }
    return result
  }

  /// Extension ::= SEQUENCE { extnID, critical DEFAULT FALSE, extnValue OCTET STRING }.
  private static func append(_ item: Certificate.Extension, to coder: inout DER.Serializer) throws {
    try coder.appendConstructedNode(identifier: .sequence) { coder in
      try coder.serialize(item.oid)
      if item.critical { try coder.serialize(true) }
      try coder.serialize(ASN1OctetString(contentBytes: item.value))
    }
  }
}

/// A chain whose first certificate may issue others with its key.
package struct CertificateAuthority: Sendable, Hashable {
  package let chain: CertificateChain
  /// How many authorities may stand between this one and a leaf; nil for any number.
  package let pathLength: Int?

  /// - Parameters:
  ///   - key: the key that will sign, as the HSM has it.
  ///   - now: every certificate of the chain must be valid then.
  package init(chain: CertificateChain, key: PublicKey, at now: Instant) throws(IssuanceError) {
    try chain.check(key: key)
    try chain.checkTime(at: now)
    let leaf = chain.leaf
    guard case .isCertificateAuthority(let length)? = try? leaf.parsed.extensions.basicConstraints else {
      throw .noAuthority(subject: leaf.subject, why: "its basicConstraints do not say cA; make an authority with: hallmark certs issue KEY --ca-root --self-signed")
    }
    guard leaf.isAuthority else { throw .noAuthority(subject: leaf.subject, why: "its keyUsage has no keyCertSign") }
    self.chain = chain
    pathLength = length
  }
}
