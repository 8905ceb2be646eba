import Crypto
import Encodings
import NotaryFormats
import Testing

@Suite("Envelopes made here")
struct UnsignedEnvelopeTests {
  static let payload = NotaryPayload(
    artifactMediaType: "application/vnd.oci.image.manifest.v1+json", digest: "sha256:" + String(repeating: "ab", count: 32), size: 528,
    annotations: [.init(name: "z", value: "<&>\"é"), .init(name: "a", value: "1")])

  @Test("What is sealed reads back as what was meant", arguments: NotaryEnvelope.Format.allCases, NotaryKeySpec.allCases)
  func roundTrip(_ format: NotaryEnvelope.Format, _ spec: NotaryKeySpec) throws {
    for scheme in NotaryEnvelope.SigningScheme.allCases {
      let attributes = UnsignedNotaryEnvelope.Attributes(
        signingScheme: scheme, signingTime: 1_800_000_000, expiry: 1_800_086_400, verificationPlugin: .init(name: "hallmark", minimumVersion: "0.1.0"),
        extended: [
          .init(name: .text("com.example.a"), value: "b", isCritical: true), .init(name: .text("com.example.n"), value: 7, isCritical: false),
        ])
      let unsigned = try UnsignedNotaryEnvelope(payload: Self.payload, format: format, keySpec: spec, attributes: attributes, signingAgent: "test/1")
      let signature = [UInt8](repeating: 7, count: spec.signatureByteCount)
      let bytes = try unsigned.sealed(signature: signature, chain: [[1, 2], [3]], timestampToken: [9])
      let read = try NotaryEnvelope.parse(bytes, mediaType: format.mediaType)
      #expect(read.signedBytes == unsigned.signedBytes)
      #expect(read.signature == signature)
      #expect(read.keySpec == spec)
      #expect(read.signingScheme == scheme)
      #expect(read.signingTime == 1_800_000_000)
      #expect(read.authenticSigningTime == (scheme == .signingAuthority ? 1_800_000_000 : nil))
      #expect(read.expiry == 1_800_086_400)
      #expect(read.verificationPlugin == attributes.verificationPlugin)
      #expect(Set(read.extendedAttributes) == Set(attributes.extended))
      #expect(read.certificateChain == [[1, 2], [3]])
      #expect(read.timestampToken == [9])
      #expect(read.signingAgent == "test/1")
      #expect(try read.artifact() == Self.payload)
    }
  }

  @Test("A COSE envelope built from notation's own values is signed over notation's own bytes")
  func sameAsNotation() throws {
    for vector in NotationVector.all where vector.format == .cose {
      let theirs = try NotaryEnvelope.parse(vector.bytes, format: .cose)
      let ours = try UnsignedNotaryEnvelope(
        payload: theirs.payload, format: .cose, keySpec: theirs.keySpec,
        attributes: .init(signingTime: theirs.signingTime, expiry: theirs.expiry), signingAgent: theirs.signingAgent)
      #expect(ours.signedBytes == theirs.signedBytes, "\(vector.name)")
      #expect(try ours.sealed(signature: theirs.signature, chain: theirs.certificateChain) == vector.bytes, "\(vector.name)")
    }
  }

  @Test("A JWS envelope built from notation's own values is signed over notation's own bytes")
  func sameAsNotationJWS() throws {
    for vector in NotationVector.all where vector.format == .jws {
      let theirs = try NotaryEnvelope.parse(vector.bytes, format: .jws)
      let ours = try UnsignedNotaryEnvelope(
        payload: theirs.payload, format: .jws, keySpec: theirs.keySpec,
        attributes: .init(signingTime: theirs.signingTime, expiry: theirs.expiry), signingAgent: theirs.signingAgent)
      #expect(ours.signedBytes == theirs.signedBytes, "\(vector.name)")
    }
  }

  @Test("Two equal plans give equal bytes: nothing random, nothing of the clock")
  func deterministic() throws {
    for format in NotaryEnvelope.Format.allCases {
      let one = try UnsignedNotaryEnvelope(payload: Self.payload, format: format, keySpec: .ec256, attributes: .init(signingTime: 5))
      let two = try UnsignedNotaryEnvelope(payload: Self.payload, format: format, keySpec: .ec256, attributes: .init(signingTime: 5))
      #expect(one.signedBytes == two.signedBytes)
    }
  }

