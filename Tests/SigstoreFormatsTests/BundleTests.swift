import Crypto
import Encodings
import Foundation
import SigstoreFormats
import Testing

/// Bundles: what is written, what is read, and above all what is refused.
@Suite("Sigstore bundles")
struct BundleTests {
  /// Made by cosign 3.1.1 (Debian): `cosign sign-blob --key` without any service.
  static let golden = #"""
    {"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"P1szPFz808TvZ7w3XqysU5rZ9RUqZ5wiFoL8NNInBRc="}},"messageSignature":{"messageDigest":{"algorithm":"SHA2_256","digest":"u9YlbrSAkxwG2kepV0OJfQ2COb0qdEXuGe3gIDfc8ms="},"signature":"MEUCIC3ojD7WVLkwzu2d6LG2QdsF8DYRK3fd5YP0rUB5QegNAiEA4AMy/TzP0F4zkEXiQ+X9jBGmBhicjhE0hhmd9pKKy9A="}}
    """#

  static func text(_ change: (inout JSONObject) -> Void) throws -> [UInt8] {
    var object = try #require(JSONValue.parse(golden).object)
    change(&object)
    return JSONValue.object(object).serialized()
  }

  @Test("A bundle that cosign made is read, and written again with the same bytes")
  func roundTrip() throws {
    let bundle = try SigstoreBundle.parse(Self.golden.utf8)
    #expect(bundle.version == .v03)
    #expect(bundle.keyFingerprint?.count == 32)
    #expect(String(decoding: bundle.serialized(), as: UTF8.self) == Self.golden)
  }

  @Test(
    "The three versions are read",
    arguments: [
      ("application/vnd.dev.sigstore.bundle.v0.3+json", SigstoreBundle.Version.v03), ("application/vnd.dev.sigstore.bundle+json;version=0.3", .v03),
      ("application/vnd.dev.sigstore.bundle+json;version=0.2", .v02), ("application/vnd.dev.sigstore.bundle+json;version=0.1", .v01),
    ])
  func versions(_ type: String, _ version: SigstoreBundle.Version) throws {
    let bundle = try SigstoreBundle.parse(Self.text { $0["mediaType"] = .string(type) })
    #expect(bundle.version == version)
  }

  @Test(
    "Other media types are refused",
    arguments: ["", "application/json", "application/vnd.dev.sigstore.bundle.v0.4+json", "application/vnd.dev.sigstore.bundle+json;version=0.4"])
  func otherTypes(_ type: String) throws {
    let text = try Self.text { $0["mediaType"] = .string(type) }
    #expect(throws: BundleError.unknownMediaType(type)) { try SigstoreBundle.parse(text) }
  }

  @Test("A missing member is refused", arguments: ["mediaType", "verificationMaterial", "messageSignature"])
  func missing(_ name: String) throws {
    let text = try Self.text { $0[name] = nil }
    #expect(throws: BundleError.self) { try SigstoreBundle.parse(text) }
  }

  @Test("An unknown member is refused on every level")
  func unknown() throws {
    let top = try Self.text { $0["extra"] = 1 }
    #expect(throws: BundleError.unknownMember(path: "extra")) { try SigstoreBundle.parse(top) }
    let inner = try Self.text { $0["messageSignature"] = ["signature": "AAAA", "more": true] }
    #expect(throws: BundleError.unknownMember(path: "messageSignature.more")) { try SigstoreBundle.parse(inner) }
    let key = try Self.text { $0["verificationMaterial"] = ["publicKey": ["hint": "x", "key": "y"]] }
    #expect(throws: BundleError.unknownMember(path: "verificationMaterial.publicKey.key")) { try SigstoreBundle.parse(key) }
  }

  @Test("Exactly one kind of content and one kind of material")
  func exactlyOne() throws {
    let both = try Self.text {
      $0["dsseEnvelope"] = ["payload": "AAAA", "payloadType": "t", "signatures": [["sig": "AAAA"]]]
    }
    #expect(throws: BundleError.self) { try SigstoreBundle.parse(both) }
    let material = try Self.text { $0["verificationMaterial"] = ["publicKey": [:], "certificate": ["rawBytes": "AAAA"]] }
    #expect(throws: BundleError.self) { try SigstoreBundle.parse(material) }
    let none = try Self.text { $0["verificationMaterial"] = [:] }
    #expect(throws: BundleError.self) { try SigstoreBundle.parse(none) }
  }

  @Test("Version 0.3 has no certificate chain; older ones do")
  func chain() throws {
    let chain: JSONValue = ["x509CertificateChain": ["certificates": [["rawBytes": "AAAA"], ["rawBytes": "BBBB"]]]]
    let new = try Self.text { $0["verificationMaterial"] = chain }
    #expect(throws: BundleError.self) { try SigstoreBundle.parse(new) }
    let old = try Self.text {
      $0["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.2"
      $0["verificationMaterial"] = chain
    }
    #expect(try SigstoreBundle.parse(old).material == .certificates([[0, 0, 0], [4, 16, 65]]))
  }

  @Test("A message digest must have a known name and the length of its hash")
  func digests() throws {
    for (name, digest) in [("SHA1", "AAAA"), ("SHA2_256", "AAAA"), ("SHA2_256", ""), ("SHA2_256", "!"), ("sha256", "AAAA")] {
      let text = try Self.text {
        $0["messageSignature"] = ["messageDigest": ["algorithm": .string(name), "digest": .string(digest)], "signature": "AAAA"]
      }
      #expect(throws: BundleError.self) { try SigstoreBundle.parse(text) }
    }
  }

  @Test("Signatures are base64, not empty, and not larger than any algorithm makes them")
  func signatures() throws {
    for signature in ["", "not base64", "A", String(repeating: "A", count: 4000)] {
      let text = try Self.text { $0["messageSignature"] = ["signature": .string(signature)] }
      #expect(throws: BundleError.self) { try SigstoreBundle.parse(text) }
    }
  }

  @Test("More than 32 log entries or timestamps are refused, and entries must be objects")
  func entries() throws {
    let many = try Self.text {
      $0["verificationMaterial"] = ["publicKey": [:], "tlogEntries": .array(Array(repeating: [:], count: 33))]
    }
    #expect(throws: BundleError.tooMany(path: "verificationMaterial.tlogEntries", limit: 32)) { try SigstoreBundle.parse(many) }
    let wrong = try Self.text { $0["verificationMaterial"] = ["publicKey": [:], "tlogEntries": [1]] }
    #expect(throws: BundleError.self) { try SigstoreBundle.parse(wrong) }
    let stamps = try Self.text {
      $0["verificationMaterial"] = [
        "publicKey": [:],
        "timestampVerificationData": ["rfc3161Timestamps": .array(Array(repeating: ["signedTimestamp": "AAAA"], count: 33))],
      ]
    }
    #expect(throws: BundleError.self) { try SigstoreBundle.parse(stamps) }
  }

  @Test("A DSSE envelope has exactly one signature")
  func envelopes() throws {
    for count in [0, 2] {
      let text = try Self.text {
        $0["messageSignature"] = nil
        $0["dsseEnvelope"] = [
          "payload": "AAAA", "payloadType": "application/vnd.in-toto+json", "signatures": .array(Array(repeating: ["sig": "AAAA"], count: count)),
        ]
      }
      #expect(throws: BundleError.self) { try SigstoreBundle.parse(text) }
    }
  }

  @Test("Not JSON, other JSON, doubled members, too deep: refused without a crash")
  func notBundles() {
    let texts = [
      "", "{}", "[]", "null", "1", "{", "not json", #"{"mediaType":1}"#, String(repeating: "[", count: 100_000),
      #"{"mediaType":"a","mediaType":"b"}"#, "\u{FEFF}{}",
    ]
    for text in texts { #expect(throws: BundleError.self) { try SigstoreBundle.parse(text.utf8) } }
  }

  @Test("No byte of a bundle can be dropped without it being refused or changed")
  func truncations() throws {
    let bytes = Array(Self.golden.utf8)
    let whole = try SigstoreBundle.parse(bytes)
    for end in 0..<bytes.count { #expect(throws: BundleError.self) { try SigstoreBundle.parse(bytes[..<end]) } }
    // Base64 padding is the one thing that may be left out, as in protobuf's own JSON reader.
    for i in bytes.indices where bytes[i] != UInt8(ascii: "=") {
      var changed = bytes
      changed.remove(at: i)
      if let parsed = try? SigstoreBundle.parse(changed) { #expect(parsed != whole) }
    }
  }

  @Test("The pre-authentication encoding is that of the DSSE specification")
  func preAuthentication() {
    // Example of the DSSE protocol page (secure-systems-lab/dsse, protocol.md, test vector).
    let envelope = Envelope(payloadType: "http://example.com/HelloWorld", payload: Array("hello world".utf8), signature: [])
    #expect(String(decoding: envelope.signedBytes, as: UTF8.self) == "DSSEv1 29 http://example.com/HelloWorld 11 hello world")
  }
}
