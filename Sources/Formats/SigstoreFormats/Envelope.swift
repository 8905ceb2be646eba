internal import Crypto

/// A DSSE envelope with exactly one signature (secure-systems-lab DSSE v1).
package struct Envelope: Sendable, Hashable {
  package var payloadType: String
  package var payload: [UInt8]
  /// ASN.1 DER for EC keys, the signature octets for RSA; over `signedBytes`.
  package var signature: [UInt8]
  /// A hint of the signer's, not signed and not trusted. We write none.
  package var keyID: String?

  package init(payloadType: String, payload: [UInt8], signature: [UInt8], keyID: String? = nil) {
    self.payloadType = payloadType
    self.payload = payload
    self.signature = signature
    self.keyID = keyID
  }

  /// What the signature is over. Cheap: the payload is shared.
  package var unsigned: UnsignedEnvelope { UnsignedEnvelope(payloadType: payloadType, payload: payload) }

  /// The bytes that are signed: DSSE v1 pre-authentication encoding. A copy of the payload; `digest(_:)` needs none.
  package var signedBytes: [UInt8] { unsigned.signedBytes }

  /// The digest of the signed bytes, computed piece by piece.
  package func digest(_ algorithm: HashAlgorithm) -> MessageDigest { unsigned.digest(algorithm) }
}

/// A DSSE envelope before it is signed.
package struct UnsignedEnvelope: Sendable, Hashable {
  /// The payload type of in-toto statements.
  package static let statementType = "application/vnd.in-toto+json"

  package var payloadType: String
  package var payload: [UInt8]

  package init(payloadType: String = Self.statementType, payload: [UInt8]) {
    self.payloadType = payloadType
    self.payload = payload
  }

  /// Everything of the pre-authentication encoding before the payload: `DSSEv1 SP len SP type SP len SP`, lengths in bytes, decimal.
  package static func prefix(payloadType: String, payloadBytes: Int) -> [UInt8] {
    Array("DSSEv1 \(payloadType.utf8.count) \(payloadType) \(payloadBytes) ".utf8)
  }

  /// The bytes that are signed. A copy of the payload; `digest(_:)` needs none.
  package var signedBytes: [UInt8] {
    let prefix = Self.prefix(payloadType: payloadType, payloadBytes: payload.count)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(prefix.count + payload.count)
    bytes += prefix
    bytes += payload
    return bytes
  }

  /// The digest of `signedBytes`, without making them: what the key signs.
  ///
  /// - Complexity: one pass over the payload, no copy.
  package func digest(_ algorithm: HashAlgorithm) -> MessageDigest {
    let prefix = Self.prefix(payloadType: payloadType, payloadBytes: payload.count)
    func hash<H: HashFunction>(_ function: H.Type) -> [UInt8] {
      var state = function.init()
      state.update(data: prefix)
      payload.withUnsafeBytes { state.update(bufferPointer: $0) }
      return Array(state.finalize())
    }
    let bytes =
      switch algorithm {
      case .sha256: hash(SHA256.self)
      case .sha384: hash(SHA384.self)
      case .sha512: hash(SHA512.self)
      }
    return MessageDigest(algorithm: algorithm, bytes: bytes)
  }

  /// - Parameter signature: over `digest(_:)`; DER for EC keys, octets for RSA.
  package func sealed(signature: [UInt8], keyID: String? = nil) -> Envelope {
    Envelope(payloadType: payloadType, payload: payload, signature: signature, keyID: keyID)
  }
}
