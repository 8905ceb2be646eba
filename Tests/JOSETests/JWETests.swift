import Encodings
import JOSE
import Secrets
import Testing

private func secret(_ bytes: [UInt8]) -> SecretBytes {
  var copy = bytes
  return SecretBytes(wiping: &copy)
}

private func random(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255) } }

struct JWETests {
  /// The vector of the wire contract §5.4; it decrypts with the az CLI's code.
  static let az =
    "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIiwia2lkIjoiaHNtX2JhY2t1cCJ9..AAECAwQFBgcICQoLDA0ODw.QmYUkaVCMFbsQ5kYjULDiA.aVIH4tx7nBjdBYceCx_56AbDewYRgCVK8U-ojnqCO-Y"

  static var azKey: SecretBytes { SP800108.derive(key: secret([UInt8](0..<32)), label: Array("hsm_backup".utf8), bits: 512) }
  static var rsaKey: RSADecryptionKey {
    get throws { try RSADecryptionKey(pem: Array(PEM.encode(try Base64.decode(JWEVector.pkcs8), label: "PRIVATE KEY").utf8)) }
  }

  @Test("The az CLI's direct vector is written byte for byte and opens")
  func direct() throws {
    let text = try JWE.encrypt(secret(Array("hallmark".utf8)), directKey: Self.azKey, kid: "hsm_backup") { [UInt8](0..<UInt8($0)) }
    #expect(text == Self.az)
    let jwe = try JWE.parse(Self.az)
    #expect(jwe.kid == "hsm_backup")
    #expect(jwe.algorithm == .direct)
    #expect(try jwe.decrypt(directKey: Self.azKey).isEqual(to: secret(Array("hallmark".utf8))))
  }

  @Test("A text encrypted by another implementation opens with both PEM forms of the key")
  func foreign() throws {
    for (body, label) in [(JWEVector.pkcs8, "PRIVATE KEY"), (JWEVector.pkcs1, "RSA PRIVATE KEY")] {
      let key = try RSADecryptionKey(pem: Array(PEM.encode(try Base64.decode(body), label: label).utf8))
      #expect(try JWE.parse(JWEVector.text).decrypt(with: key).isEqual(to: secret(Array("hallmark".utf8))))
    }
  }

  @Test("What we encrypt to a key opens with it, for every plaintext length around the block")
  func roundTrip() throws {
    let key = try Self.rsaKey
    for count in 0...33 {
      let plaintext = secret(random(count))
      let text = try JWE.encrypt(plaintext, to: key.publicKey, kid: "not used", entropy: random)
      #expect(text.hasPrefix(Base64URL.encode(#"{"alg":"RSA-OAEP-256","enc":"A256CBC-HS512","kid":"not used"}"#.utf8) + "."))
      #expect(try JWE.parse(text).decrypt(with: key).isEqual(to: plaintext))
    }
  }

  @Test("A change in any part is refused without saying why")
  func changed() throws {
    let key = try Self.rsaKey
    for (text, isDirect) in [(Self.az, true), (JWEVector.text, false)] {
      let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
      for part in 1..<5 where !parts[part].isEmpty {
        var bytes = try Base64URL.decode(parts[part])
        for i in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 8)) {
          bytes[i] ^= 1
          var other = parts
          other[part] = Base64URL.encode(bytes)
          bytes[i] ^= 1
          let jwe = try JWE.parse(other.joined(separator: "."))
          #expect(throws: JOSEError.decryptionFailed) { isDirect ? try jwe.decrypt(directKey: Self.azKey) : try jwe.decrypt(with: key) }
        }
      }
      let renamed = Base64URL.encode(#"{"alg":"\#(isDirect ? "dir" : "RSA-OAEP-256")","enc":"A256CBC-HS512","kid":"other"}"#.utf8)
      let jwe = try JWE.parse(([renamed] + parts[1...]).joined(separator: "."))
      #expect(throws: JOSEError.decryptionFailed) { isDirect ? try jwe.decrypt(directKey: Self.azKey) : try jwe.decrypt(with: key) }
    }
    #expect(throws: JOSEError.decryptionFailed) { try JWE.parse(Self.az).decrypt(directKey: secret(random(64))) }
    #expect(throws: JOSEError.decryptionFailed) { try JWE.parse(Self.az).decrypt(directKey: secret(random(32))) }
    #expect(throws: JOSEError.algorithmRefused("dir")) { try JWE.parse(Self.az).decrypt(with: key) }
    #expect(throws: JOSEError.algorithmRefused("RSA-OAEP-256")) { try JWE.parse(JWEVector.text).decrypt(directKey: Self.azKey) }
  }

  @Test("A tag of another length than 32 bytes is refused, never skipped")
  func tagLength() throws {
    let parts = Self.az.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    for count in [0, 16, 31, 33, 64] {
      let tag = Base64URL.encode([UInt8](repeating: 0, count: count))
      #expect(throws: JOSEError.badMember("tag")) { try JWE.parse((parts[..<4] + [tag]).joined(separator: ".")) }
    }
  }

  @Test("Other algorithms, methods and extensions are refused")
  func headers() {
    func parse(_ header: String) throws(JOSEError) { _ = try JWE.parse(Base64URL.encode(header.utf8) + "..AAECAwQFBgcICQoLDA0ODw.QmYUkaVCMFbsQ5kYjULDiA.AA") }
    #expect(throws: JOSEError.algorithmRefused("unknown")) { try parse(#"{"alg":"RSA1_5","enc":"A256CBC-HS512"}"#) }
    #expect(throws: JOSEError.algorithmRefused("unknown")) { try parse(#"{"alg":"RSA-OAEP","enc":"A256CBC-HS512"}"#) }
    #expect(throws: JOSEError.encryptionRefused("unknown")) { try parse(#"{"alg":"dir","enc":"A256GCM"}"#) }
    #expect(throws: JOSEError.criticalHeader) { try parse(#"{"alg":"dir","enc":"A256CBC-HS512","crit":["x"]}"#) }
    #expect(throws: JOSEError.badMember("zip")) { try parse(#"{"alg":"dir","enc":"A256CBC-HS512","zip":"DEF"}"#) }
    #expect(throws: JOSEError.missing("alg")) { try parse(#"{"enc":"A256CBC-HS512"}"#) }
    #expect(throws: JOSEError.missing("enc")) { try parse(#"{"alg":"dir"}"#) }
  }

  @Test(
    "Texts that are not compact JWE are refused",
    arguments: ["", "....", "a.b.c", JWETests.az + ".AA", JWETests.az + "=", JWETests.az.replacing("..", with: ".AAAA."), JWETests.az.replacing("Qm", with: "Q+")])
  func notCompact(text: String) {
    #expect(throws: JOSEError.self) { try JWE.parse(text) }
  }

  @Test("What is no RSA private key is refused")
  func keys() {
    for text in ["", "x", PEM.encode([1, 2, 3], label: "PRIVATE KEY"), PEM.encode([1], label: "EC PRIVATE KEY")] {
      #expect(throws: JOSEError.self) { try RSADecryptionKey(pem: Array(text.utf8)) }
    }
    #expect(throws: JOSEError.badCertificate) { try RSAEncryptionKey(certificate: [0x30, 0x00]) }
  }
}
