import CLibcrypto

/// Names of key parameters as C strings that live for ever.
///
/// `OSSL_PARAM_BLD_push_…` keeps the pointer to the name, so a Swift string bridged for the call would be gone too early.
/// Source: openssl/core_names.h (EVP_PKEY-RSA(7), EVP_PKEY-EC(7)).
enum ParameterName {
  static func pointer(_ name: StaticString) -> UnsafePointer<CChar> { UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self) }

  static var rsaModulus: UnsafePointer<CChar> { pointer("n") }
  static var rsaPublicExponent: UnsafePointer<CChar> { pointer("e") }
  static var rsaPrivateExponent: UnsafePointer<CChar> { pointer("d") }
  static var rsaFactor1: UnsafePointer<CChar> { pointer("rsa-factor1") }
  static var rsaFactor2: UnsafePointer<CChar> { pointer("rsa-factor2") }
  static var rsaExponent1: UnsafePointer<CChar> { pointer("rsa-exponent1") }
  static var rsaExponent2: UnsafePointer<CChar> { pointer("rsa-exponent2") }
  static var rsaCoefficient1: UnsafePointer<CChar> { pointer("rsa-coefficient1") }
  static var group: UnsafePointer<CChar> { pointer("group") }
  static var publicPoint: UnsafePointer<CChar> { pointer("pub") }
  static var privateScalar: UnsafePointer<CChar> { pointer("priv") }
}
