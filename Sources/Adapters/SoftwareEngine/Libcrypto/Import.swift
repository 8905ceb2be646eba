import CLibcrypto
import Custody
import Secrets

extension PKey {
  /// Builds and checks an RSA key: p·q = n, both prime, d·e ≡ 1 modulo lcm(p−1, q−1), CRT members right if given.
  ///
  /// The CRT members are always computed anew, so that a wrong one cannot turn a signature into a leak of the factors.
  static func importRSA(_ parts: ImportedKey.RSAParts, bits: Int, publicExponent: UInt64) throws(EngineFailure) -> PKey {
    for member in [parts.d, parts.p, parts.q] + [parts.dp, parts.dq, parts.qi].compactMap({ $0 }) {
      guard member.count <= ImportedKey.longestMember else { throw .material(.rsaMemberTooLong) }
    }
    let n = try PublicNumber(parts.n), e = try PublicNumber(parts.e)
    let d = try SecretNumber(parts.d), p = try SecretNumber(parts.p), q = try SecretNumber(parts.q)
    guard Int(BN_num_bits(n.pointer)) == bits else { throw .material(.rsaModulusSize(bits: Int(BN_num_bits(n.pointer)))) }
    guard BN_get_word(e.pointer) == UInt(publicExponent) else { throw .material(.rsaExponent) }
    // Both factors at half the size: what every generator makes and what the library's checks expect.
    guard Int(BN_num_bits(p.pointer)) == bits / 2, Int(BN_num_bits(q.pointer)) == bits / 2, BN_num_bits(d.pointer) > 1,
      BN_num_bits(d.pointer) <= BN_num_bits(n.pointer), BN_is_odd(p.pointer) == 1, BN_is_odd(q.pointer) == 1
    else { throw .material(.rsaInconsistent) }

    guard let arithmetic = BN_CTX_secure_new() else { throw libraryFailure("import RSA") }
    defer { BN_CTX_free(arithmetic) }
    let dp = try reduced(d, byPredecessorOf: p, arithmetic), dq = try reduced(d, byPredecessorOf: q, arithmetic)
    let qi = try SecretNumber()
    guard BN_mod_inverse(qi.pointer, q.pointer, p.pointer, arithmetic) != nil else {
      ERR_clear_error()
      throw .material(.rsaInconsistent)
    }
    try demand(parts.dp, equals: dp)
    try demand(parts.dq, equals: dq)
    try demand(parts.qi, equals: qi)

    guard let builder = OSSL_PARAM_BLD_new() else { throw libraryFailure("import RSA") }
    defer { OSSL_PARAM_BLD_free(builder) }
    guard OSSL_PARAM_BLD_push_BN(builder, ParameterName.rsaModulus, n.pointer) == 1,
      OSSL_PARAM_BLD_push_BN(builder, ParameterName.rsaPublicExponent, e.pointer) == 1,
      OSSL_PARAM_BLD_push_BN(builder, ParameterName.rsaPrivateExponent, d.pointer) == 1,
      OSSL_PARAM_BLD_push_BN(builder, ParameterName.rsaFactor1, p.pointer) == 1,
      OSSL_PARAM_BLD_push_BN(builder, ParameterName.rsaFactor2, q.pointer) == 1,
      OSSL_PARAM_BLD_push_BN(builder, ParameterName.rsaExponent1, dp.pointer) == 1,
      OSSL_PARAM_BLD_push_BN(builder, ParameterName.rsaExponent2, dq.pointer) == 1,
      OSSL_PARAM_BLD_push_BN(builder, ParameterName.rsaCoefficient1, qi.pointer) == 1
    else { throw libraryFailure("import RSA") }
    guard let key = try build("RSA", builder) else { throw .material(.rsaInconsistent) }
    guard key.passes(EVP_PKEY_check) else { throw .material(.rsaInconsistent) }
    return key
  }

