package import Clocks
internal import Encodings
internal import X509

extension CertificateChain {
  /// What the key of the chain is certified for.
  package enum Purpose: String, Sendable, Hashable {
    case signing
    case authority
  }

  package var purpose: Purpose { leaf.isAuthority ? .authority : .signing }

  /// Every rule but trust: each certificate valid at that time, and the profile of its purpose.
  package func check(at now: Instant) throws(IssuanceError) {
    try checkTime(at: now)
    try checkProfile()
  }

  package func checkTime(at now: Instant) throws(IssuanceError) {
    for (index, certificate) in certificates.enumerated() {
      guard certificate.notBefore <= now.seconds else {
        throw .notYetValid(position: index + 1, subject: certificate.subject, from: IssuanceTime.text(certificate.notBefore))
      }
      guard now.seconds <= certificate.notAfter else {
        throw .expired(position: index + 1, subject: certificate.subject, at: IssuanceTime.text(certificate.notAfter))
      }
    }
  }

  /// The chain may sign artifacts: its leaf is no authority and keeps the Notary Project profile, and so do the authorities above it.
  package func checkSigning(at now: Instant) throws(IssuanceError) {
    guard purpose == .signing else {
      throw .profile(subject: leaf.subject, why: "it is a certificate authority's, which may not sign artifacts")
    }
    try check(at: now)
  }
}

enum IssuanceTime {
  static func text(_ seconds: Int64) -> String { ISO8601.format(seconds: seconds) }
}
