import CLibcrypto
import Custody

extension PKey {
  /// About 70 ms for 2048 bits, up to seconds for 4096.
  static func generateRSA(bits: Int, publicExponent: UInt64) throws(EngineFailure) -> PKey {
    guard let context = EVP_PKEY_CTX_new_from_name(nil, "RSA", nil) else { throw libraryFailure("generate RSA") }
    defer { EVP_PKEY_CTX_free(context) }
    guard let exponent = BN_new() else { throw libraryFailure("generate RSA") }
    defer { BN_free(exponent) }
    var key: OpaquePointer?
    guard BN_set_word(exponent, UInt(publicExponent)) == 1, EVP_PKEY_keygen_init(context) == 1,
      EVP_PKEY_CTX_set_rsa_keygen_bits(context, Int32(bits)) == 1,
      EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context, exponent) == 1, EVP_PKEY_generate(context, &key) == 1, let key
    else { throw libraryFailure("generate RSA") }
    return PKey(owning: key)
  }

  static func generateEC(_ curve: Curve) throws(EngineFailure) -> PKey {
    guard let context = EVP_PKEY_CTX_new_from_name(nil, "EC", nil) else { throw libraryFailure("generate EC") }
    defer { EVP_PKEY_CTX_free(context) }
    var key: OpaquePointer?
    guard EVP_PKEY_keygen_init(context) == 1, EVP_PKEY_CTX_set_group_name(context, curve.groupName) == 1,
      EVP_PKEY_generate(context, &key) == 1, let key
    else { throw libraryFailure("generate EC") }
    return PKey(owning: key)
  }
}
