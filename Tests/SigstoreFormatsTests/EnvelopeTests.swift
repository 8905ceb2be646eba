import Crypto
import Encodings
import SigstoreFormats
import Testing

/// DSSE: what is signed, what is written, what is refused.
@Suite("DSSE envelopes")
struct EnvelopeTests {
  /// The example of the DSSE specification (secure-systems-lab/dsse, protocol.md): payload "hello world", type http://example.com/HelloWorld.
  static let example = UnsignedEnvelope(payloadType: "http://example.com/HelloWorld", payload: Array("hello world".utf8))

  @Test("The pre-authentication encoding is that of the specification's example")
  func encoding() {
    #expect(String(decoding: Self.example.signedBytes, as: UTF8.self) == "DSSEv1 29 http://example.com/HelloWorld 11 hello world")
  }

  @Test("The digest without a copy is the digest of the signed bytes", arguments: HashAlgorithm.allCases, [0, 1, 63, 64, 65, 100_000])
  func pieces(_ algorithm: HashAlgorithm, _ count: Int) {
    let envelope = UnsignedEnvelope(payload: (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) })
    let whole: [UInt8] =
      switch algorithm {
      case .sha256: Array(SHA256.hash(data: envelope.signedBytes))
      case .sha384: Array(SHA384.hash(data: envelope.signedBytes))
      case .sha512: Array(SHA512.hash(data: envelope.signedBytes))
      }
    #expect(envelope.digest(algorithm) == MessageDigest(algorithm: algorithm, bytes: whole))
  }

  @Test("Lengths in the encoding are bytes, not characters")
  func byteLengths() {
    let envelope = UnsignedEnvelope(payloadType: "ä", payload: Array("ö".utf8))
    #expect(envelope.signedBytes == Array("DSSEv1 2 ä 2 ö".utf8))
  }

  @Test("What is written is read again")
  func roundTrip() throws {
    for count in [1, 2, 3, 196_607, 196_608, 196_609] {
      let sealed = UnsignedEnvelope(payload: [UInt8](repeating: 0xFB, count: count)).sealed(signature: [1, 2, 3])
      let read = try Envelope.parse(sealed.serialized())
      #expect(read.count == 1)
      #expect(read[0].payload == sealed.payload && read[0].signature == [1, 2, 3] && read[0].keyID == "")
      #expect(JSONValue.sameTree(sealed.serialized(), ["payloadType": "application/vnd.in-toto+json", "payload": .string(Base64.encode(sealed.payload)), "signatures": [["keyid": "", "sig": "AQID"]]]))
    }
  }

  @Test("Both base64 alphabets are read, members DSSE does not name are passed over, and every signature comes out")
  func lenience() throws {
    let text = #"{"payload":"-_-_","payloadType":"t","signatures":[{"sig":"AQ=="},{"keyid":"k","sig":"Ag","cert":"c"}],"unauthenticated":{"a":[1]}}"#
    let read = try Envelope.parse(text.utf8)
    #expect(read.map(\.signature) == [[1], [2]])
    #expect(read.map(\.keyID) == [nil, "k"])
    #expect(read.allSatisfy { $0.payload == [0xFB, 0xFF, 0xBF] })
  }

  @Test("A payload between the alphabets, empty, or not text is refused", arguments: [#""+_+_""#, #""""#, "1", "null", #""A""#, #""AAA A""#, #"["AAAA"]"#])
  func badPayloads(_ payload: String) {
    let text = #"{"payload":\#(payload),"payloadType":"t","signatures":[{"sig":"AQ=="}]}"#
    #expect(throws: DocumentError.self) { try Envelope.parse(text.utf8) }
  }

  @Test("Other texts are no envelopes", arguments: [
    "", "[]", "{}", #"{"payload":"AAAA","signatures":[{"sig":"AQ=="}]}"#, #"{"payload":"AAAA","payloadType":"t"}"#,
    #"{"payload":"AAAA","payloadType":"t","signatures":[]}"#, #"{"payload":"AAAA","payloadType":"t","signatures":[{}]}"#,
    #"{"payload":"AAAA","payloadType":"t","signatures":{"sig":"AQ=="}}"#, #"{"payload":"AAAA","payloadType":7,"signatures":[{"sig":"AQ=="}]}"#,
    #"{"payload":"AAAA","payload":"BBBB","payloadType":"t","signatures":[{"sig":"AQ=="}]}"#,
    #"{"payload":"AAAA","p\u0061yload":"BBBB","payloadType":"t","signatures":[{"sig":"AQ=="}]}"#,
    #"{"payload":"AAAA","payloadType":"t","signatures":[{"sig":"AQ==","sig":"Ag=="}]}"#,
    #"{"payload":"AAAA","payloadType":"t","signatures":[{"sig":"AQ=="}]} x"#,
  ])
  func otherTexts(_ text: String) {
    #expect(throws: DocumentError.self) { try Envelope.parse(text.utf8) }
  }

  @Test("Seventeen signatures are too many")
  func tooMany() {
    let list = Array(repeating: #"{"sig":"AQ=="}"#, count: 17).joined(separator: ",")
    let text = #"{"payload":"AAAA","payloadType":"t","signatures":[\#(list)]}"#
    #expect(throws: DocumentError.malformed(.envelope, .tooMany(path: "signatures", limit: 16))) { try Envelope.parse(text.utf8) }
  }

  @Test("A bundle with an envelope is written as cosign writes it and read again")
  func bundle() throws {
    let sealed = Self.example.sealed(signature: [0x30, 1, 2])
    let bundle = SigstoreBundle(envelope: sealed, spkiDigest: [UInt8](repeating: 7, count: 32))
    #expect(try SigstoreBundle.parse(bundle.serialized()) == bundle)
    #expect(JSONValue.sameTree(bundle.serialized(), bundle.json))
    #expect(String(decoding: bundle.serialized(), as: UTF8.self).hasSuffix(
      #""dsseEnvelope":{"payload":"aGVsbG8gd29ybGQ=","payloadType":"http://example.com/HelloWorld","signatures":[{"sig":"MAEC"}]}}"#))
  }

  @Test("A bundle's envelope has exactly one signature and no unknown members", arguments: [
    #"{"payload":"AAAA","payloadType":"t","signatures":[{"sig":"AQ=="},{"sig":"Ag=="}]}"#,
    #"{"payload":"AAAA","payloadType":"t","signatures":[{"sig":"AQ==","cert":"c"}]}"#,
    #"{"payload":"AAAA","payloadType":"t","signatures":[{"sig":"AQ=="}],"more":1}"#, #""AAAA""#, "null", "[]",
  ])
  func strictBundle(_ envelope: String) {
    let text = #"{"mediaType":"\#(SigstoreBundle.mediaType)","verificationMaterial":{"publicKey":{}},"dsseEnvelope":\#(envelope)}"#
    #expect(throws: BundleError.self) { try SigstoreBundle.parse(text.utf8) }
  }

  @Test("A payload of 40 MiB goes through a bundle unchanged; material beyond 8 MiB does not")
  func large() throws {
    let payload = [UInt8](repeating: 0x20, count: 40 << 20)
    let sealed = UnsignedEnvelope(payload: payload).sealed(signature: [1])
    let bundle = SigstoreBundle(envelope: sealed, spkiDigest: [UInt8](repeating: 7, count: 32))
    let bytes = bundle.serialized()
    let read = try SigstoreBundle.parse(bytes)
    #expect(read.content == .envelope(sealed))
    let hint = String(repeating: "a", count: 9 << 20)
    let text = #"{"mediaType":"\#(SigstoreBundle.mediaType)","verificationMaterial":{"publicKey":{"hint":"\#(hint)"}},"messageSignature":{"signature":"AQ=="}}"#
    #expect(throws: BundleError.self) { try SigstoreBundle.parse(text.utf8) }
  }
}

extension JSONValue {
  /// Whether the text is this tree, whatever the order of members.
  static func sameTree(_ bytes: [UInt8], _ value: JSONValue) -> Bool {
    (try? JSONValue.parse(bytes).serialized(sortedKeys: true)) == value.serialized(sortedKeys: true)
  }
}
