import Custody

/// Which library does what. The one place where this is decided.
///
/// | key | library | why (measured against the other one) |
/// |---|---|---|
/// | RSA, all sizes and algorithms | libcrypto | signs a caller's digest; 1.6–2.1 times as fast at 2048, more with newer libraries |
/// | EC P-256 | swift-crypto | 1.1 times as fast |
/// | EC P-384 | swift-crypto | 1.4–1.8 times as fast as OpenSSL 3.0 |
/// | EC P-521 | libcrypto | 3.7–4.0 times as fast |
/// | EC P-256K | libcrypto | not in swift-crypto |
/// | oct, AES-GCM of the seal | swift-crypto | never the bottleneck |
enum LibraryTable {
  enum Library { case libcrypto, swiftCrypto }

  static func library(for curve: Curve) -> Library {
    switch curve {
    case .p256, .p384: .swiftCrypto
    case .p521, .p256K: .libcrypto
    }
  }
}
