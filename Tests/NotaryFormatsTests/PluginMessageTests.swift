import Encodings
import NotaryFormats
import Testing

@Suite("Plugin messages")
struct PluginMessageTests {
  typealias Command = NotaryPlugin.Command

  static let sign: JSONObject = [
    "contractVersion": "1.0", "keyId": "https://hsm.example/keys/a", "keySpec": "EC-256", "hashAlgorithm": "SHA-256", "payload": "AQID",
    "pluginConfig": ["cert_chain": "/c.pem"], "future": [1],
  ]
  static let envelope: JSONObject = [
    "contractVersion": "1.0", "keyId": "k", "payloadType": "application/vnd.cncf.notary.payload.v1+json",
    "signatureEnvelopeType": "application/jose+json", "payload": "e30=", "expiryDurationInSeconds": 86400,
  ]
  static let verify: JSONObject = [
    "contractVersion": "1.0",
    "signature": [
      "criticalAttributes": [
        "contentType": "application/vnd.cncf.notary.payload.v1+json", "signingScheme": "notary.x509", "expiry": "0001-01-01T00:00:00Z",
        "extendedAttributes": ["a": "b"],
      ],
      "unprocessedAttributes": ["a"], "certificateChain": ["AQID"],
    ],
    "trustPolicy": ["trustedIdentities": ["*"], "signatureVerification": ["SIGNATURE_VERIFIER.TRUSTED_IDENTITY"]],
    "pluginConfig": .null,
  ]

  static func refusal(_ command: Command, _ object: JSONObject) -> NotaryPlugin.Failure? {
    do throws(NotaryPlugin.Failure) {
      _ = try NotaryPlugin.Request.parse(command, JSONValue.object(object).serialized())
      return nil
    } catch { return error }
  }

  static func changed(_ object: JSONObject, _ name: String, _ value: JSONValue?) -> JSONObject {
    var result = object
    result[name] = value
    return result
  }

  @Test("The requests notation sends are read, unknown members passed over")
  func reads() throws {
    #expect(try NotaryPlugin.Request.parse(.metadata, "{}".utf8) == .metadata(.init()))
    guard case .generateSignature(let wanted) = try NotaryPlugin.Request.parse(.generateSignature, JSONValue.object(Self.sign).serialized()) else {
      Issue.record("another request"); return
    }
    #expect(wanted.payload == [1, 2, 3] && wanted.keySpec == .ec256 && wanted.configuration["cert_chain"] == "/c.pem")
    guard case .generateEnvelope(let whole) = try NotaryPlugin.Request.parse(.generateEnvelope, JSONValue.object(Self.envelope).serialized()) else {
      Issue.record("another request"); return
    }
    #expect(whole.expirySeconds == 86400 && whole.format == .jws && whole.payload == Array("{}".utf8))
    guard case .verifySignature(let question) = try NotaryPlugin.Request.parse(.verifySignature, JSONValue.object(Self.verify).serialized()) else {
      Issue.record("another request"); return
    }
    #expect(question.expiry == nil && question.authenticSigningTime == nil && question.checks == [.trustedIdentityVerifier])
    #expect(question.unprocessedAttributes == ["a"] && question.extendedAttributes == ["a": "b"] && question.certificateChain == [[1, 2, 3]])
  }

  @Test("Another contract version has its own code", arguments: [Command.describeKey, .generateSignature, .generateEnvelope, .verifySignature])
  func contract(_ command: Command) {
    for version: JSONValue in ["1.1", "2.0", "0.9"] {
      #expect(Self.refusal(command, Self.changed(Self.sign, "contractVersion", version))?.code == .unsupportedContractVersion)
    }
    #expect(Self.refusal(command, Self.changed(Self.sign, "contractVersion", nil))?.code == .validation)
    #expect(Self.refusal(command, Self.changed(Self.sign, "contractVersion", 1))?.code == .validation)
  }

  static let wrong: [(Command, JSONObject, String, JSONValue?)] = [
    (.describeKey, sign, "keyId", nil), (.describeKey, sign, "keyId", ""), (.describeKey, sign, "keyId", 7), (.describeKey, sign, "pluginConfig", []),
    (.describeKey, sign, "pluginConfig", ["a": 1]), (.generateSignature, sign, "keySpec", "EC-255"), (.generateSignature, sign, "keySpec", nil),
    (.generateSignature, sign, "hashAlgorithm", "SHA-384"), (.generateSignature, sign, "hashAlgorithm", nil), (.generateSignature, sign, "payload", nil),
    (.generateSignature, sign, "payload", ""), (.generateSignature, sign, "payload", "AQI"), (.generateSignature, sign, "payload", "-_-_"),
    (.generateEnvelope, envelope, "signatureEnvelopeType", "application/json"), (.generateEnvelope, envelope, "payloadType", nil),
    (.generateEnvelope, envelope, "expiryDurationInSeconds", -1), (.generateEnvelope, envelope, "expiryDurationInSeconds", 1.5.json),
    (.generateEnvelope, envelope, "expiryDurationInSeconds", .integer(Int64.max)), (.generateEnvelope, envelope, "expiryDurationInSeconds", "1"),
    (.verifySignature, verify, "signature", nil), (.verifySignature, verify, "signature", ["criticalAttributes": [:]]),
    (.verifySignature, verify, "trustPolicy", nil), (.verifySignature, verify, "trustPolicy", ["signatureVerification": ["X"]]),
  ]

