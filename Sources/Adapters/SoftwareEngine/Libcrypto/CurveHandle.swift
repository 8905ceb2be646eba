import CLibcrypto
import Custody

/// An EC key that libcrypto signs with: P-521 and P-256K. Signatures go out and come in as `r‖s` at fixed width (RFC 7518 §3.4).
final class CurveHandle: KeyHandle {
  private let key: PKey
  private let curve: Curve

  init(_ key: PKey, _ curve: Curve) {
    self.key = key
    self.curve = curve
  }

  func isCheap(_ operation: KeyOperation) -> Bool { true }

  func sign(_ digest: [UInt8], _ algorithm: SignatureAlgorithm) throws(EngineFailure) -> [UInt8] {
    let context = try prepared(algorithm, digest, EVP_PKEY_sign_init)
    defer { EVP_PKEY_CTX_free(context) }
    // SEQUENCE of two INTEGERs: at most 2·(width + 1) bytes and three headers.
    var count = 2 * curve.coordinateLength + 16
    var der = [UInt8](repeating: 0, count: count)
    guard EVP_PKEY_sign(context, &der, &count, digest, digest.count) == 1, count <= der.count else { throw libraryFailure("sign EC") }
    return try SignatureForm.fixedWidth(der.prefix(count), curve)
  }

  func verify(_ signature: [UInt8], _ digest: [UInt8], _ algorithm: SignatureAlgorithm) throws(EngineFailure) -> Bool {
    guard signature.count == 2 * curve.coordinateLength else { return false }
    let context = try prepared(algorithm, digest, EVP_PKEY_verify_init)
    defer { EVP_PKEY_CTX_free(context) }
    let der = try SignatureForm.der(signature, curve)
    let valid = EVP_PKEY_verify(context, der, der.count, digest, digest.count) == 1
    if !valid { ERR_clear_error() }
    return valid
  }

  private func prepared(
    _ algorithm: SignatureAlgorithm, _ digest: [UInt8], _ start: (OpaquePointer?) -> Int32
  ) throws(EngineFailure) -> OpaquePointer {
    guard algorithm.curve == curve, algorithm.digest?.length == digest.count else { throw .algorithmDoesNotFit }
    guard let context = EVP_PKEY_CTX_new_from_pkey(nil, key.pointer, nil) else { throw libraryFailure("prepare EC") }
    guard start(context) == 1 else {
      EVP_PKEY_CTX_free(context)
      throw libraryFailure("prepare EC")
    }
    return context
  }
}

/// ECDSA signatures between libcrypto's DER (`ECDSA-Sig-Value`, RFC 3279 §2.2.3) and `r‖s`.
enum SignatureForm {
  static func fixedWidth(_ der: ArraySlice<UInt8>, _ curve: Curve) throws(EngineFailure) -> [UInt8] {
    let width = curve.coordinateLength
    let parsed = der.withUnsafeBufferPointer { bytes in
      var start = bytes.baseAddress
      return d2i_ECDSA_SIG(nil, &start, bytes.count)
    }
    guard let parsed else { throw libraryFailure("signature form") }
    defer { ECDSA_SIG_free(parsed) }
    var written: (Int32, Int32) = (0, 0)
    let raw = [UInt8](unsafeUninitializedCapacity: 2 * width) { buffer, count in
      written.0 = BN_bn2binpad(ECDSA_SIG_get0_r(parsed), buffer.baseAddress, Int32(width))
      written.1 = BN_bn2binpad(ECDSA_SIG_get0_s(parsed), buffer.baseAddress.map { $0 + width }, Int32(width))
      count = written.0 == Int32(width) && written.1 == Int32(width) ? 2 * width : 0
    }
    guard raw.count == 2 * width else { throw libraryFailure("signature form") }
    return raw
  }

  /// - Parameter raw: exactly twice the coordinate length; the range of r and s is the verifier's business.
  static func der(_ raw: [UInt8], _ curve: Curve) throws(EngineFailure) -> [UInt8] {
    let width = curve.coordinateLength
    guard let form = ECDSA_SIG_new() else { throw libraryFailure("signature form") }
    defer { ECDSA_SIG_free(form) }
    let (r, s) = raw.withUnsafeBufferPointer { bytes in
      (BN_bin2bn(bytes.baseAddress, Int32(width), nil), BN_bin2bn(bytes.baseAddress.map { $0 + width }, Int32(width), nil))
    }
    // On success the form owns both integers.
    guard ECDSA_SIG_set0(form, r, s) == 1 else {
      BN_free(r)
      BN_free(s)
      throw libraryFailure("signature form")
    }
    var der = [UInt8](repeating: 0, count: Int(i2d_ECDSA_SIG(form, nil)))
    let count = der.withUnsafeMutableBufferPointer { buffer in
      var start = buffer.baseAddress
      return Int(i2d_ECDSA_SIG(form, &start))
    }
    guard count == der.count else { throw libraryFailure("signature form") }
    return der
  }
}
