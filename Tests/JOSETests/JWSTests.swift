import Clocks
import Crypto
import CryptoExtras
import Encodings
import JOSE
import Testing

struct JWSTests {
  @Test("Signatures of other implementations verify under their key, and changed ones do not")
  func vectors() throws {
    #expect(JWSVectors.all.count == 10)
    #expect(Set(JWSVectors.all.map(\.algorithm)) == Set(JWSAlgorithm.allCases.map(\.rawValue)))
    for vector in JWSVectors.all {
      let verifier = try VerificationKey(try key(vector.key))
      let jws = try JWS.parse(vector.text)
      #expect(jws.algorithm.rawValue == vector.algorithm)
      #expect(throws: Never.self) { try jws.verify(with: verifier) }
      var parts = vector.text.split(separator: ".").map(String.init)
      parts[1] = Base64URL.encode(jws.payload + [0x20])
      #expect(throws: JOSEError.badSignature) { try JWS.parse(parts.joined(separator: ".")).verify(with: verifier) }
      for change in [0, jws.signature.count / 2, jws.signature.count - 1] {
        var signature = jws.signature
        signature[change] ^= 1
        let text = vector.text.split(separator: ".").prefix(2).joined(separator: ".") + "." + Base64URL.encode(signature)
        #expect(throws: JOSEError.badSignature) { try JWS.parse(text).verify(with: verifier) }
      }
      for other in JWSVectors.all where other.key != vector.key {
        #expect(throws: JOSEError.self) { try jws.verify(with: VerificationKey(try key(other.key))) }
      }
    }
  }

