import Encodings
import JOSE
import Secrets
import Testing

func key(_ text: String, accepting acceptance: JWK.Acceptance = .publicOnly) throws(JOSEError) -> JWK {
  try JWK.parse(Array(text.utf8), accepting: acceptance)
}

struct JWKTests {
  /// RFC 7638 §3.1.
  static let rfc7638 =
    #"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#

  @Test("The thumbprints of RFC 7638 and RFC 8037 come out")
  func thumbprints() throws {
    #expect(try key(Self.rfc7638).thumbprint == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")
    #expect(
      try key(#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#).thumbprint
        == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")
  }

  @Test("A key reads back from what it writes; HSM types are written on request")
  func writes() throws {
    for text in [Self.rfc7638] + JWSVectors.all.map(\.key) {
      let parsed = try key(text)
      let written = JSONValue.object(parsed.publicJSON()).serialized()
      #expect(try JWK.parse(written, accepting: .publicOnly).publicPart == parsed.publicPart)
      let hsm = JSONValue.object(parsed.publicJSON(hsm: true)).serialized()
      #expect(try JWK.parse(hsm, accepting: .publicOnly).keyType(hsm: true).hasSuffix("-HSM"))
    }
  }

  @Test("Leading zeros of an import vanish from n and e and appear in x, y and d")
  func zeros() throws {
    guard case .rsa(let n, _) = try key(Self.rfc7638).publicPart else { return #expect(Bool(false)) }
    let padded = #"{"kty":"RSA","n":"\#(Base64URL.encode([0, 0] + n))","e":"AAEAAQ"}"#
    #expect(try key(padded).publicPart == .rsa(n: n, e: [1, 0, 1]))
    #expect(try key(padded).modulusBits == 2048)
    let short = #"{"kty":"EC","crv":"P-256","x":"\#(Base64URL.encode([1]))","y":"\#(Base64URL.encode([0] + [UInt8](repeating: 2, count: 32)))","d":"Aw"}"#
    let ec = try key(short, accepting: .privateOnly)
    #expect(ec.publicPart == .ec(.p256, x: [UInt8](repeating: 0, count: 31) + [1], y: [UInt8](repeating: 2, count: 32)))
    guard case .ec(let d)? = ec.privatePart else { return #expect(Bool(false)) }
    #expect(d.withUnsafeBytes { Array($0) } == [UInt8](repeating: 0, count: 31) + [3])
  }

  @Test("Private members are refused where a public key is wanted, and demanded where a private one is")
  func acceptance() throws {
    let secret = #"{"kty":"oct","k":"AAECAwQFBgcICQoLDA0ODw"}"#
    #expect(throws: JOSEError.privateMembersPresent) { try key(secret) }
    let oct = try key(secret, accepting: .any)
    #expect(oct.publicJSON().names == ["kty"])
    #expect(oct.privateJSON()["k"]?.string == "AAECAwQFBgcICQoLDA0ODw")
    #expect(oct.thumbprint == nil)
    #expect(throws: JOSEError.missing("private members")) { try key(Self.rfc7638, accepting: .privateOnly) }
    #expect(!"\(oct)".contains("AAECAw"))
  }

  @Test(
    "Malformed keys are refused",
    arguments: [
      "", "[]", "{}", #"{"kty":1}"#, #"{"kty":"RSA"}"#, #"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#, #"{"kty":"RSA","n":7,"e":"AQAB"}"#,
      #"{"kty":"RSA","n":"!!!!","e":"AQAB"}"#, #"{"kty":"AKP","pub":"AA"}"#, #"{"kty":"oct"}"#, #"{"kty":"oct","k":""}"#,
      #"{"kty":"EC","crv":"P-192","x":"AQ","y":"AQ"}"#, #"{"kty":"EC","crv":"P-256","x":"AQ"}"#,
      #"{"kty":"EC","crv":"P-256","x":"\#(Base64URL.encode([UInt8](repeating: 1, count: 33)))","y":"AQ"}"#,
      #"{"kty":"OKP","crv":"Ed448","x":"AA"}"#, #"{"kty":"OKP","crv":"Ed25519","x":"AA"}"#, #"{"kty":"EC","kty":"RSA"}"#,
      JWKTests.rfc7638.replacingE(with: "AQ"), JWKTests.rfc7638.replacingE(with: "AQAA"), JWKTests.rfc7638.replacingE(with: "AQAAAAAB"),
      JWKTests.rfc7638.replacingE(with: "AA"),
    ])
  func malformed(text: String) {
    #expect(throws: JOSEError.self) { try key(text, accepting: .any) }
  }

  @Test("RSA keys outside of 2048 to 8192 bits are refused by their size")
  func sizes() {
    for bytes in [128, 255, 1025] {
      let n = Base64URL.encode([0x80] + [UInt8](repeating: 1, count: bytes - 1))
      #expect(throws: JOSEError.keySizeRefused(bits: bytes * 8)) { try key(#"{"kty":"RSA","n":"\#(n)","e":"AQAB"}"#) }
    }
  }

  @Test("A point off its curve is no verification key")
  func offCurve() throws {
    let text = #"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a1"}"#
    #expect(throws: (any Error).self) { try VerificationKey(try key(text)) }
    let zero = #"{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#
    #expect(throws: JOSEError.badKey("EC")) { try VerificationKey(try key(zero)) }
  }

  @Test("A key set leaves out keys it does not know and refuses leaked ones")
  func keySet() throws {
    let set = #"{"keys":[\#(Self.rfc7638),{"kty":"XYZ"},{"kty":"EC","crv":"P-192","x":"AQ","y":"AQ"}]}"#
    #expect(try JWK.parseSet(Array(set.utf8)).map(\.kid) == ["2011-04-29"])
    #expect(throws: JOSEError.privateMembersPresent) { try JWK.parseSet(Array(#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#.utf8)) }
    #expect(throws: JOSEError.badMember("keys")) { try JWK.parseSet(Array("{}".utf8)) }
    #expect(throws: JOSEError.badMember("keys")) { try JWK.parseSet(Array(#"{"keys":[1]}"#.utf8)) }
  }
}

extension String {
  fileprivate func replacingE(with value: String) -> String {
    var object = try! JSONValue.parse(self).object!
    object["e"] = .string(value)
    return JSONValue.object(object).text()
  }
}
