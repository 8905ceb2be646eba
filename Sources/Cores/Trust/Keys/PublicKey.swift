internal import Crypto
internal import CryptoExtras
package import Encodings
internal import SwiftASN1

/// A public key that can check signatures, known by its DER SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
package struct PublicKey: Sendable, Hashable {
  package enum Kind: Sendable, Hashable {
    case ec(Curve)
    /// Modulus length in bits, 2048 to 8192.
    case rsa(bits: Int)
  }

  /// The curves of Managed HSM, by their JWK names.
  package enum Curve: String, Sendable, Hashable, CaseIterable {
    case p256 = "P-256"
    case p384 = "P-384"
    case p521 = "P-521"
    case p256K = "P-256K"

    /// Bytes of one coordinate.
    package var fieldBytes: Int {
      switch self {
      case .p256, .p256K: 32
      case .p384: 48
      case .p521: 66
      }
    }
  }

  package let kind: Kind
  package let spki: [UInt8]
  /// SHA-256 of `spki`: the key's identity here, in bundle hints and in trust files.
  package let fingerprint: [UInt8]

  package var fingerprintHex: String { Hex.encode(fingerprint) }
  package var pem: String { PEM.encode(spki, label: "PUBLIC KEY") }

  package var kindText: String {
    switch kind {
    case .ec(let curve): "EC \(curve.rawValue)"
    case .rsa(let bits): "RSA \(bits)"
    }
  }

  private init(kind: Kind, spki: [UInt8]) {
    self.kind = kind
    self.spki = spki
    fingerprint = Array(SHA256.hash(data: spki))
  }

  /// Reads DER SubjectPublicKeyInfo, at most 4 KiB; points must be on their curve (for P-256K only the form is checked).
  package init(spki: [UInt8]) throws(TrustError) {
    guard spki.count <= 4096 else { throw .badKey("longer than 4096 bytes") }
    let parsed: (algorithm: ASN1ObjectIdentifier, curve: ASN1ObjectIdentifier?, bits: ArraySlice<UInt8>)
    do { parsed = try Self.parts(of: spki) } catch { throw .badKey("not a DER SubjectPublicKeyInfo") }
    do {
      switch (parsed.algorithm, parsed.curve) {
      case (Self.rsaEncryption, _):
        let key = try _RSA.Signing.PublicKey(derRepresentation: spki)
        guard key.keySizeInBits <= 8192 else { throw TrustError.badKey("RSA key longer than 8192 bits") }
        self.init(kind: .rsa(bits: key.keySizeInBits), spki: spki)
      case (Self.ecPublicKey, Self.secp256r1):
        _ = try P256.Signing.PublicKey(derRepresentation: spki)
        self.init(kind: .ec(.p256), spki: spki)
      case (Self.ecPublicKey, Self.secp384r1):
        _ = try P384.Signing.PublicKey(derRepresentation: spki)
        self.init(kind: .ec(.p384), spki: spki)
      case (Self.ecPublicKey, Self.secp521r1):
        _ = try P521.Signing.PublicKey(derRepresentation: spki)
        self.init(kind: .ec(.p521), spki: spki)
      case (Self.ecPublicKey, Self.secp256k1):
        guard parsed.bits.count == 65, parsed.bits.first == 4 else { throw TrustError.badKey("P-256K point has the wrong form") }
        self.init(kind: .ec(.p256K), spki: spki)
      default: throw TrustError.badKey("algorithm is none of RSA, P-256, P-384, P-521, P-256K")
      }
    } catch let error as TrustError {
      throw error
    } catch {
      throw .badKey("the key inside the SubjectPublicKeyInfo is not valid, or RSA shorter than 2048 bits")
    }
  }

  /// Reads a PEM text with exactly one `PUBLIC KEY` block (RFC 7468 §13).
  package init(pem: some Sequence<UInt8>) throws(TrustError) {
    let blocks: [PEM.Block]
    do { blocks = try PEM.parse(pem, maxBytes: 64 << 10, maxBlocks: 16) } catch { throw .badKey("PEM: \(error.description)") }
    let keys = blocks.filter { $0.label == "PUBLIC KEY" }
    guard keys.count == 1 else {
      throw .badKey("\(keys.count) PUBLIC KEY blocks where one is wanted" + (blocks.isEmpty ? "" : " (found: \(Set(blocks.map(\.label)).sorted().joined(separator: ", ")))"))
    }
    try self.init(spki: keys[0].bytes)
  }

  /// Reads the public part of a JWK as a Managed HSM or vault returns it (`kty` with or without `-HSM`).
  package init(jwk: JSONValue) throws(TrustError) {
    func number(_ name: String) throws(TrustError) -> [UInt8] {
      guard let text = jwk[name]?.string, text.utf8.count <= 2048, let bytes = try? Base64URL.decode(text), !bytes.isEmpty else {
        throw .badKey("JWK member \(name) is missing or not base64url")
      }
      return bytes
    }
    switch jwk["kty"]?.string {
    case "EC", "EC-HSM":
      guard let name = jwk["crv"]?.string, let curve = Curve(rawValue: name == "SECP256K1" ? "P-256K" : name) else {
        throw .badKey("JWK curve is none of P-256, P-384, P-521, P-256K")
      }
      let x = try number("x")
      let y = try number("y")
      guard x.count == curve.fieldBytes, y.count == curve.fieldBytes else {
        throw .badKey("JWK coordinates of \(curve.rawValue) must be \(curve.fieldBytes) bytes")
      }
      try self.init(spki: Self.prefix(of: curve) + [4] + x + y)
    case "RSA", "RSA-HSM":
      let n = try number("n")
      let e = try number("e")
      let der: [UInt8]
      do { der = Array(try _RSA.Signing.PublicKey(n: n, e: e).derRepresentation) } catch { throw .badKey("JWK RSA numbers") }
      try self.init(spki: der)
    default: throw .badKey("JWK kty is none of EC, EC-HSM, RSA, RSA-HSM")
    }
  }

  private static let rsaEncryption: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 1, 1]
  private static let ecPublicKey: ASN1ObjectIdentifier = [1, 2, 840, 10045, 2, 1]
  private static let secp256r1: ASN1ObjectIdentifier = [1, 2, 840, 10045, 3, 1, 7]
  private static let secp384r1: ASN1ObjectIdentifier = [1, 3, 132, 0, 34]
  private static let secp521r1: ASN1ObjectIdentifier = [1, 3, 132, 0, 35]
  private static let secp256k1: ASN1ObjectIdentifier = [1, 3, 132, 0, 10]

  private static func parts(of spki: [UInt8]) throws -> (ASN1ObjectIdentifier, ASN1ObjectIdentifier?, ArraySlice<UInt8>) {
    try DER.sequence(try DER.parse(spki), identifier: .sequence) { nodes in
      guard let identifier = nodes.next() else { throw TrustError.badKey("no algorithm") }
      var curve: ASN1ObjectIdentifier?
      let algorithm = try DER.sequence(identifier, identifier: .sequence) { inner in
        let algorithm = try ASN1ObjectIdentifier(derEncoded: &inner)
        if let parameters = inner.next() { curve = try? ASN1ObjectIdentifier(derEncoded: parameters) }
        return algorithm
      }
      return (algorithm, curve, try ASN1BitString(derEncoded: &nodes).bytes)
    }
  }

  /// Everything of the SubjectPublicKeyInfo before the uncompressed point.
  private static func prefix(of curve: Curve) -> [UInt8] {
    let name: [UInt8] =
      switch curve {
      case .p256: [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07]
      case .p384: [0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22]
      case .p521: [0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x23]
      case .p256K: [0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x0A]
      }
    func length(_ count: Int) -> [UInt8] { count < 0x80 ? [UInt8(count)] : [0x81, UInt8(count)] }
    let algorithm: [UInt8] = [0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01] + name
    let bitCount = 2 + 2 * curve.fieldBytes
    let bits: [UInt8] = [0x03] + length(bitCount) + [0x00]
    let head: [UInt8] = [0x30, UInt8(algorithm.count)] + algorithm + bits
    return [0x30] + length(head.count + bitCount - 1) + head
  }
}
