import Crypto
import CryptoExtras
import Encodings
import Foundation
import Testing
import Trust

@Suite("Public keys")
struct PublicKeyTests {
  @Test("A JWK of the HSM and the PEM of another library are the same key")
  func jwkAndPEM() throws {
    let key = P256.Signing.PrivateKey().publicKey
    let raw = Array(key.rawRepresentation)
    let jwk: JSONValue = [
      "kty": "EC-HSM", "crv": "P-256", "x": .string(Base64URL.encode(raw[..<32])), "y": .string(Base64URL.encode(raw[32...])),
    ]
    let read = try PublicKey(jwk: jwk)
    #expect(read == (try PublicKey(pem: key.pemRepresentation.utf8)))
    #expect(read.spki == Array(key.derRepresentation))
    #expect(read.fingerprint == Array(SHA256.hash(data: key.derRepresentation)))

    let other = P384.Signing.PrivateKey().publicKey
    let point = Array(other.rawRepresentation)
    let second: JSONValue = [
      "kty": "EC", "crv": "P-384", "x": .string(Base64URL.encode(point[..<48])), "y": .string(Base64URL.encode(point[48...])),
    ]
    #expect(try PublicKey(jwk: second).spki == Array(other.derRepresentation))

    let large = P521.Signing.PrivateKey().publicKey
    let wide = Array(large.rawRepresentation)
    let third: JSONValue = [
      "kty": "EC", "crv": "P-521", "x": .string(Base64URL.encode(wide[..<66])), "y": .string(Base64URL.encode(wide[66...])),
    ]
    #expect(try PublicKey(jwk: third).spki == Array(large.derRepresentation))
  }

  @Test("An RSA JWK is the same key as its PEM")
  func rsa() throws {
    let key = try _RSA.Signing.PrivateKey(keySize: .bits2048).publicKey
    let numbers = try key.getKeyPrimitives()
    let jwk: JSONValue = [
      "kty": "RSA-HSM", "n": .string(Base64URL.encode(numbers.modulus)), "e": .string(Base64URL.encode(numbers.publicExponent)),
    ]
    let read = try PublicKey(jwk: jwk)
    #expect(read.kind == .rsa(bits: 2048))
    #expect(read == (try PublicKey(pem: key.pemRepresentation.utf8)))
  }

  @Test("A secp256k1 key made by openssl is read")
  func p256K() throws {
    // openssl ecparam -name secp256k1 -genkey -noout | openssl ec -pubout
    let pem = """
      -----BEGIN PUBLIC KEY-----
      MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAE9gK6rL5/VT4Hz7byzGOSZWEkEDllzsBJ
      DpFvX3JHllVof4GRjt7g973AfgcJXupWfEJopZUrJDcUSfrkRhKRCw==
      -----END PUBLIC KEY-----
      """
    let key = try PublicKey(pem: pem.utf8)
    #expect(key.kind == .ec(.p256K))
  }

  @Test("Texts that are no public key are refused")
  func refusals() {
    let private256 = P256.Signing.PrivateKey().pemRepresentation
    let one = P256.Signing.PrivateKey().publicKey.pemRepresentation
    for text in ["", "x", private256, one + "\n" + one, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"] {
      #expect(throws: TrustError.self) { try PublicKey(pem: text.utf8) }
    }
  }

  @Test("Ed25519, a point off the curve, and RSA below 2048 bits are refused")
  func weak() throws {
    let ed = Curve25519.Signing.PrivateKey().publicKey
    let header: [UInt8] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00]
    #expect(throws: TrustError.self) { try PublicKey(spki: header + ed.rawRepresentation) }
    let x = Base64URL.encode([UInt8](repeating: 1, count: 32))
    #expect(throws: TrustError.self) { try PublicKey(jwk: ["kty": "EC", "crv": "P-256", "x": .string(x), "y": .string(x)]) }
    let small = try _RSA.Signing.PrivateKey(unsafeKeySize: .init(bitCount: 1024)).publicKey
    #expect(throws: TrustError.self) { try PublicKey(spki: Array(small.derRepresentation)) }
  }

  @Test("A JWK with missing, short or foreign members is refused")
  func badJWK() {
    let good = Base64URL.encode([UInt8](repeating: 1, count: 32))
    let cases: [JSONValue] = [
      .null, [:], ["kty": "oct-HSM"], ["kty": "EC"], ["kty": "EC", "crv": "P-256"], ["kty": "EC", "crv": "P-256", "x": .string(good)],
      ["kty": "EC", "crv": "P-384", "x": .string(good), "y": .string(good)], ["kty": "EC", "crv": "brainpool", "x": .string(good), "y": .string(good)],
      ["kty": "RSA", "n": "AQAB"], ["kty": "RSA", "n": "!", "e": "AQAB"], ["kty": "RSA", "n": "AQAB", "e": "AQAB"],
    ]
    for jwk in cases { #expect(throws: TrustError.self) { try PublicKey(jwk: jwk) } }
  }
}
