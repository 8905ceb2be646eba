import Signing
import SigstoreFormats
import Testing
import Trust

@Suite("Digest streams")
struct DigestStreamTests {
  @Test("The digest of a stream does not depend on how it was cut, and agrees with published vectors")
  func streams() {
    // FIPS 180-4 examples: "abc".
    var whole = DigestStream(HashAlgorithm.allCases)
    whole.update(Array("abc".utf8))
    var pieces = DigestStream(HashAlgorithm.allCases)
    for byte in "abc".utf8 { pieces.update([byte]) }
    #expect(whole.finish() == pieces.finish())
    #expect(whole.finish().byteCount == 3)
    #expect(whole.finish()[.sha256]?.text == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  }
}