  @Test("A signature in DER, an empty chain, an expiry in the past and a stolen attribute name cannot be sealed")
  func refusals() throws {
    for format in NotaryEnvelope.Format.allCases {
      let unsigned = try UnsignedNotaryEnvelope(payload: Self.payload, format: format, keySpec: .ec256, attributes: .init(signingTime: 5))
      #expect(throws: NotaryError.badSignatureLength(algorithm: "ES256", wanted: 64, got: 71)) {
        try unsigned.sealed(signature: [UInt8](repeating: 0x30, count: 71), chain: [[1]])
      }
      #expect(throws: NotaryError.self) { try unsigned.sealed(signature: [UInt8](repeating: 0, count: 64), chain: []) }
      #expect(throws: NotaryError.self) { try unsigned.sealed(signature: [UInt8](repeating: 0, count: 64), chain: Array(repeating: [1], count: 17)) }
      for name: NotaryEnvelope.ExtendedAttribute.Name in [
        .text("alg"), .text("io.cncf.notary.expiry"), .text("io.cncf.notary.own"), .text(""), .integer(4),
      ] {
        #expect(throws: NotaryError.self) {
          try UnsignedNotaryEnvelope(
            payload: Self.payload, format: format, keySpec: .ec256,
            attributes: .init(signingTime: 5, extended: [.init(name: name, value: "x", isCritical: true)]))
        }
      }
      #expect(throws: NotaryError.self) {
        try UnsignedNotaryEnvelope(payload: Self.payload, format: format, keySpec: .ec256, attributes: .init(signingTime: 5, expiry: 5))
      }
    }
  }

  @Test("The manifest's thumbprints are lower-case SHA-256 of each certificate, as a JSON array in a string")
  func thumbprints() {
    let chain: [[UInt8]] = [[1], [2, 3]]
    let wanted = chain.map { "\"" + SHA256.hash(data: $0).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() + "\"" }
    #expect(NotarySignatureManifest.thumbprints(chain) == "[" + wanted.joined(separator: ",") + "]")
    let annotations = NotarySignatureManifest.annotations(chain: chain, signingTime: 0)
    #expect(annotations.map(\.name) == ["io.cncf.notary.x509chain.thumbprint#S256", "org.opencontainers.image.created"])
    #expect(annotations[1].value == "1970-01-01T00:00:00Z")
  }
}

@Suite("Payloads")
struct NotaryPayloadTests {
  @Test(
    "A payload that is not exactly one descriptor is refused",
    arguments: [
      "", "[]", "{}", #"{"targetArtifact":{}}"#,
      #"{"targetArtifact":{"mediaType":"m","digest":"sha256:00","size":1}}"#,
      #"{"targetArtifact":{"mediaType":"m","digest":"DIGEST","size":-1}}"#, #"{"targetArtifact":{"mediaType":"m","digest":"DIGEST","size":1.5}}"#,
      #"{"targetArtifact":{"mediaType":"m","digest":"DIGEST","size":"1"}}"#, #"{"targetArtifact":{"digest":"DIGEST","size":1}}"#,
      #"{"targetArtifact":{"mediaType":"m","digest":"DIGEST","size":1,"urls":[]}}"#, #"{"targetArtifact":{"mediaType":"m","digest":"DIGEST","size":1},"x":1}"#,
      #"{"targetArtifact":{"mediaType":"m","digest":"DIGEST","size":1,"annotations":{"a":1}}}"#,
      #"{"targetArtifact":{"mediaType":"m","digest":"DIGEST","size":1,"annotations":{"a":"1","a":"2"}}}"#,
      #"{"targetArtifact":{"mediaType":"m","digest":"DIGEST","digest":"DIGEST","size":1}}"#,
    ])
  func refused(_ text: String) {
    let digest = "sha256:" + String(repeating: "0", count: 64)
    #expect(throws: NotaryError.self) { try NotaryPayload.parse(text.replacingOccurrences("DIGEST", with: digest).utf8) }
  }

  @Test("Digests in upper case or of another algorithm are refused")
  func digests() {
    for digest in ["SHA256:" + String(repeating: "a", count: 64), "sha256:" + String(repeating: "A", count: 64), "md5:" + String(repeating: "a", count: 32), "sha512:" + String(repeating: "a", count: 64)] {
      #expect(throws: NotaryError.self) { try NotaryPayload.parse(#"{"targetArtifact":{"mediaType":"m","digest":"\#(digest)","size":1}}"#.utf8) }
    }
  }
}
