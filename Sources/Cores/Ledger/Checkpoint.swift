package import Merkle
import Encodings

/// The state of a log at one size: what a checkpoint note says (c2sp.org/tlog-checkpoint).
package struct Checkpoint: Sendable, Equatable {
  package let origin: String
  /// How many leaves; covers the sequences 1…size.
  package let size: UInt64
  package let root: MerkleHash
  /// The note it came in, with its signatures.
  package let note: SignedNote

  private init(origin: String, size: UInt64, root: MerkleHash, note: SignedNote) {
    self.origin = origin
    self.size = size
    self.root = root
    self.note = note
  }

  /// Signs the state of a log.
  /// - Throws: `.signingFailed`.
  package static func signed(origin: String, size: UInt64, root: MerkleHash, by signer: any CheckpointSigner)
    throws(LedgerError) -> Checkpoint
  {
    let text = Array("\(origin)\n\(size)\n\(Base64.encode(root.bytes))\n".utf8)
    let signature: [UInt8]
    do { signature = try signer.sign(text) } catch { throw .signingFailed("\(error)") }
    let verifier = signer.verifier
    let note = SignedNote(
      text: text, signatures: [.init(name: verifier.name, keyID: verifier.keyID, bytes: signature)])
    return Checkpoint(origin: origin, size: size, root: root, note: note)
  }

  /// Reads a checkpoint and proves that `verifier`'s key signed it for `origin`.
  ///
  /// Extension lines and signatures by others are kept, and ignored.
  /// - Throws: `.malformedNote` with what is wrong, a bad signature included.
  package static func verified(_ bytes: [UInt8], origin: String, by verifier: CheckpointVerifier) throws(LedgerError) -> Checkpoint {
    let note = try SignedNote(parsing: bytes)
    guard note.isSigned(by: verifier) else { throw .malformedNote("no signature by the key \(verifier.name)") }
    let lines = note.text.dropLast().split(separator: 0x0A, omittingEmptySubsequences: false)
    guard lines.count >= 3 else { throw .malformedNote("fewer than three lines") }
    guard lines[0].elementsEqual(origin.utf8) else { throw .malformedNote("another log's origin") }
    let digits = lines[1]
    guard let size = UInt64(String(decoding: digits, as: UTF8.self)), String(size).utf8.elementsEqual(digits) else {
      throw .malformedNote("a size that is no plain decimal number")
    }
    guard let bytes = try? Base64.decode(lines[2]), Base64.encode(bytes).utf8.elementsEqual(lines[2]),
      let root = MerkleHash(bytes)
    else { throw .malformedNote("a root that is not 32 bytes of base64") }
    return Checkpoint(origin: origin, size: size, root: root, note: note)
  }
}