  /// Builds and checks an EC key: the point is on the curve and in the right subgroup, and `d` belongs to it.
  /// - Parameters x, y: at fixed width.
  static func importEC(_ curve: Curve, x: [UInt8], y: [UInt8], d: SecretBytes) throws(EngineFailure) -> PKey {
    guard d.count <= ImportedKey.longestMember else { throw .material(.curveScalarInvalid) }
    let scalar = try SecretNumber(d)
    guard BN_num_bits(scalar.pointer) > 0, (Int(BN_num_bits(scalar.pointer)) + 7) / 8 <= curve.coordinateLength else {
      throw .material(.curveScalarInvalid)
    }
    let point = [4] + x + y
    guard try build(point, curve, scalar: nil)?.passes(EVP_PKEY_public_check) == true else { throw .material(.curvePointInvalid) }
    guard let key = try build(point, curve, scalar: scalar.pointer), key.passes(EVP_PKEY_check) else {
      throw .material(.curveScalarInvalid)
    }
    return key
  }

  // MARK: - Steps

  private static func build(_ point: [UInt8], _ curve: Curve, scalar: OpaquePointer?) throws(EngineFailure) -> PKey? {
    guard let builder = OSSL_PARAM_BLD_new() else { throw libraryFailure("import EC") }
    defer { OSSL_PARAM_BLD_free(builder) }
    // The builder keeps pointers to names and values until the parameters are made: `build` happens inside both scopes.
    return try point.withUnsafeBufferPointer { point throws(EngineFailure) in
      let outcome: Result<PKey?, EngineFailure> = curve.groupName.withCString { group in
        guard OSSL_PARAM_BLD_push_utf8_string(builder, ParameterName.group, group, 0) == 1,
          OSSL_PARAM_BLD_push_octet_string(builder, ParameterName.publicPoint, point.baseAddress, point.count) == 1,
          scalar == nil || OSSL_PARAM_BLD_push_BN(builder, ParameterName.privateScalar, scalar) == 1
        else { return .failure(libraryFailure("import EC")) }
        return Result { () throws(EngineFailure) in try build("EC", builder, publicOnly: scalar == nil) }
      }
      return try outcome.get()
    }
  }

  /// - Returns: nil if the library takes the members for no key of that kind.
  private static func build(_ kind: String, _ builder: OpaquePointer, publicOnly: Bool = false) throws(EngineFailure) -> PKey? {
    guard let parameters = OSSL_PARAM_BLD_to_param(builder) else { throw libraryFailure("import") }
    defer { OSSL_PARAM_free(parameters) }
    guard let context = EVP_PKEY_CTX_new_from_name(nil, kind, nil) else { throw libraryFailure("import") }
    defer { EVP_PKEY_CTX_free(context) }
    var key: OpaquePointer?
    guard EVP_PKEY_fromdata_init(context) == 1 else { throw libraryFailure("import") }
    guard EVP_PKEY_fromdata(context, &key, publicOnly ? hallmark_public_selection : hallmark_keypair_selection, parameters) == 1,
      let key
    else {
      ERR_clear_error()
      return nil
    }
    return PKey(owning: key)
  }

  private func passes(_ check: (OpaquePointer?) -> Int32) -> Bool {
    guard let context = EVP_PKEY_CTX_new_from_pkey(nil, pointer, nil) else { return false }
    defer { EVP_PKEY_CTX_free(context) }
    let passed = check(context) == 1
    ERR_clear_error()
    return passed
  }

  /// value mod (prime − 1)
  private static func reduced(
    _ value: borrowing SecretNumber, byPredecessorOf prime: borrowing SecretNumber, _ arithmetic: OpaquePointer
  ) throws(EngineFailure) -> SecretNumber {
    let predecessor = try SecretNumber()
    let result = try SecretNumber()
    guard BN_copy(predecessor.pointer, prime.pointer) != nil, BN_sub_word(predecessor.pointer, 1) == 1,
      BN_div(nil, result.pointer, value.pointer, predecessor.pointer, arithmetic) == 1
    else { throw libraryFailure("import RSA") }
    return result
  }

  private static func demand(_ given: SecretBytes?, equals computed: borrowing SecretNumber) throws(EngineFailure) {
    guard let given else { return }
    let number = try SecretNumber(given)
    guard BN_cmp(number.pointer, computed.pointer) == 0 else { throw .material(.rsaInconsistent) }
  }
}
