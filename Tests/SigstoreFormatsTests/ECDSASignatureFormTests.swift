import Crypto
import Foundation
import SigstoreFormats
import Testing

@Suite("ECDSA signature forms")
struct ECDSASignatureFormTests {
  @Test("Both directions agree with another implementation, leading zeros included")
  func agreement() throws {
    let key = P256.Signing.PrivateKey()
    var raws = try (0..<100).map { Array(try key.signature(for: Data("message \($0)".utf8)).rawRepresentation) }
    // Numbers that begin with zero bytes, with and without the sign bit after them: what broke other implementations once in 128 times.
    for zeros in [1, 2, 31] {
      for first in [UInt8(0x01), 0x7F, 0x80, 0xFF] {
        let number = [UInt8](repeating: 0, count: zeros) + [first] + [UInt8](repeating: 0xA5, count: 31 - zeros)
        let other = [UInt8](repeating: 0x5A, count: 32)
        raws += [number + other, other + number, number + number]
      }
    }
    #expect(raws.count == 136)
    for raw in raws {
      let der = Array(try P256.Signing.ECDSASignature(rawRepresentation: raw).derRepresentation)
      #expect(ECDSASignatureForm.der(raw: raw, fieldBytes: 32) == der)
      #expect(ECDSASignatureForm.raw(der: der, fieldBytes: 32) == raw)
    }
  }

  @Test("P-521 needs the long form of the length and keeps its width")
  func longForm() throws {
    let key = P521.Signing.PrivateKey()
    for number in 0..<50 {
      let signature = try key.signature(for: Data("message \(number)".utf8))
      #expect(ECDSASignatureForm.der(raw: Array(signature.rawRepresentation), fieldBytes: 66) == Array(signature.derRepresentation))
      #expect(ECDSASignatureForm.raw(der: Array(signature.derRepresentation), fieldBytes: 66) == Array(signature.rawRepresentation))
    }
  }

  @Test("Zero, negative, padded, truncated and trailing forms are refused")
  func refusals() {
    let cases: [[UInt8]] = [
      [], [0x30], [0x30, 0x00], [0x30, 0x06, 0x02, 0x01, 0x00, 0x02, 0x01, 0x01],  // r = 0
      [0x30, 0x06, 0x02, 0x01, 0x80, 0x02, 0x01, 0x01],  // negative
      [0x30, 0x07, 0x02, 0x02, 0x00, 0x01, 0x02, 0x01, 0x01],  // padded
      [0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01, 0x00],  // trailing
      [0x30, 0x81, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01],  // length in long form although short
      [0x30, 0x80, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01, 0x00, 0x00],  // indefinite
      [0x31, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01],  // SET
      [0x30, 0x03, 0x02, 0x01, 0x01],  // one number
      [0x30, 0x09, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01],  // three
      [0x30, 0x06, 0x02, 0x00, 0x02, 0x02, 0x01, 0x01],  // empty integer
    ]
    for der in cases { #expect(ECDSASignatureForm.raw(der: der, fieldBytes: 32) == nil, "\(der)") }
    #expect(ECDSASignatureForm.der(raw: [UInt8](repeating: 0, count: 64), fieldBytes: 32) == nil)
    #expect(ECDSASignatureForm.der(raw: [UInt8](repeating: 1, count: 63), fieldBytes: 32) == nil)
    #expect(ECDSASignatureForm.raw(der: [0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01], fieldBytes: 32)?.count == 64)
  }
}
