import Encodings
import NotaryFormats
import Testing

@Suite("Envelopes that notation made")
struct NotationEnvelopeTests {
  @Test("Every one reads as what notation put into it", arguments: NotationVector.all)
  func reads(_ vector: NotationVector) throws {
    let envelope = try NotaryEnvelope.parse(vector.bytes, mediaType: vector.format.mediaType)
    let artifact = try envelope.artifact()
    #expect(envelope.format == vector.format)
    #expect(envelope.keySpec == vector.keySpec)
    #expect(envelope.signingScheme == .x509)
    #expect(envelope.authenticSigningTime == nil)
    #expect(envelope.signingTime > 1_790_000_000 && envelope.signingTime < 1_900_000_000)
    #expect(artifact.digest == NotationVector.artifact.digest)
    #expect(artifact.size == NotationVector.artifact.size)
    #expect(artifact.artifactMediaType == "application/vnd.oci.image.manifest.v1+json")
    #expect(envelope.signingAgent == "notation-go/1.3.2")
    #expect(envelope.timestampToken == nil)
    #expect(envelope.verificationPlugin == nil)
    #expect(envelope.unknownCritical.isEmpty)
    let isRich = vector.name == "ec256"
    #expect(artifact.annotations == (isRich ? [.init(name: "build", value: "42")] : []))
    #expect(envelope.expiry == (isRich ? envelope.signingTime + 200_000 * 3600 : nil))
  }

  @Test("There are twelve of them")
  func count() { #expect(NotationVector.all.filter { !$0.bytes.isEmpty }.count == 12) }

  @Test("The signature covers exactly the bytes the parser names", arguments: NotationVector.all)
  func signatures(_ vector: NotationVector) throws {
    var envelope = try NotaryEnvelope.parse(vector.bytes, format: vector.format)
    let chain = try NotaryCertificateChain(der: envelope.certificateChain)
    #expect(chain.keySpec == envelope.keySpec)
    #expect(try TestSigner.isValid(envelope, spki: chain.leaf.publicKey))
    envelope.signedBytes[envelope.signedBytes.count / 2] ^= 1
    #expect(try !TestSigner.isValid(envelope, spki: chain.leaf.publicKey))
  }

  @Test("The chain keeps the profile while it is valid, and its root is the one that issued it", arguments: NotationVector.all)
  func chains(_ vector: NotationVector) throws {
    let envelope = try NotaryEnvelope.parse(vector.bytes, format: vector.format)
    let chain = try NotaryCertificateChain(der: envelope.certificateChain)
    #expect(NotaryCertificateProfile.violations(of: chain, at: envelope.signingTime).isEmpty)
    #expect(chain.certificates.count == 2)
    #expect(try NotaryCertificateChain(pem: NotationVector.file("root.pem")).leaf == chain.root)
    #expect(chain.leaf.subject.description == "C=US, ST=WA, O=Example, CN=\(vector.name) signer")
    #expect(NotaryCertificateProfile.violations(of: chain, at: chain.leaf.notAfter + 1) == [.expired(position: 1, at: chain.leaf.notAfter)])
  }

  @Test("One format's envelope is not the other's", arguments: NotationVector.all)
  func wrongFormat(_ vector: NotationVector) {
    let other: NotaryEnvelope.Format = vector.format == .jws ? .cose : .jws
    #expect(throws: NotaryError.self) { try NotaryEnvelope.parse(vector.bytes, format: other) }
    #expect(throws: NotaryError.unknownEnvelopeType("application/json")) { try NotaryEnvelope.parse(vector.bytes, mediaType: "application/json") }
  }

  @Test("A cut or lengthened envelope is refused", arguments: NotationVector.all)
  func truncated(_ vector: NotationVector) {
    for count in stride(from: 0, to: vector.bytes.count, by: 7) {
      #expect(throws: NotaryError.self) { try NotaryEnvelope.parse(Array(vector.bytes.prefix(count)), format: vector.format) }
    }
    #expect(throws: NotaryError.self) { try NotaryEnvelope.parse(vector.bytes + [0x30], format: vector.format) }
  }

  @Test("An envelope beyond the limit is refused before it is read")
  func tooLong() {
    let bytes = [UInt8](repeating: 0x20, count: NotaryEnvelope.Limits.envelopeBytes + 1)
    for format in NotaryEnvelope.Format.allCases {
      #expect(throws: NotaryError.tooLong(what: "the envelope", limit: NotaryEnvelope.Limits.envelopeBytes)) {
        try NotaryEnvelope.parse(bytes, format: format)
      }
    }
  }
}
