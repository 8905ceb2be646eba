package import Encodings

/// One signature envelope as it was found, JWS or COSE: form checked, nothing in it trusted.
///
/// Whoever verifies it checks `signature` over `signedBytes` with the leaf of `certificateChain` by the algorithm of `keySpec` (which must
/// be the leaf's own, `NotaryCertificateChain.keySpec`), the chain against `NotaryCertificateProfile` and a trust store, the times, that
/// `payload` names the artifact, and refuses it when `unknownCritical` is not empty.
package struct NotaryEnvelope: Sendable, Hashable {
  package enum Format: String, Sendable, Hashable, CaseIterable {
    case jws
    case cose

    /// Media type of the envelope, which is the media type of the signature manifest's one layer.
    package var mediaType: String {
      switch self {
      case .jws: "application/jose+json"
      case .cose: "application/cose"
      }
    }

    package init?(mediaType: String) {
      guard let found = Self.allCases.first(where: { $0.mediaType == mediaType }) else { return nil }
      self = found
    }
  }

  package enum SigningScheme: String, Sendable, Hashable, CaseIterable {
    /// Signed by a holder of a certificate; the signing time is a claim. Trust stores of kind `ca`.
    case x509 = "notary.x509"
    /// Signed by a service trusted to state the time. Trust stores of kind `signingAuthority`.
    case signingAuthority = "notary.x509.signingAuthority"
  }

  /// A signed attribute that the specification does not define.
  package struct ExtendedAttribute: Sendable, Hashable {
    /// A text, or an integer label of COSE.
    package enum Name: Sendable, Hashable, CustomStringConvertible {
      case text(String)
      case integer(Int64)

      package var description: String {
        switch self {
        case .text(let text): text
        case .integer(let number): String(number)
        }
      }
    }

    package var name: Name
    /// The value as JSON; byte strings of COSE are base64, tags are dropped.
    package var value: JSONValue
    package var isCritical: Bool

    package init(name: Name, value: JSONValue, isCritical: Bool) {
      self.name = name
      self.value = value
      self.isCritical = isCritical
    }
  }

  /// The plugin that the signer demands for verification: `io.cncf.notary.verificationPlugin`.
  package struct VerificationPlugin: Sendable, Hashable {
    package var name: String
    /// Semantic version; the installed one must not be lower.
    package var minimumVersion: String?

    package init(name: String, minimumVersion: String? = nil) {
      self.name = name
      self.minimumVersion = minimumVersion
    }
  }

  /// Names of the signed and unsigned headers.
  package enum Header {
    package static let signingScheme = "io.cncf.notary.signingScheme"
    package static let signingTime = "io.cncf.notary.signingTime"
    package static let authenticSigningTime = "io.cncf.notary.authenticSigningTime"
    package static let expiry = "io.cncf.notary.expiry"
    package static let verificationPlugin = "io.cncf.notary.verificationPlugin"
    package static let verificationPluginMinVersion = "io.cncf.notary.verificationPluginMinVersion"
    package static let timestampSignature = "io.cncf.notary.timestampSignature"
    package static let signingAgent = "io.cncf.notary.signingAgent"
  }

  /// Limits of every envelope that is read.
  package enum Limits {
    package static let envelopeBytes = 4 << 20
    package static let certificateBytes = 64 << 10
    package static let chainLength = 16
    package static let timestampBytes = 256 << 10
    package static let attributes = 64
  }

  package var format: Format
  /// What the signature covers: `base64url(protected) "." base64url(payload)`, or the COSE `Sig_structure`.
  package var signedBytes: [UInt8]
  /// `r‖s` for EC, PSS octets for RSA; its length fits `keySpec`.
  package var signature: [UInt8]
  /// What the protected header's algorithm stands for; the signing key must be of exactly this spec.
  package var keySpec: NotaryKeySpec
  /// Media type of the payload; `NotaryPayload.mediaType` for artifacts.
  package var contentType: String
  package var payload: [UInt8]
  package var signingScheme: SigningScheme
  /// Seconds since the epoch: a claim under `notary.x509`, the authentic signing time under `notary.x509.signingAuthority`.
  package var signingTime: Int64
  /// Seconds since the epoch, later than `signingTime`.
  package var expiry: Int64?
  package var verificationPlugin: VerificationPlugin?
  package var extendedAttributes: [ExtendedAttribute]
  /// DER, leaf first. At least one; not yet read.
  package var certificateChain: [[UInt8]]
  /// CMS ContentInfo of an RFC 3161 token over `signature`; not covered by the signature, not read here.
  package var timestampToken: [UInt8]?
  /// Not covered by the signature.
  package var signingAgent: String?

  /// The authentic signing time: only a signing authority states one.
  package var authenticSigningTime: Int64? { signingScheme == .signingAuthority ? signingTime : nil }

  /// Critical attributes nobody here understands: a verifier must refuse the signature because of each.
  package var unknownCritical: [ExtendedAttribute] { extendedAttributes.filter(\.isCritical) }

  /// The payload read as what it claims to be.
  ///
  /// - Throws: also when `contentType` is not the payload's.
  package func artifact() throws(NotaryError) -> NotaryPayload {
    guard contentType == NotaryPayload.mediaType else { throw .badMember(path: "protected.cty", wanted: NotaryPayload.mediaType) }
    return try NotaryPayload.parse(payload)
  }

  /// Reads one envelope of the format that the layer's media type names. Fuzz entry point.
  package static func parse(_ bytes: [UInt8], mediaType: String) throws(NotaryError) -> NotaryEnvelope {
    guard let format = Format(mediaType: mediaType) else { throw .unknownEnvelopeType(mediaType) }
    return try parse(bytes, format: format)
  }

  package static func parse(_ bytes: [UInt8], format: Format) throws(NotaryError) -> NotaryEnvelope {
    guard bytes.count <= Limits.envelopeBytes else { throw .tooLong(what: "the envelope", limit: Limits.envelopeBytes) }
    return switch format {
    case .jws: try JWSNotaryEnvelope.parse(bytes)
    case .cose: try COSENotaryEnvelope.parse(bytes)
    }
  }
}
