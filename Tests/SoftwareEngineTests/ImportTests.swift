import CLibcrypto
import Custody
import Secrets
@testable import SoftwareEngine
import Testing

/// A key that openssl made, as a file of its own and as material to import.
struct ForeignKey: ~Copyable {
  let path: String
  let material: ImportedKey
}

@Suite("Imported keys")
struct ImportTests {
  static func secret(_ bytes: [UInt8]) -> SecretBytes { bytes.withUnsafeBytes { SecretBytes(copying: $0) } }

  typealias Members = [String: [UInt8]]

  static func rsaMembers(_ openssl: OpenSSL, bits: Int, exponent: Int = 65537) throws -> (path: String, Members) {
    let (path, members) = try openssl.newKey(["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:\(bits)", "-pkeyopt", "rsa_keygen_pubexp:\(exponent)"])
    return (
      path,
      [
        "n": try #require(members["modulus"]), "e": [UInt8(exponent >> 16), UInt8(exponent >> 8 & 255), UInt8(exponent & 255)],
        "d": try #require(members["privateExponent"]), "p": try #require(members["prime1"]), "q": try #require(members["prime2"]),
        "dp": try #require(members["exponent1"]), "dq": try #require(members["exponent2"]), "qi": try #require(members["coefficient"]),
      ]
    )
  }

  static func imported(rsa m: Members) -> ImportedKey {
    ImportedKey(
      .rsa(
        ImportedKey.RSAParts(
          n: m["n"]!, e: m["e"]!, d: secret(m["d"]!), p: secret(m["p"]!), q: secret(m["q"]!), dp: m["dp"].map(secret), dq: m["dq"].map(secret),
          qi: m["qi"].map(secret))))
  }

  static func rsaKey(_ openssl: OpenSSL, bits: Int) throws -> ForeignKey {
    let (path, members) = try rsaMembers(openssl, bits: bits)
    return ForeignKey(path: path, material: imported(rsa: members))
  }