  @Test("The header cannot choose an algorithm that the key or the caller does not allow")
  func confusion() throws {
    for vector in JWSVectors.all {
      let verifier = try VerificationKey(try key(vector.key))
      let parts = vector.text.split(separator: ".")
      for algorithm in JWSAlgorithm.allCases where algorithm.rawValue != vector.algorithm {
        let text = Base64URL.encode(Array(#"{"alg":"\#(algorithm.rawValue)"}"#.utf8)) + "." + parts[1] + "." + parts[2]
        #expect(throws: JOSEError.self) { try JWS.parse(text).verify(with: verifier) }
      }
      let jws = try JWS.parse(vector.text)
      #expect(throws: JOSEError.algorithmRefused(vector.algorithm)) { try jws.verify(with: verifier, allowing: []) }
    }
  }

  private func withHeader(_ header: String) -> String { Base64URL.encode(header.utf8) + ".e30.AAAA" }

  @Test("`none`, symmetric and unknown algorithms do not parse")
  func algorithms() {
    #expect(throws: JOSEError.algorithmRefused("none")) { try JWS.parse(withHeader(#"{"alg":"none"}"#)) }
    #expect(throws: JOSEError.algorithmRefused("none")) { try JWS.parse(Base64URL.encode(#"{"alg":"none"}"#.utf8) + ".e30.") }
    for name in ["None", "NONE", "nOnE", "HS256", "HS512", "ES256K", "rs256", "RS256 ", ""] {
      #expect(throws: JOSEError.algorithmRefused("unknown")) { try JWS.parse(withHeader(#"{"alg":"\#(name)"}"#)) }
    }
  }

  @Test("Bad headers are refused with their reason")
  func headers() {
    #expect(throws: JOSEError.criticalHeader) { try JWS.parse(withHeader(#"{"alg":"ES256","crit":["b64"],"b64":false}"#)) }
    #expect(throws: JOSEError.missing("alg")) { try JWS.parse(withHeader("{}")) }
    #expect(throws: JOSEError.badMember("alg")) { try JWS.parse(withHeader(#"{"alg":1}"#)) }
    #expect(throws: JOSEError.badMember("kid")) { try JWS.parse(withHeader(#"{"alg":"ES256","kid":7}"#)) }
    #expect(throws: JOSEError.notAnObject("header")) { try JWS.parse(withHeader("[]")) }
    #expect(throws: JOSEError.badJSON("header", JSONError(.duplicateMember, at: 15))) {
      try JWS.parse(withHeader(#"{"alg":"ES256","alg":"none"}"#))
    }
  }

  @Test(
    "Texts that are not compact JWS are refused",
    arguments: [
      "", ".", "..", "a.b", "eyJhbGciOiJFUzI1NiJ9.e30", "eyJhbGciOiJFUzI1NiJ9.e30.AAAA.AAAA", "eyJhbGciOiJFUzI1NiJ9.e30=.AAAA",
      "eyJhbGciOiJFUzI1NiJ9.e30.AA+A", "eyJhbGciOiJFUzI1NiJ9.e30.A", "eyJhbGciOiJFUzI1NiJ9. e30.AAAA", "eyJhbGciOiJFUzI1NiJ9.e30.AAB",
    ])
  func notCompact(text: String) {
    #expect(throws: JOSEError.self) { try JWS.parse(text) }
  }

  @Test("Size is bounded before anything is decoded")
  func bounded() {
    #expect(throws: JOSEError.tooLong(limit: 65_536)) { try JWS.parse(String(repeating: "A", count: 65_537)) }
    #expect(throws: JOSEError.tooLong(limit: 10)) { try JWS.parse("AAAAAAAAAAA", maxBytes: 10) }
  }

  @Test("What our signers sign verifies, and carries the header asked for")
  func signers() throws {
    let p256 = P256JWSSigner(P256.Signing.PrivateKey())
    let text = try JWS.compact(Array("payload".utf8), by: p256, extra: ["typ": "JWT", "alg": "none"])
    let jws = try JWS.parse(text)
    try jws.verify(with: VerificationKey(p256.publicKey))
    #expect(jws.header.names == ["alg", "kid", "typ"])
    #expect(jws.kid == p256.publicKey.thumbprint)
    let pem = PEM.encode(try Base64.decode(JWEVector.pkcs8), label: "PRIVATE KEY")
    let publicKey = try VerificationKey(JWK(try _RSA.Signing.PrivateKey(pemRepresentation: pem).publicKey))
    for algorithm in [JWSAlgorithm.rs256, .ps256] {
      let signer = try RSAJWSSigner(pem: pem, algorithm: algorithm, header: .certificateHeader(chain: [[1, 2, 3]]))
      let jws = try JWS.parse(try JWS.compact([1], by: signer))
      try jws.verify(with: publicKey, allowing: [algorithm])
      #expect(jws.header["x5c"] == ["AQID"])
      // SHA-1 and SHA-256 of 01 02 03, by sha1sum and sha256sum.
      #expect(jws.header["x5t"]?.string == Base64URL.encode(try Hex.decode("7037807198c22a7d2b0807371d763779a84fdfcf")))
      #expect(
        jws.header["x5t#S256"]?.string
          == Base64URL.encode(try Hex.decode("039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81")))
    }
    #expect(throws: JOSEError.algorithmRefused("ES256")) { try RSAJWSSigner(pem: pem, algorithm: .es256) }
    #expect(throws: JOSEError.badKey("RSA")) { try RSAJWSSigner(pem: "no key") }
  }
}

struct JWTTests {
  private func verified(_ claims: JSONValue) throws -> VerifiedJWT {
    let signer = P256JWSSigner(P256.Signing.PrivateKey())
    return try UnverifiedJWT.parse(try JWS.compact(claims.serialized(), by: signer)).verified(with: VerificationKey(signer.publicKey))
  }

  @Test("Only a verified signature makes a verified token")
  func verification() throws {
    let signer = P256JWSSigner(P256.Signing.PrivateKey())
    let token = try UnverifiedJWT.parse(try JWS.compact(Array(#"{"iss":"a","aud":["x","y"]}"#.utf8), by: signer))
    #expect(token.claimedIssuer == "a")
    #expect(try token.verified(with: VerificationKey(signer.publicKey)).audiences == ["x", "y"])
    let foreign = try VerificationKey(P256JWSSigner(P256.Signing.PrivateKey()).publicKey)
    #expect(throws: JOSEError.badSignature) { try token.verified(with: foreign) }
  }

  @Test("Times are checked against the clock with an allowance")
  func times() throws {
    let now = Instant(seconds: 1000)
    func check(_ claims: JSONValue) throws { try verified(claims).checkTimes(now: now, leewaySeconds: 10) }
    try check(["exp": 1001])
    try check(["exp": 991, "nbf": 1010, "iat": 1010])
    try check(["exp": .number(JSONNumber(Int64.max))])
    #expect(throws: JOSEError.expired) { try check(["exp": 990]) }
    #expect(throws: JOSEError.expired) { try check(["exp": .number(JSONNumber(Int64.min))]) }
    #expect(throws: JOSEError.notYetValid) { try check(["exp": 2000, "nbf": 1011]) }
    #expect(throws: JOSEError.notYetValid) { try check(["exp": 2000, "iat": 1011]) }
    #expect(throws: JOSEError.missing("exp")) { try check([:]) }
    #expect(throws: JOSEError.badMember("exp")) { try check(["exp": "1001"]) }
    #expect(throws: JOSEError.badMember("nbf")) { try check(["exp": 1001, "nbf": true]) }
  }

  @Test("An audience of mixed types is no audience")
  func audience() throws {
    #expect(try verified(["aud": "one"]).audiences == ["one"])
    #expect(try verified(["aud": ["one", 2]]).audiences == [])
    #expect(try verified(["aud": 1]).audiences == [])
    #expect(try verified([:]).audiences == [])
  }

  @Test("Claims that are no object are refused")
  func claims() throws {
    let signer = P256JWSSigner(P256.Signing.PrivateKey())
    #expect(throws: JOSEError.notAnObject("claims")) { try UnverifiedJWT.parse(try JWS.compact(Array("[]".utf8), by: signer)) }
    #expect(throws: JOSEError.self) { try UnverifiedJWT.parse(try JWS.compact(Array("{".utf8), by: signer)) }
  }
}