  @Test("A request without what its command needs is a validation error", arguments: wrong.indices)
  func refusals(_ index: Int) {
    let (command, object, name, value) = Self.wrong[index]
    #expect(Self.refusal(command, Self.changed(object, name, value))?.code == .validation, "\(command.rawValue) \(name)")
  }

  @Test("What is no JSON object is a validation error")
  func noJSON() {
    for text in ["", "[]", "null", "{", #"{"keyId":"a","keyId":"b"}"#, "{} {}"] {
      for command in Command.allCases {
        #expect(throws: NotaryPlugin.Failure.self) { try NotaryPlugin.Request.parse(command, text.utf8) }
      }
    }
  }

  @Test("There are six error codes, spelled as the protocol spells them")
  func codes() throws {
    #expect(
      Set(NotaryPlugin.Failure.Code.allCases.map(\.rawValue)) == [
        "VALIDATION_ERROR", "UNSUPPORTED_CONTRACT_VERSION", "ACCESS_DENIED", "TIMEOUT", "THROTTLED", "ERROR",
      ])
    let document = try JSONValue.parse(NotaryPlugin.Failure(.throttled, "slow \"down\"\n", metadata: ["requestId": "r"]).serialized())
    #expect(document == ["errorCode": "THROTTLED", "errorMessage": "slow \"down\"\n", "errorMetadata": ["requestId": "r"]])
  }

  @Test("Answers are the documents of the protocol")
  func answers() throws {
    let metadata = NotaryPlugin.Metadata(name: "n", description: "d", version: "1.0.0", url: "u", capabilities: [.rawGenerator, .trustedIdentityVerifier])
    #expect(
      try JSONValue.parse(metadata.serialized()) == [
        "name": "n", "description": "d", "version": "1.0.0", "url": "u", "supportedContractVersions": ["1.0"],
        "capabilities": ["SIGNATURE_GENERATOR.RAW", "SIGNATURE_VERIFIER.TRUSTED_IDENTITY"],
      ])
    #expect(try JSONValue.parse(NotaryPlugin.describedKey("https://h/keys/a/", spec: .rsa3072)) == ["keyId": "https://h/keys/a/", "keySpec": "RSA-3072"])
    #expect(
      try JSONValue.parse(NotaryPlugin.signature("k", signature: [0xFB, 0xFF], spec: .rsa2048, chain: [[1]])) == [
        "keyId": "k", "signature": "+/8=", "signingAlgorithm": "RSASSA-PSS-SHA-256", "certificateChain": ["AQ=="],
      ])
    #expect(
      try JSONValue.parse(NotaryPlugin.envelope([1], format: .cose, annotations: [("a", "b")])) == [
        "signatureEnvelope": "AQ==", "signatureEnvelopeType": "application/cose", "annotations": ["a": "b"],
      ])
    let verification = NotaryPlugin.Verification(
      outcomes: [.init(check: .trustedIdentityVerifier, success: false, reason: "no")], processedAttributes: ["a"])
    #expect(
      try JSONValue.parse(verification.serialized()) == [
        "verificationResults": ["SIGNATURE_VERIFIER.TRUSTED_IDENTITY": ["success": false, "reason": "no"]], "processedAttributes": ["a"],
      ])
  }

  @Test("The six key specs have the names and numbers of the specification")
  func specs() {
    let table: [(String, String, String, String, Int64, Int)] = NotaryKeySpec.allCases.map {
      ($0.rawValue, $0.hashAlgorithm, $0.signingAlgorithm, $0.jwsAlgorithm, $0.coseAlgorithm, $0.signatureByteCount)
    }
    let wanted: [(String, String, String, String, Int64, Int)] = [
      ("RSA-2048", "SHA-256", "RSASSA-PSS-SHA-256", "PS256", -37, 256), ("RSA-3072", "SHA-384", "RSASSA-PSS-SHA-384", "PS384", -38, 384),
      ("RSA-4096", "SHA-512", "RSASSA-PSS-SHA-512", "PS512", -39, 512), ("EC-256", "SHA-256", "ECDSA-SHA-256", "ES256", -7, 64),
      ("EC-384", "SHA-384", "ECDSA-SHA-384", "ES384", -35, 96), ("EC-521", "SHA-512", "ECDSA-SHA-512", "ES512", -36, 132),
    ]
    #expect(table.count == wanted.count)
    for (ours, theirs) in zip(table, wanted) { #expect(ours == theirs) }
    #expect(NotaryKeySpec(curve: "P-256K") == nil && NotaryKeySpec(rsaBits: 2560) == nil && NotaryKeySpec(jwsAlgorithm: "RS256") == nil)
  }
}

extension Double {
  fileprivate var json: JSONValue { (try? JSONValue.parse("\(self)")) ?? .null }
}
