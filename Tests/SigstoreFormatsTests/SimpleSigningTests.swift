import Encodings
import SigstoreFormats
import Testing

/// The payload of cosign's older image signatures.
@Suite("Simple signing payloads")
struct SimpleSigningTests {
  static let hex = String(repeating: "0f", count: 32)
  /// In the form cosign 3.1.1 writes with `--new-bundle-format=false`.
  static let text =
    #"{"critical":{"identity":{"docker-reference":"localhost:5000/a"},"image":{"docker-manifest-digest":"sha256:\#(hex)"},"type":"cosign container image signature"},"optional":null}"#

  @Test("cosign's payload is read, and written again with the same bytes")
  func roundTrip() throws {
    let payload = try SimpleSigning.parse(Self.text.utf8)
    #expect(payload.repository == "localhost:5000/a")
    #expect(payload.manifestDigest.text == "sha256:\(Self.hex)")
    #expect(payload.optional.isEmpty)
    #expect(String(decoding: payload.serialized(), as: UTF8.self) == Self.text)
  }

  @Test("Annotations stand in optional, which may be absent")
  func optional() throws {
    let annotated = Self.text.replacing("\"optional\":null", with: "\"optional\":{\"env\":\"prod\",\"n\":1}")
    let payload = try SimpleSigning.parse(annotated.utf8)
    #expect(payload.optional.names == ["env", "n"])
    #expect(String(decoding: payload.serialized(), as: UTF8.self) == annotated)
    #expect(try SimpleSigning.parse(Self.text.replacing(",\"optional\":null", with: "").utf8).optional.isEmpty)
  }

  @Test("Another type of payload is refused by its type")
  func otherType() {
    let text = Self.text.replacing("cosign container image signature", with: "atomic container signature")
    #expect(throws: DocumentError.unsupported(.simpleSigning, #"critical.type "atomic container signature" is not "cosign container image signature""#)) {
      try SimpleSigning.parse(text.utf8)
    }
  }

  @Test("Misshapen payloads are refused", arguments: [
    ("\"optional\":null", "\"optional\":[]"), ("\"optional\":null", "\"optional\":null,\"more\":1"), ("\"optional\":null", "\"critical\":{}"),
    ("\"identity\":{\"docker-reference\":\"localhost:5000/a\"}", "\"identity\":{}"),
    ("\"identity\":{\"docker-reference\":\"localhost:5000/a\"}", "\"identity\":{\"docker-reference\":1}"),
    ("\"docker-reference\":", "\"x\":1,\"docker-reference\":"), ("\"docker-manifest-digest\":", "\"x\":1,\"docker-manifest-digest\":"),
    ("sha256:", "sha512:"), ("sha256:", "sha256:00"), ("sha256:", ""), ("sha256:0f", "sha256:zz"), ("\"type\":", "\"kind\":"),
    ("{\"critical\":", "{\"critical\":{},\"critical\":"),
  ])
  func misshapen(_ old: String, _ new: String) {
    let text = Self.text.replacing(old, with: new)
    #expect(text != Self.text)
    #expect(throws: DocumentError.self) { try SimpleSigning.parse(text.utf8) }
  }

  @Test("Texts that are no payload are refused", arguments: ["", "null", "[]", "{}", "\"x\"", #"{"critical":null}"#])
  func others(_ text: String) { #expect(throws: DocumentError.self) { try SimpleSigning.parse(text.utf8) } }

  @Test("A payload longer than 64 KiB is refused")
  func long() {
    let text = Self.text.replacing("\"optional\":null", with: "\"optional\":{\"a\":\"\(String(repeating: "a", count: 70_000))\"}")
    #expect(throws: DocumentError.self) { try SimpleSigning.parse(text.utf8) }
  }

  @Test("The older layout's tags")
  func tags() {
    let digest = MessageDigest(algorithm: .sha256, bytes: [UInt8](repeating: 15, count: 32))
    #expect(CosignImage.Legacy.tag(digest, suffix: CosignImage.Legacy.signatureSuffix) == "sha256-\(Self.hex).sig")
  }
}
