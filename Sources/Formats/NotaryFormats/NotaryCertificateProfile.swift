internal import X509

/// The rules that notation enforces on every signing chain, before any question of trust.
///
/// Source: signature-specification, "Certificate Requirements", and what notation 1.3 was seen to refuse. Stricter than notation in one point:
/// `anyExtendedKeyUsage` on a leaf, which the specification forbids, is refused here.
package enum NotaryCertificateProfile {
  /// One rule a chain breaks. `position` counts from 1, the leaf.
  package enum Violation: Error, Equatable, Sendable, CustomStringConvertible {
    case keyNotSupported
    case leafIsAuthority
    case keyUsageMissing(position: Int)
    case keyUsageNotCritical(position: Int)
    case leafCannotSign
    case leafUsageForbidden(String)
    case purposeForbidden(String)
    case notAnAuthority(position: Int, why: String)
    case pathTooLong(position: Int)
    case cannotSignCertificates(position: Int)
    case weakSignature(position: Int)
    case notIssuedByNext(position: Int)
    case rootNotSelfSigned
    case selfSignedInside(position: Int)
    case notYetValid(position: Int, since: Int64)
    case expired(position: Int, at: Int64)
    case unreadableExtension(position: Int, String)

    package var description: String { text }
  }
}
