internal import Encodings

/// An envelope before it is signed: `signedBytes` go to the signer, whatever it returns goes to `sealed`.
package struct UnsignedNotaryEnvelope: Sendable, Hashable {
  package let format: NotaryEnvelope.Format
  package let keySpec: NotaryKeySpec
  package let payload: [UInt8]
  /// The protected header, serialized.
  let protected: [UInt8]
  /// What is hashed (by the hash of `keySpec`) and signed.
  package let signedBytes: [UInt8]
  /// Not covered by the signature.
  package var signingAgent: String?

  /// What the protected header says.
  package struct Attributes: Sendable, Hashable {
    package var contentType = NotaryPayload.mediaType
    package var signingScheme: NotaryEnvelope.SigningScheme
    /// Seconds since the epoch; the authentic signing time under `notary.x509.signingAuthority`.
    package var signingTime: Int64
    package var expiry: Int64?
    package var verificationPlugin: NotaryEnvelope.VerificationPlugin?
    /// Further signed attributes; only texts as names, only texts and numbers as values.
    package var extended: [NotaryEnvelope.ExtendedAttribute] = []

    package init(
      signingScheme: NotaryEnvelope.SigningScheme = .x509, signingTime: Int64, expiry: Int64? = nil,
      verificationPlugin: NotaryEnvelope.VerificationPlugin? = nil, extended: [NotaryEnvelope.ExtendedAttribute] = []
    ) {
      self.signingScheme = signingScheme
      self.signingTime = signingTime
      self.expiry = expiry
      self.verificationPlugin = verificationPlugin
      self.extended = extended
    }
  }

  /// - Parameter payload: the JSON bytes of a `NotaryPayload`, used as they are.
  /// - Throws: `.badTime` when the expiry is not after the signing time; `.badMember` for an extended attribute that cannot be written.
  package init(
    payload: [UInt8], format: NotaryEnvelope.Format, keySpec: NotaryKeySpec, attributes: Attributes, signingAgent: String? = nil
  ) throws(NotaryError) {
    if let expiry = attributes.expiry, expiry <= attributes.signingTime { throw .badTime("the expiry is not after the signing time") }
    self.format = format
    self.keySpec = keySpec
    self.payload = payload
    self.signingAgent = signingAgent
    switch format {
    case .jws:
      protected = try JWSNotaryEnvelope.protectedHeader(attributes, keySpec)
      signedBytes = JWSNotaryEnvelope.signedBytes(protected: protected, payload: payload)
    case .cose:
      protected = try COSENotaryEnvelope.protectedHeader(attributes, keySpec)
      signedBytes = COSENotaryEnvelope.signedBytes(protected: protected, payload: payload)
    }
  }

  package init(
    payload: NotaryPayload, format: NotaryEnvelope.Format, keySpec: NotaryKeySpec, attributes: Attributes, signingAgent: String? = nil
  ) throws(NotaryError) {
    try self.init(
      payload: payload.serialized(), format: format, keySpec: keySpec, attributes: attributes, signingAgent: signingAgent)
  }

  /// The finished envelope.
  ///
  /// - Parameters:
  ///   - signature: `r‖s` for EC, PSS octets for RSA: exactly `keySpec.signatureByteCount` bytes. It is not checked here.
  ///   - chain: DER, leaf first, root last.
  ///   - timestampToken: CMS ContentInfo of an RFC 3161 token over `signature`.
  package func sealed(signature: [UInt8], chain: [[UInt8]], timestampToken: [UInt8]? = nil) throws(NotaryError) -> [UInt8] {
    guard signature.count == keySpec.signatureByteCount else {
      throw .badSignatureLength(algorithm: keySpec.jwsAlgorithm, wanted: keySpec.signatureByteCount, got: signature.count)
    }
    guard (1...NotaryEnvelope.Limits.chainLength).contains(chain.count) else {
      throw .badChain("\(chain.count) certificates where 1 to \(NotaryEnvelope.Limits.chainLength) are wanted")
    }
    return switch format {
    case .jws: JWSNotaryEnvelope.sealed(self, signature: signature, chain: chain, timestampToken: timestampToken)
    case .cose: COSENotaryEnvelope.sealed(self, signature: signature, chain: chain, timestampToken: timestampToken)
    }
  }
}
