import Encodings
import OCI
import Testing

@Suite("Content digests")
struct ContentDigestTests {
  // FIPS 180-4 examples: the hash of "abc".
  static let sha256 = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
  static let sha512 =
    "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"

  @Test("Content is digested as FIPS 180-4 says, whole or in pieces")
  func vectors() throws {
    for (text, algorithm) in [(Self.sha256, ContentDigest.Algorithm.sha256), (Self.sha512, .sha512)] {
      #expect(ContentDigest(of: Array("abc".utf8), algorithm: algorithm).text == text)
      var stream = ContentDigestStream(algorithm)
      for byte in "abc".utf8 { stream.update([byte]) }
      #expect(stream.finish().text == text && stream.count == 3)
      let digest = try ContentDigest(text)
      #expect(digest.text == text && digest.matches(Array("abc".utf8)) && !digest.matches(Array("abd".utf8)))
    }
  }

  @Test("A digest has exactly one text", arguments: [
    "", "sha256", "sha256:", "abc", "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a",
    "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015add", "sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
    "SHA256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "sha384:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "sha512:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", " sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "sha256:ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "sha256:sha256:7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f200",
  ])
  func refused(_ text: String) { #expect(throws: OCIError.badDigest(text)) { try ContentDigest(text) } }

  @Test("The empty descriptor is that of the specification")
  func empty() {
    // image-spec, Guidance for an Empty Descriptor.
    #expect(Descriptor.empty.digest.text == "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a")
    #expect(Descriptor.empty.json["data"] == "e30=" && Descriptor.empty.size == 2)
  }

  @Test("Fallback tags are cut where the specification cuts them")
  func fallbackTags() throws {
    let short = try ContentDigest(Self.sha256)
    let long = try ContentDigest(Self.sha512)
    #expect(ReferrersTag.fallback(of: short) == "sha256-" + short.hex)
    #expect(ReferrersTag.fallback(of: long) == "sha512-" + long.hex.prefix(64))
    #expect(ReferrersTag.legacy(.attestation, of: short) == "sha256-\(short.hex).att")
  }
}
