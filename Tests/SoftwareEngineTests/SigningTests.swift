import Clocks
import Crypto
import CryptoExtras
import Custody
import Foundation
@testable import SoftwareEngine
import Testing

@Suite("Signatures")
struct SigningTests {
  @Test("Every cell of the table is there")
  func cells() { #expect(Bench.cells.count == 7 * 3 + 4) }

  @Test("openssl verifies every signature, and refuses it for another digest", arguments: Bench.cells)
  func commandLine(cell: Bench.Cell) throws {
    let openssl = try OpenSSL()
    defer { openssl.close() }
    let made = try Bench.key(cell.spec)
    let digest = Bench.digest(cell)
    let signature = try made.handle.sign(digest, cell.algorithm)
    #expect(signature.count == cell.algorithm.signatureLength(for: cell.spec))
    #expect(try openssl.verifies(signature, digest, cell.algorithm, made.key.publicKey))
    var other = digest
    other[0] ^= 1
    #expect(try !openssl.verifies(signature, other, cell.algorithm, made.key.publicKey))
    #expect(try made.handle.verify(signature, digest, cell.algorithm))
    #expect(try !made.handle.verify(signature, other, cell.algorithm))
  }

  @Test("swift-crypto verifies libcrypto's RSA and P-521 signatures over a message's hash", arguments: Bench.specs)
  func otherLibrary(spec: KeySpec) throws {
    let message = Array("a message".utf8)
    let made = try Bench.key(spec)
    switch spec {
    case .rsa:
      let key = try _RSA.Signing.PublicKey(derRepresentation: DER.publicKey(made.key.publicKey))
      for (algorithm, padding) in [(SignatureAlgorithm.rs256, _RSA.Signing.Padding.insecurePKCS1v1_5), (.ps256, .PSS)] {
        let hash = SHA256.hash(data: message)
        #expect(key.isValidSignature(.init(rawRepresentation: try made.handle.sign(Array(hash), algorithm)), for: hash, padding: padding))
      }
      for (algorithm, padding) in [(SignatureAlgorithm.rs384, _RSA.Signing.Padding.insecurePKCS1v1_5), (.ps384, .PSS)] {
        let hash = SHA384.hash(data: message)
        #expect(key.isValidSignature(.init(rawRepresentation: try made.handle.sign(Array(hash), algorithm)), for: hash, padding: padding))
      }
      for (algorithm, padding) in [(SignatureAlgorithm.rs512, _RSA.Signing.Padding.insecurePKCS1v1_5), (.ps512, .PSS)] {
        let hash = SHA512.hash(data: message)
        #expect(key.isValidSignature(.init(rawRepresentation: try made.handle.sign(Array(hash), algorithm)), for: hash, padding: padding))
      }
    case .ec(.p521):
      guard case .ec(_, let x, let y) = made.key.publicKey else { return }
      let key = try P521.Signing.PublicKey(rawRepresentation: x + y)
      let signature = try P521.Signing.ECDSASignature(rawRepresentation: made.handle.sign(Array(SHA512.hash(data: message)), .es512))
      #expect(key.isValidSignature(signature, for: SHA512.hash(data: message)))
    case .ec, .oct: break
    }
  }

  @Test("Signatures that openssl made are verified", arguments: [Curve.p256, .p384, .p521, .p256K])
  func foreignCurveSignature(curve: Curve) throws {
    let openssl = try OpenSSL()
    defer { openssl.close() }
    let algorithm = try #require(SignatureAlgorithm.allCases.first { $0.curve == curve })
    let foreign = try ImportTests.ecKey(openssl, curve)
    let binding = Bench.binding(.ec(curve))
    let handle = try Bench.engine.load(Bench.engine.take(foreign.material, binding).sealed, binding)
    let digest = Entropy.system.bytes(try #require(algorithm.digest).length)
    let der = try openssl.run(["pkeyutl", "-sign", "-inkey", foreign.path, "-in", openssl.write("d", digest)])
    let raw = try SignatureForm.fixedWidth(der[...], curve)
    #expect(DER.signature(raw) == der)
    #expect(try handle.verify(raw, digest, algorithm))
  }

  @Test("Any flipped bit makes a signature invalid, and no length but the right one is looked at", arguments: Bench.cells)
  func flipped(cell: Bench.Cell) throws {
    let made = try Bench.key(cell.spec)
    let digest = Bench.digest(cell)
    let signature = try made.handle.sign(digest, cell.algorithm)
    for index in stride(from: 0, to: signature.count, by: max(1, signature.count / 24)) {
      var wrong = signature
      wrong[index] ^= 1 << UInt8(index % 8)
      #expect(try !made.handle.verify(wrong, digest, cell.algorithm))
    }
    for wrong in [[], [0], Array(signature.dropLast()), Array(signature.dropFirst()), signature + [0], [0] + signature, signature + signature] {
      #expect(try !made.handle.verify(wrong, digest, cell.algorithm))
    }
    for wrong in [[UInt8](repeating: 0, count: signature.count), [UInt8](repeating: 255, count: signature.count)] {
      #expect(try !made.handle.verify(wrong, digest, cell.algorithm))
    }
  }

  /// Group orders: SEC 2 v2 §2.4, FIPS 186-4 D.1.2.
  static let orders: [Curve: String] = [
    .p256: "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
    .p384: "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
    .p521: "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
    .p256K: "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
  ]

  @Test("r and s outside 1 to n−1 are refused, also where they are congruent to good ones", arguments: Curve.allCases)
  func ranges(curve: Curve) throws {
    let algorithm = try #require(SignatureAlgorithm.allCases.first { $0.curve == curve })
    let made = try Bench.key(.ec(curve))
    let digest = Bench.digest(Bench.Cell(algorithm: algorithm, spec: .ec(curve)))
    let width = curve.coordinateLength
    let n = stride(from: 0, to: 2 * width, by: 2).map { position in
      let text = Self.orders[curve]!
      let start = text.index(text.startIndex, offsetBy: position)
      return UInt8(text[start..<text.index(start, offsetBy: 2)], radix: 16)!
    }
    #expect(n.count == width)
    let zero = [UInt8](repeating: 0, count: width)
    // Some signatures until one has an r small enough that r + n still fits the width (certain for P-521, rare elsewhere).
    let signature = try made.handle.sign(digest, algorithm)
    let r = Array(signature.prefix(width)), s = Array(signature.suffix(width))
    var cases = [zero + s, r + zero, zero + zero, n + s, r + n, n + n, s + r]
    if let shifted = sum(r, n) { cases.append(shifted + s) }
    if let shifted = sum(s, n) { cases.append(r + shifted) }
    for (index, wrong) in cases.enumerated() { #expect(try !made.handle.verify(wrong, digest, algorithm), "case \(index)") }
    #expect(cases.count >= (curve == .p521 ? 9 : 7))
    #expect(try made.handle.verify(signature, digest, algorithm))
  }
  private func sum(_ a: [UInt8], _ b: [UInt8]) -> [UInt8]? {
    var carry = 0
    let digits: [UInt8] = zip(a, b).reversed().map { x, y in
      let total = Int(x) + Int(y) + carry
      carry = total >> 8
      return UInt8(total & 255)
    }
    return carry == 0 ? digits.reversed() : nil
  }

  @Test("Fixed width holds over many signatures, short r and s included", arguments: Curve.allCases)
  func width(curve: Curve) throws {
    let algorithm = try #require(SignatureAlgorithm.allCases.first { $0.curve == curve })
    let made = try Bench.key(.ec(curve))
    var shortHalves = 0
    let rounds = curve == .p384 ? 300 : 1200
    for _ in 0..<rounds {
      let digest = Entropy.system.bytes(try #require(algorithm.digest).length)
      let signature = try made.handle.sign(digest, algorithm)
      #expect(signature.count == 2 * curve.coordinateLength)
      let width = curve.coordinateLength
      // For P-521 the first byte holds one bit, so a zero there is nothing special.
      let index = curve == .p521 ? 1 : 0
      if signature[index] == 0 || signature[width + index] == 0 {
        shortHalves += 1
        #expect(try made.handle.verify(signature, digest, algorithm))
      }
    }
    if rounds == 1200 { #expect(shortHalves > 0) }
  }

  @Test("An algorithm of another key, or a digest of another length, never reaches the key", arguments: Bench.specs + [.oct(bits: 256)])
  func misfits(spec: KeySpec) throws {
    let handle = try Bench.key(spec).handle
    for algorithm in SignatureAlgorithm.allCases {
      let length = algorithm.digest?.length ?? 32
      for given in [length, 0, length - 1, length + 1, 20] where !algorithm.fits(spec) || !algorithm.digestLengths(for: spec).contains(given) {
        #expect(failure { try handle.sign([UInt8](repeating: 1, count: given), algorithm) } == .algorithmDoesNotFit, "\(algorithm) \(given)")
      }
    }
  }

  @Test("RSNULL takes up to the modulus less 11 bytes", arguments: KeySpec.rsaSizes)
  func rawPadding(bits: Int) throws {
    let openssl = try OpenSSL()
    defer { openssl.close() }
    let made = try Bench.key(.rsa(bits: bits, publicExponent: 65537))
    for length in [1, 36, bits / 8 - 11] {
      let bytes = Entropy.system.bytes(length)
      let signature = try made.handle.sign(bytes, .rsnull)
      #expect(try made.handle.verify(signature, bytes, .rsnull))
      // pkeyutl -verify takes no input longer than a hash, -verifyrecover shows what was signed.
      let recovered = try openssl.run(
        ["pkeyutl", "-verifyrecover", "-pubin", "-keyform", "DER", "-inkey", openssl.write("pub", DER.publicKey(made.key.publicKey)), "-in", openssl.write("sig", signature)]
          + OpenSSL.options(.rsnull))
      #expect(recovered == bytes)
    }
    for length in [0, bits / 8 - 10] {
      #expect(failure { try made.handle.sign([UInt8](repeating: 1, count: length), .rsnull) } == .algorithmDoesNotFit)
    }
  }

  @Test("PKCS#1 signatures are, byte for byte, those openssl makes with the same key", arguments: [SignatureAlgorithm.rs256, .rs384, .rs512, .rsnull])
  func deterministic(algorithm: SignatureAlgorithm) throws {
    let openssl = try OpenSSL()
    defer { openssl.close() }
    let foreign = try ImportTests.rsaKey(openssl, bits: 2048)
    let binding = Bench.binding(.rsa(bits: 2048, publicExponent: 65537))
    let handle = try Bench.engine.load(Bench.engine.take(foreign.material, binding).sealed, binding)
    let digest = Entropy.system.bytes(algorithm.digest?.length ?? 36)
    let expected = try openssl.run(["pkeyutl", "-sign", "-inkey", foreign.path, "-in", openssl.write("d", digest)] + OpenSSL.options(algorithm))
    #expect(try handle.sign(digest, algorithm) == expected)
  }

  @Test("PSS refuses another salt length, and signs anew each time")
  func salt() throws {
    let openssl = try OpenSSL()
    defer { openssl.close() }
    let foreign = try ImportTests.rsaKey(openssl, bits: 2048)
    let binding = Bench.binding(.rsa(bits: 2048, publicExponent: 65537))
    let handle = try Bench.engine.load(Bench.engine.take(foreign.material, binding).sealed, binding)
    let digest = Entropy.system.bytes(32)
    for (length, valid) in [("0", false), ("20", false), ("32", true), ("max", false)] {
      let signature = try openssl.run(
        ["pkeyutl", "-sign", "-inkey", foreign.path, "-in", openssl.write("d", digest), "-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt", "digest:sha256", "-pkeyopt", "rsa_pss_saltlen:\(length)"])
      #expect(try handle.verify(signature, digest, .ps256) == valid, "salt \(length)")
    }
    #expect(try handle.sign(digest, .ps256) != handle.sign(digest, .ps256))
    #expect(try !handle.verify(handle.sign(digest, .rs256), digest, .ps256))
    #expect(try !handle.verify(handle.sign(digest, .ps256), digest, .rs256))
  }

  @Test("One handle serves many threads at once", arguments: [KeySpec.rsa(bits: 2048, publicExponent: 65537), .ec(.p256), .ec(.p384), .ec(.p521), .ec(.p256K)])
  func threads(spec: KeySpec) async throws {
    let handle = try Bench.key(spec).handle
    let algorithm = try #require(SignatureAlgorithm.allCases.first { $0.fits(spec) })
    let valid = await withTaskGroup(of: Int.self) { group in
      for worker in 0..<8 {
        group.addTask {
          (0..<40).count { step in
            let digest = [UInt8](repeating: UInt8(truncatingIfNeeded: worker * 40 + step), count: algorithm.digest?.length ?? 32)
            return (try? handle.verify(handle.sign(digest, algorithm), digest, algorithm)) == true
          }
        }
      }
      return await group.reduce(0, +)
    }
    #expect(valid == 8 * 40)
  }

  @Test("RSA signing is for the pool, the rest may run inline", arguments: Bench.specs)
  func cheapness(spec: KeySpec) throws {
    let handle = try Bench.key(spec).handle
    #expect(handle.isCheap(.sign) == (spec.type != .rsa))
    #expect(handle.isCheap(.verify))
  }
}
