import Encodings
import NotaryFormats
import Testing

@Suite("JWS envelopes")
struct JWSEnvelopeTests {
  typealias Header = NotaryEnvelope.Header

  static let genuine: JSONObject = {
    let vector = NotationVector.all.first { $0.name == "ec256" && $0.format == .jws }
    return (try? JSONValue.parse(vector?.bytes ?? []))?.object ?? [:]
  }()

  /// The genuine envelope with its members, protected header and unprotected header changed.
  static func envelope(
    root: (inout JSONObject) -> Void = { _ in }, protected: (inout JSONObject) -> Void = { _ in }, header: (inout JSONObject) -> Void = { _ in }
  ) throws -> [UInt8] {
    var document = genuine
    let text = try #require(document["protected"]?.string)
    var signed = try #require(try JSONValue.parse(Base64URL.decode(text)).object)
    protected(&signed)
    document["protected"] = .string(Base64URL.encode(JSONValue.object(signed).serialized()))
    var unsigned = try #require(document["header"]?.object)
    header(&unsigned)
    document["header"] = .object(unsigned)
    root(&document)
    return JSONValue.object(document).serialized()
  }

  static func refusal(_ bytes: [UInt8]) -> NotaryError? {
    do throws(NotaryError) {
      _ = try NotaryEnvelope.parse(bytes, format: .jws)
      return nil
    } catch { return error }
  }

  @Test("The unchanged parts put together again are accepted: the changes below are what is refused")
  func unchanged() throws { #expect(try Self.refusal(Self.envelope()) == nil) }

  @Test("A member the format does not have, or one too few, is refused")
  func members() throws {
    #expect(try Self.refusal(Self.envelope(root: { $0["signatures"] = [] })) == .unknownMember(path: "envelope.signatures"))
    for name in ["payload", "protected", "header", "signature"] {
      #expect(try Self.refusal(Self.envelope(root: { $0[name] = nil })) != nil, "\(name)")
    }
  }

  @Test("Duplicate members are refused, also inside the protected header")
  func duplicates() throws {
    let text = String(decoding: try Self.envelope(), as: UTF8.self)
    let doubled = text.replacingOccurrences("\"payload\":", with: "\"payload\":\"e30\",\"payload\":")
    #expect(doubled != text)
    guard case .notJSON = Self.refusal(Array(doubled.utf8)) else { Issue.record("accepted"); return }
    let inner = #"{"alg":"ES256","alg":"PS256","cty":"a"}"#
    guard case .notJSON(what: "the protected header", _) = try Self.refusal(Self.envelope(root: { $0["protected"] = .string(Base64URL.encode(inner.utf8)) }))
    else { Issue.record("accepted"); return }
  }

  @Test("Each place takes its own base64 only", arguments: ["payload", "protected", "signature"])
  func base64(_ member: String) throws {
    let text = try #require(Self.genuine[member]?.string)
    let bytes = try Base64URL.decode(text)
    let wanted = NotaryError.badMember(path: "envelope.\(member)", wanted: "")
    for wrong in [text + "=", text + "==", Base64.encode(bytes + [0xFB, 0xFF, 0xFE]), text + "\n", ""] {
      let error = try Self.refusal(Self.envelope(root: { $0[member] = .string(wrong) }))
      guard case .badMember(let path, _) = error else { Issue.record("\(wrong.suffix(8)): \(String(describing: error))"); continue }
      #expect(.badMember(path: path, wanted: "") == wanted)
    }
  }

  @Test("Certificates are in standard base64 with padding")
  func certificates() throws {
    let chain = try #require(Self.genuine["header"]?["x5c"]?.array)
    let leaf = try Base64.decode(try #require(chain[0].string))
    for wrong: JSONValue in [.string(Base64URL.encode(leaf + [0xFB, 0xFF])), .string(Base64.encode(leaf + [1]).filter { $0 != "=" }), 7, ""] {
      let error = try Self.refusal(Self.envelope(header: { $0["x5c"] = [wrong, chain[1]] }))
      guard case .badMember(path: "envelope.header.x5c[0]", _) = error else { Issue.record("\(String(describing: error))"); continue }
    }
    #expect(try Self.refusal(Self.envelope(header: { $0["x5c"] = [] })) == .badChain("x5c is empty"))
    #expect(try Self.refusal(Self.envelope(header: { $0["x5c"] = chain[0] })) != nil)
    #expect(try Self.refusal(Self.envelope(header: { $0["x5c"] = nil })) != nil)
    #expect(try Self.refusal(Self.envelope(header: { $0["x5c"] = .array(Array(repeating: chain[0], count: 17)) })) != nil)
  }

  @Test("Only the six algorithms exist: PKCS#1, HMAC, none and secp256k1 are refused", arguments: ["RS256", "HS256", "none", "ES256K", "EdDSA", "es256", ""])
  func algorithms(_ name: String) throws {
    #expect(try Self.refusal(Self.envelope(protected: { $0["alg"] = .string(name) })) != nil)
  }

  @Test("A signature whose length is not the algorithm's is refused: DER, another curve, another key length")
  func signatureLength() throws {
    #expect(
      try Self.refusal(Self.envelope(protected: { $0["alg"] = "ES384" })) == .badSignatureLength(algorithm: "ES384", wanted: 96, got: 64))
    let der: [UInt8] = [0x30, 68] + [UInt8](repeating: 2, count: 68)
    #expect(
      try Self.refusal(Self.envelope(root: { $0["signature"] = .string(Base64URL.encode(der)) }))
        == .badSignatureLength(algorithm: "ES256", wanted: 64, got: 70))
  }

