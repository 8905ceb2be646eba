import Crypto
import Encodings
import Foundation
import Merkle
import Testing

@testable import Ledger

/// The example of c2sp.org/signed-note: PeterNeumann's key and note, as golang.org/x/mod/sumdb/note documents them.
private let noteExample = """
  If you think cryptography is the answer to your problem,
  then you don't know what your problem is.

  — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=

  """

@Suite struct NoteTests {
  @Test("The published note of the signed-note documentation verifies under its published key")
  func published() throws {
    // PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW: algorithm 1, then 32 bytes.
    let bytes = try Base64.decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    let key = try Curve25519.Signing.PublicKey(rawRepresentation: bytes.dropFirst())
    let verifier = CheckpointVerifier(name: "PeterNeumann", key: .ed25519(key))
    #expect(Hex.encode(verifier.keyID) == "c74f20a3")
    let note = try SignedNote(parsing: Array(noteExample.utf8))
    #expect(note.isSigned(by: verifier))
    #expect(note.serialized() == Array(noteExample.utf8))
    #expect(!note.isSigned(by: CheckpointVerifier(name: "EnochRoot", key: .ed25519(key))))
  }

  @Test("Anything but the one form of a note is refused", arguments: [
    "", "\n", "text", "text\n", "text\n\n", "text\n— a b\n", "text\n\n- a AAAAAAA=\n", "text\n\n— a AAAAAAA=",
    "text\n\n— a AAAA\n", "text\n\n— a not-base64\n", "text\n\n—  AAAAAAA=\n", "text\n\n— a b AAAAAAA=\n", "te\u{1}xt\n\n— a AAAAAAA=\n",
    "text\n\n— a AAAAAAA\n",
  ])
  func malformed(text: String) { #expect(throws: LedgerError.self) { try SignedNote(parsing: Array(text.utf8)) } }

  @Test("A note that is not UTF-8 or too long is refused")
  func bytes() {
    #expect(throws: LedgerError.self) { try SignedNote(parsing: [0xFF, 0x0A, 0x0A, 0x0A]) }
    #expect(throws: LedgerError.self) { try SignedNote(parsing: Array(repeating: 0x61, count: SignedNote.byteLimit + 1)) }
  }
}

@Suite struct CheckpointTests {
  private let signers: [any CheckpointSigner] = [
    LocalCheckpointSigner(name: "log.example", ed25519: .init()), LocalCheckpointSigner(name: "log.example", p256: .init()),
  ]
  private let root = MerkleHash(Array(repeating: UInt8(7), count: 32))!

  @Test("A signed checkpoint reads back under its own key and origin, for both kinds of key")
  func roundTrip() throws {
    for signer in signers {
      let made = try Checkpoint.signed(origin: "log.example", size: 42, root: root, by: signer)
      #expect(String(decoding: made.note.text, as: UTF8.self) == "log.example\n42\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n")
      let read = try Checkpoint.verified(made.note.serialized(), origin: "log.example", by: signer.verifier)
      #expect(read == made)
    }
  }

  @Test("Another key, another origin, a changed size and a changed signature are refused")
  func refusals() throws {
    for signer in signers {
      let made = try Checkpoint.signed(origin: "log.example", size: 42, root: root, by: signer)
      let bytes = made.note.serialized()
      let other = LocalCheckpointSigner(name: "log.example", p256: .init()).verifier
      #expect(throws: LedgerError.self) { try Checkpoint.verified(bytes, origin: "log.example", by: other) }
      #expect(throws: LedgerError.self) { try Checkpoint.verified(bytes, origin: "other.example", by: signer.verifier) }
      let text = String(decoding: bytes, as: UTF8.self)
      #expect(throws: LedgerError.self) {
        try Checkpoint.verified(Array(text.replacing("\n42\n", with: "\n43\n").utf8), origin: "log.example", by: signer.verifier)
      }
      var changed = made.note.signatures[0]
      changed.bytes[changed.bytes.count - 1] ^= 1
      let note = SignedNote(text: made.note.text, signatures: [changed])
      #expect(throws: LedgerError.self) { try Checkpoint.verified(note.serialized(), origin: "log.example", by: signer.verifier) }
    }
  }

  @Test("A properly signed text that is no checkpoint is refused", arguments: [
    "log.example\n42\n", "log.example\n042\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n", "log.example\n-1\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n",
    "log.example\n42\nBwcH\n", "log.example\n42\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc\n",
  ])
  func signedNonsense(text: String) throws {
    let signer = signers[0]
    let signature = SignedNote.Signature(
      name: signer.verifier.name, keyID: signer.verifier.keyID, bytes: try signer.sign(Array(text.utf8)))
    let note = SignedNote(text: Array(text.utf8), signatures: [signature])
    #expect(throws: LedgerError.self) { try Checkpoint.verified(note.serialized(), origin: "log.example", by: signer.verifier) }
  }
}

@Suite struct CheckerTests {
  private let signer = LocalCheckpointSigner(name: "log.example", p256: .init())
  private func leaf(_ number: Int) -> [UInt8] { Array("leaf \(number)".utf8) }

  private func checkpoint(_ size: Int, from start: Int = 0) throws -> Checkpoint {
    var frontier = MerkleFrontier()
    for number in start..<(start + size) { leaf(number).withUnsafeBytes { frontier.append(leaf: $0) } }
    return try .signed(origin: "log.example", size: frontier.size, root: frontier.root(), by: signer)
  }

  @Test("Leaves that match every checkpoint have nothing found against them")
  func good() throws {
    var checker = LedgerChecker()
    for size in [0, 3, 3, 8, 13] { #expect(checker.checkpoint(try checkpoint(size), line: 1) == nil) }
    for number in 0..<20 { #expect(leaf(number).withUnsafeBytes { checker.leaf($0) } == nil) }
    #expect(checker.finish() == nil)
    #expect(checker.proven?.size == 13)
    #expect(checker.checkpointsVerified == 5)
  }

  @Test("Another tree, too few leaves and shrinking checkpoints are each found")
  func bad() throws {
    var other = LedgerChecker()
    #expect(other.checkpoint(try checkpoint(5, from: 1), line: 1) == nil)
    let findings = (0..<5).compactMap { number in leaf(number).withUnsafeBytes { other.leaf($0) } }
    #expect(findings.count == 1)
    if case .rootMismatch(size: 5, _, _) = findings.first {} else { Issue.record("found \(findings)") }

    var short = LedgerChecker()
    #expect(short.checkpoint(try checkpoint(5), line: 1) == nil)
    #expect(leaf(0).withUnsafeBytes { short.leaf($0) } == nil)
    #expect(short.finish() == .truncated(signedSize: 5, entries: 1))

    var shrinking = LedgerChecker()
    #expect(shrinking.checkpoint(try checkpoint(5), line: 1) == nil)
    #expect(shrinking.checkpoint(try checkpoint(4), line: 2) == .checkpointOrder(line: 2, size: 4, previous: 5))
  }

  @Test("Decimal digits", arguments: [0, 9, 10, 12345, UInt64.max])
  func decimal(value: UInt64) {
    var bytes: [UInt8] = []
    appendDecimal(value, to: &bytes)
    #expect(String(decoding: bytes, as: UTF8.self) == String(value))
  }
}