  static func ecMembers(_ openssl: OpenSSL, _ curve: Curve) throws -> (path: String, d: [UInt8], point: [UInt8]) {
    let (path, members) = try openssl.newKey(["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:\(curve.groupName)"])
    return (path, try #require(members["priv"]), Array(try #require(members["pub"]).dropFirst()))
  }

  static func imported(_ curve: Curve, d: [UInt8], point: [UInt8]) -> ImportedKey {
    ImportedKey(.ec(curve, x: Array(point.prefix(point.count / 2)), y: Array(point.suffix(point.count / 2)), d: secret(d)))
  }

  static func ecKey(_ openssl: OpenSSL, _ curve: Curve) throws -> ForeignKey {
    let (path, d, point) = try ecMembers(openssl, curve)
    return ForeignKey(path: path, material: imported(curve, d: d, point: point))
  }

  @Test("An RSA key with leading zeros everywhere, with or without CRT members, is the same key", arguments: KeySpec.rsaSizes)
  func rsa(bits: Int) throws {
    let openssl = try OpenSSL()
    defer { openssl.close() }
    let (path, members) = try Self.rsaMembers(openssl, bits: bits)
    var bare = members.mapValues { [0, 0] + $0 }
    for name in ["dp", "dq", "qi"] { bare[name] = nil }
    for variant in [members, members.mapValues { [0, 0, 0] + $0 }, bare] {
      let binding = Bench.binding(.rsa(bits: bits, publicExponent: 65537))
      let made = try Bench.engine.take(Self.imported(rsa: variant), binding)
      #expect(made.publicKey == .rsa(modulus: Array(members["n"]!.drop { $0 == 0 }), exponent: [1, 0, 1]))
      let digest = [UInt8](repeating: 3, count: 32)
      let expected = try openssl.run(["pkeyutl", "-sign", "-inkey", path, "-in", openssl.write("d", digest)] + OpenSSL.options(.rs256))
      #expect(try Bench.engine.load(made.sealed, binding).sign(digest, .rs256) == expected)
    }
  }

  @Test("A public exponent of 3 is taken")
  func smallExponent() throws {
    let openssl = try OpenSSL()
    defer { openssl.close() }
    let (_, members) = try Self.rsaMembers(openssl, bits: 2048, exponent: 3)
    let made = try Bench.engine.take(Self.imported(rsa: members), Bench.binding(.rsa(bits: 2048, publicExponent: 3)))
    guard case .rsa(_, let exponent) = made.publicKey else { return }
    #expect(exponent == [3])
  }

  @Test("Factors may come in either order")
  func swappedFactors() throws {
    let openssl = try OpenSSL()
    defer { openssl.close() }
    var (_, members) = try Self.rsaMembers(openssl, bits: 2048)
    (members["p"], members["q"]) = (members["q"], members["p"])
    for name in ["dp", "dq", "qi"] { members[name] = nil }
    _ = try Bench.engine.take(Self.imported(rsa: members), Bench.binding(.rsa(bits: 2048, publicExponent: 65537)))
  }

  @Test("An RSA key with any member changed is refused", arguments: ["n", "d", "p", "q", "dp", "dq", "qi"])
  func brokenRSA(member: String) throws {
    let openssl = try OpenSSL()
    defer { openssl.close() }
    let (_, members) = try Self.rsaMembers(openssl, bits: 2048)
    let binding = Bench.binding(.rsa(bits: 2048, publicExponent: 65537))
    for change: (inout [UInt8]) -> Void in [
      { $0[$0.count / 2] ^= 0x10 }, { $0[$0.count - 1] ^= 2 }, { $0 = [1] }, { $0 = [0] }, { $0 = [] }, { $0 = [UInt8](repeating: 255, count: 600) },
    ] {
      var broken = members
      change(&broken[member]!)
      let refused = failure { try Bench.engine.take(Self.imported(rsa: broken), binding) }
      guard case .material = refused else {
        Issue.record("\(member): \(String(describing: refused))")
        return
      }
    }
    var broken = members
    broken["p"] = members["q"]
    #expect(failure { try Bench.engine.take(Self.imported(rsa: broken), binding) } == .material(.rsaInconsistent))
  }

  /// n = p·q with p = a·b composite and d right for all three primes: such a key signs well, and only a primality check notices.
  @Test("A composite factor is refused although everything else is right")
  func compositeFactor() throws {
    let openssl = try OpenSSL()
    defer { openssl.close() }
    var refusals = 0
    while refusals < 2 {
      let (_, outer) = try Self.rsaMembers(openssl, bits: 2048), (_, inner) = try Self.rsaMembers(openssl, bits: 1024)
      let arithmetic = BN_CTX_new()
      defer { BN_CTX_free(arithmetic) }
      func number(_ bytes: [UInt8]?) -> OpaquePointer? { BN_bin2bn(bytes ?? [], Int32(bytes?.count ?? 0), nil) }
      func bytes(_ number: OpaquePointer?) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: (Int(BN_num_bits(number)) + 7) / 8)
        BN_bn2bin(number, &bytes)
        return bytes
      }
      let n = BN_new(), phi = BN_new(), a = number(inner["p"]), b = number(inner["q"]), q = number(outer["q"]), e = number([1, 0, 1])
      defer { for value in [n, phi, a, b, q, e] { BN_free(value) } }
      BN_mul(n, number(inner["n"]), q, arithmetic)
      guard BN_num_bits(n) == 2048 else { continue }
      for prime in [a, b, q] { BN_sub_word(prime, 1) }
      BN_mul(phi, a, b, arithmetic)
      BN_mul(phi, phi, q, arithmetic)
      guard let d = BN_mod_inverse(nil, e, phi, arithmetic) else { continue }
      defer { BN_free(d) }
      let made = ["n": bytes(n), "e": [1, 0, 1], "d": bytes(d), "p": inner["n"]!, "q": outer["q"]!]
      let refused = failure { try Bench.engine.take(Self.imported(rsa: made), Bench.binding(.rsa(bits: 2048, publicExponent: 65537))) }
      #expect(refused == .material(.rsaInconsistent))
      refusals += 1
    }
  }

  @Test("An EC key with leading zeros is the same key, and signs as openssl's", arguments: Curve.allCases)
  func ec(curve: Curve) throws {
    let openssl = try OpenSSL()
    defer { openssl.close() }
    let (_, d, point) = try Self.ecMembers(openssl, curve)
    let algorithm = try #require(SignatureAlgorithm.allCases.first { $0.curve == curve })
    let x = Array(point.prefix(curve.coordinateLength)), y = Array(point.suffix(curve.coordinateLength))
    for (prefix, scalar) in [([UInt8](), d), ([0, 0], [0, 0, 0] + d), ([0], Array(d.drop { $0 == 0 }))] {
      let binding = Bench.binding(.ec(curve))
      let made = try Bench.engine.take(ImportedKey(.ec(curve, x: prefix + x, y: prefix + y, d: Self.secret(scalar))), binding)
      #expect(made.publicKey == .ec(curve, x: x, y: y))
      let digest = [UInt8](repeating: 3, count: algorithm.digest!.length)
      #expect(try openssl.verifies(Bench.engine.load(made.sealed, binding).sign(digest, algorithm), digest, algorithm, made.publicKey))
    }
  }

  @Test("A point off the curve and a scalar that does not belong to it are refused", arguments: Curve.allCases)
  func brokenEC(curve: Curve) throws {
    let openssl = try OpenSSL()
    defer { openssl.close() }
    let (_, d, point) = try Self.ecMembers(openssl, curve), (_, otherD, otherPoint) = try Self.ecMembers(openssl, curve)
    let binding = Bench.binding(.ec(curve))
    func refusal(_ d: [UInt8], _ point: [UInt8]) -> EngineFailure? { failure { try Bench.engine.take(Self.imported(curve, d: d, point: point), binding) } }
    var off = point
    off[off.count - 1] ^= 1
    #expect(refusal(d, off) == .material(.curvePointInvalid))
    #expect(refusal(d, [UInt8](repeating: 0, count: point.count)) == .material(.curvePointInvalid))
    #expect(refusal(d, [UInt8](repeating: 255, count: point.count)) == .material(.curvePointInvalid))
    #expect(refusal(d, point + point) == .material(.curvePointInvalid))
    #expect(refusal(d, []) == .material(.curvePointInvalid))
    #expect(refusal(otherD, point) == .material(.curveScalarInvalid))
    #expect(refusal(d, otherPoint) == .material(.curveScalarInvalid))
    #expect(refusal([], point) == .material(.curveScalarInvalid))
    #expect(refusal([UInt8](repeating: 0, count: curve.coordinateLength), point) == .material(.curveScalarInvalid))
    #expect(refusal([UInt8](repeating: 255, count: curve.coordinateLength), point) == .material(.curveScalarInvalid))
    #expect(refusal([1] + [UInt8](repeating: 0, count: 70), point) == .material(.curveScalarInvalid))
    #expect(refusal([UInt8](repeating: 1, count: 5000), point) == .material(.curveScalarInvalid))
  }

  @Test("Material that is not what the binding says is refused")
  func otherSpec() throws {
    let key = ImportedKey(.oct(Self.secret([1, 2, 3])))
    for spec: KeySpec in [.oct(bits: 16), .ec(.p256), .rsa(bits: 2048, publicExponent: 3)] {
      #expect(failure { try Bench.engine.take(key, Bench.binding(spec)) } == .bindingBroken)
    }
    _ = try Bench.engine.take(key, Bench.binding(.oct(bits: 24)))
  }
}
