import SwiftASN1
import X509

/// What a certificate says of itself.
enum CertificateKind {
  /// Whether its basic constraints name it a CA (RFC 5280 §4.2.1.9); false also for what is no certificate.
  static func isAuthority(_ der: [UInt8]) -> Bool {
    guard let certificate = try? Certificate(derEncoded: der), let constraints = try? certificate.extensions.basicConstraints else { return false }
    if case .isCertificateAuthority = constraints { return true }
    return false
  }
}