  @Test("crit must list every critical header, each once, and nothing that is absent or registered")
  func critical() throws {
    func crit(_ names: [String]) throws -> NotaryError? {
      try Self.refusal(Self.envelope(protected: { $0["crit"] = .array(names.map { .string($0) }) }))
    }
    #expect(try crit([]) == .badMember(path: "protected.crit", wanted: "at least one name"))
    #expect(try crit([Header.expiry]) == .criticalHeader(Header.signingScheme, why: "it must be listed in crit"))
    #expect(try crit([Header.signingScheme]) == .criticalHeader(Header.expiry, why: "it must be listed in crit"))
    #expect(try crit([Header.signingScheme, Header.expiry, Header.expiry]) == .criticalHeader(Header.expiry, why: "crit lists it twice"))
    #expect(
      try crit([Header.signingScheme, Header.expiry, "ghost"])
        == .criticalHeader("ghost", why: "crit lists it, but it is not in the protected header"))
    #expect(try crit([Header.signingScheme, Header.expiry, "alg"]) == .criticalHeader("alg", why: "RFC 7515 §4.1.11 does not allow it in crit"))
    #expect(try Self.refusal(Self.envelope(protected: { $0["crit"] = nil })) != nil)
    #expect(try Self.refusal(Self.envelope(protected: { $0["crit"] = .string(Header.signingScheme) })) != nil)
  }

  @Test("An unknown critical attribute is read and reported, for the verifier to refuse")
  func unknownCritical() throws {
    let bytes = try Self.envelope(protected: {
      $0["com.example.rule"] = ["a": 1]
      $0["com.example.note"] = "x"
      $0["crit"] = [.string(Header.signingScheme), .string(Header.expiry), "com.example.rule"]
    })
    let envelope = try NotaryEnvelope.parse(bytes, format: .jws)
    #expect(envelope.unknownCritical == [.init(name: .text("com.example.rule"), value: ["a": 1], isCritical: true)])
    #expect(envelope.extendedAttributes.count == 2)
  }

  @Test("Scheme and time belong together")
  func schemes() throws {
    #expect(try Self.refusal(Self.envelope(protected: { $0[Header.signingScheme] = "notary.x509.other" })) != nil)
    #expect(try Self.refusal(Self.envelope(protected: { $0[Header.signingScheme] = nil })) != nil)
    for change: (inout JSONObject) -> Void in [
      { $0[Header.signingScheme] = "notary.x509.signingAuthority" }, { $0[Header.signingTime] = nil },
      { $0[Header.authenticSigningTime] = $0[Header.signingTime] },
    ] {
      guard case .badTime = try Self.refusal(Self.envelope(protected: change)) else { Issue.record("accepted"); continue }
    }
    let authority = try Self.envelope(protected: {
      $0[Header.signingScheme] = "notary.x509.signingAuthority"
      $0[Header.authenticSigningTime] = $0[Header.signingTime]
      $0[Header.signingTime] = nil
    })
    #expect(Self.refusal(authority) == .criticalHeader(Header.authenticSigningTime, why: "it must be listed in crit"))
  }

  @Test(
    "Times are RFC 3339 in UTC without fraction",
    arguments: ["2026-11-23T22:35:26.5Z", "2026-11-23T22:35:26+01:00", "2026-11-23 22:35:26Z", "2026-13-23T22:35:26Z", "1795559726", ""])
  func times(_ text: String) throws {
    #expect(try Self.refusal(Self.envelope(protected: { $0[Header.signingTime] = .string(text) })) != nil)
    #expect(try Self.refusal(Self.envelope(protected: { $0[Header.expiry] = 1_795_559_726 })) != nil)
  }

  @Test("An expiry that is not after the signing time is refused")
  func expiry() throws {
    let error = try Self.refusal(Self.envelope(protected: { $0[Header.expiry] = $0[Header.signingTime] }))
    #expect(error == .badTime("the expiry is not after the signing time"))
  }

  @Test("A header may not be protected and unprotected at once, and crit is never unprotected")
  func disjoint() throws {
    for name in ["alg", "cty", "crit", Header.signingScheme, Header.expiry] {
      #expect(try Self.refusal(Self.envelope(header: { $0[name] = "x" })) != nil, "\(name)")
    }
  }

  @Test("Unencoded payloads (RFC 7797) are refused")
  func unencoded() throws {
    #expect(try Self.refusal(Self.envelope(protected: { $0["b64"] = false })) == .unknownMember(path: "protected.b64"))
  }

  @Test("A verification plugin must be critical and named")
  func plugin() throws {
    #expect(
      try Self.refusal(Self.envelope(protected: { $0[Header.verificationPlugin] = "hallmark" }))
        == .criticalHeader(Header.verificationPlugin, why: "it must be listed in crit"))
    #expect(try Self.refusal(Self.envelope(protected: { $0[Header.verificationPlugin] = " " })) != nil)
    #expect(try Self.refusal(Self.envelope(protected: { $0[Header.verificationPluginMinVersion] = "1.0.0" })) != nil)
    let bytes = try Self.envelope(protected: {
      $0[Header.verificationPlugin] = "hallmark"
      $0[Header.verificationPluginMinVersion] = "1.2.3"
      $0["crit"] = [
        .string(Header.signingScheme), .string(Header.expiry), .string(Header.verificationPlugin), .string(Header.verificationPluginMinVersion),
      ]
    })
    #expect(try NotaryEnvelope.parse(bytes, format: .jws).verificationPlugin == .init(name: "hallmark", minimumVersion: "1.2.3"))
  }

  @Test("A timestamp is kept as bytes")
  func timestamp() throws {
    let bytes = try Self.envelope(header: { $0[Header.timestampSignature] = "MAA=" })
    #expect(try NotaryEnvelope.parse(bytes, format: .jws).timestampToken == [0x30, 0])
    #expect(try Self.refusal(Self.envelope(header: { $0[Header.timestampSignature] = "MAA" })) != nil)
  }
}

extension String {
  func replacingOccurrences(_ part: String, with other: String) -> String { split(separator: part, omittingEmptySubsequences: false).joined(separator: other) }
}
