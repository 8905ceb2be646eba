package import Crypto

/// Signs checkpoints. Supplied by the surface: the key may live in custody, in a file or in a test.
///
/// Called on the ledger's writer thread, a few times a second at most; may take milliseconds. Trusted.
package protocol CheckpointSigner: Sendable {
  /// The public half: names the key and verifies what `sign` made.
  var verifier: CheckpointVerifier { get }
  /// The signature of the note text: Ed25519, or ECDSA in DER over SHA-256.
  func sign(_ text: [UInt8]) throws -> [UInt8]
}

/// The public half of a checkpoint key, with the name it signs under.
package struct CheckpointVerifier: Sendable {
  package enum Key: Sendable {
    case ed25519(Curve25519.Signing.PublicKey)
    case p256(P256.Signing.PublicKey)
    case p384(P384.Signing.PublicKey)
  }

  /// The key's name; equal to the origin line for our logs. No white space, no `+`.
  package let name: String
  package let key: Key
  /// The first four bytes of the key id (reference: C2SP signed-note for Ed25519; SHA-256 of the SPKI for ECDSA).
  package let keyID: [UInt8]

  package init(name: String, key: Key) {
    self.name = name
    self.key = key
    switch key {
    case .ed25519(let key):
      var hash = SHA256()
      hash.update(data: Array(name.utf8))
      hash.update(data: [0x0A, 0x01] as [UInt8])
      hash.update(data: key.rawRepresentation)
      keyID = Array(hash.finalize().prefix(4))
    case .p256(let key): keyID = Array(SHA256.hash(data: key.derRepresentation).prefix(4))
    case .p384(let key): keyID = Array(SHA256.hash(data: key.derRepresentation).prefix(4))
    }
  }

  /// Whether `signature` over `text` was made by this key. False for malformed signatures.
  package func verifies(_ signature: [UInt8], of text: [UInt8]) -> Bool {
    switch key {
    case .ed25519(let key): return key.isValidSignature(signature, for: text)
    case .p256(let key):
      guard let parsed = try? P256.Signing.ECDSASignature(derRepresentation: signature) else { return false }
      return key.isValidSignature(parsed, for: text)
    case .p384(let key):
      guard let parsed = try? P384.Signing.ECDSASignature(derRepresentation: signature) else { return false }
      return key.isValidSignature(parsed, for: text)
    }
  }
}

/// A checkpoint signer over a key in this process's memory, for tests and for surfaces that keep the key in a sealed file.
package struct LocalCheckpointSigner: CheckpointSigner {
  private enum PrivateKey: Sendable {
    case ed25519(Curve25519.Signing.PrivateKey)
    case p256(P256.Signing.PrivateKey)
  }
  private let privateKey: PrivateKey
  package let verifier: CheckpointVerifier

  package init(name: String, ed25519 key: Curve25519.Signing.PrivateKey) {
    privateKey = .ed25519(key)
    verifier = CheckpointVerifier(name: name, key: .ed25519(key.publicKey))
  }

  package init(name: String, p256 key: P256.Signing.PrivateKey) {
    privateKey = .p256(key)
    verifier = CheckpointVerifier(name: name, key: .p256(key.publicKey))
  }

  package func sign(_ text: [UInt8]) throws -> [UInt8] {
    switch privateKey {
    case .ed25519(let key): Array(try key.signature(for: text))
    case .p256(let key): Array(try key.signature(for: text).derRepresentation)
    }
  }
}
