import ArgumentParser
import Audit
import Crypto
import Encodings
import Foundation
import Ledger
import LedgerFiles
import Merkle
import Outbound

extension AuditCommand {
  struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Prove that the audit log is complete and unchanged.",
      discussion: """
        Over the wire: every record is read, hashed again (RFC 6962) and compared with the signed checkpoint. With --log-key the checkpoint's \
        signature is checked against a key kept elsewhere; with --anchor the log is also proved to continue a checkpoint kept from before. \
        With --dir the files of a server are read instead.
        """)

    @Option(help: "Read the log's files in this folder instead of asking a service.") var dir: String?
    @Option(help: "PEM public key (Ed25519, P-256 or P-384) that signs checkpoints.") var logKey: String?
    @Option(help: "First line of the checkpoints; with --dir.") var origin: String?
    @Option(help: "A checkpoint kept from before.") var anchor: String?
    @Option(help: "Keep the newest checkpoint in this file, to be an anchor later.") var saveCheckpoint: String?
    @OptionGroup var common: KeysCommand.Common

    func run() async throws {
      try await Console.run("the audit log could not be verified") {
        if let dir { return try verifyFiles(dir) }
        try await common.connection.connect { try await verify($0.client) }
      }
    }

    // MARK: Over the wire

    private func verify(_ client: ManagedHSMClient) async throws {
      let note = try await client.call("GET", "/hallmark/v1/audit/checkpoint").text
      let newest = try ClaimedCheckpoint(note)
      let kept = try anchor.map { try ClaimedCheckpoint(LocalFile.bytes($0, maxBytes: SignedNote.byteLimit)) }
      if let kept, kept.origin != newest.origin || kept.size > newest.size {
        throw refused("the log is shorter than the anchor, or another log")
      }
      let signature = try signatureFinding([newest] + (kept.map { [$0] } ?? []))
      var frontier = MerkleFrontier()
      var rest: UInt64 = 0
      try await AuditExport(client: client, format: "hallmark").run(after: 0, through: Int64(clamping: newest.size)) { lines in
        for line in lines.split(separator: 0x0A) {
          if let kept, frontier.size == kept.size { try compare(frontier, kept, "anchor") }
          guard frontier.size < newest.size else { rest += 1; continue }
          let sequence = line.withUnsafeBytes { AuditRecord.sequence(ofLine: $0) }
          guard sequence == frontier.size + 1 else {
            throw refused("after record \(frontier.size) comes \(sequence.map(String.init) ?? "something that is no record")")
          }
          frontier.append(leaf: Array(line))
        }
      }
      guard frontier.size == newest.size else {
        throw refused("the checkpoint covers \(newest.size) records, the log holds \(frontier.size)")
      }
      if let kept, frontier.size == kept.size { try compare(frontier, kept, "anchor") }
      try compare(frontier, newest, "newest checkpoint")
      if let saveCheckpoint { try LocalFile.write(note, to: saveCheckpoint) }
      show(entries: newest.size + rest, proven: newest.size, origin: newest.origin, root: newest.root, signature: signature)
    }

    private func compare(_ frontier: MerkleFrontier, _ checkpoint: ClaimedCheckpoint, _ what: String) throws {
      guard frontier.root() == checkpoint.root else {
        throw refused("records 1 to \(checkpoint.size) do not hash to the root of the \(what): a record was changed, removed or put in")
      }
    }

    private func signatureFinding(_ checkpoints: [ClaimedCheckpoint]) throws -> String {
      guard let key = try logKey.map(verificationKey) else { return "signature not checked: no key was given (--log-key)" }
      for checkpoint in checkpoints {
        let verifier = CheckpointVerifier(name: checkpoint.origin, key: key)
        guard checkpoint.note.isSigned(by: verifier) else { throw refused("the checkpoint is not signed by the key in \(logKey ?? "")") }
      }
      return "signed by the key in \(logKey ?? "")"
    }

    // MARK: Files

    private func verifyFiles(_ dir: String) throws {
      let folder = AuditFolder(dir)
      let key = try verificationKey(logKey ?? folder.ownKey)
      guard let origin = origin ?? folder.origin else {
        throw CommandFailure.usage("the audit log could not be verified", why: "\(folder.path) holds no checkpoint; give --origin")
      }
      let trust = CheckpointTrust(origin: origin, verifier: CheckpointVerifier(name: origin, key: key))
      let anchors = try anchor.map { path in
        [try Checkpoint.verified(LocalFile.bytes(path, maxBytes: SignedNote.byteLimit), origin: origin, by: trust.verifier)]
      } ?? []
      let report: LedgerReport
      do {
        report = try LedgerVerification(folder: folder.path, trust: trust, sequence: { AuditRecord.sequence(ofLine: $0) }).run(anchors: anchors)
      } catch { throw CommandFailure("the audit log could not be verified", why: String(describing: error), code: Exit.undecided) }
      guard report.verifies, let proven = report.proven else {
        throw refused(report.findings.map { String(describing: $0) }.joined(separator: "; "))
      }
      show(entries: report.entries, proven: proven.size, origin: origin, root: proven.root,
        signature: logKey.map { "signed by the key in \($0)" }
          ?? "signed by the key that lies beside the log, which whoever changed the log could have replaced; keep a copy elsewhere and give --log-key")
    }

    // MARK: Results

    private func refused(_ why: String) -> CommandFailure {
      CommandFailure("the audit log does not verify", why: why, next: "keep a copy of it and find out who could write to it", code: Exit.no)
    }

    private func show(entries: UInt64, proven: UInt64, origin: String, root: MerkleHash, signature: String) {
      switch common.output.format {
      case .json:
        Console.print([
          "schema": "hallmark.audit-verify/v1", "verdict": "verified", "origin": .string(origin), "entries": .integer(entries),
          "proven": .integer(proven), "root": .string(Hex.encode(root.bytes)), "signature": .string(signature),
        ])
      case .text:
        Console.print("verified  \(proven) of \(entries) records of \(Console.plain(origin))")
        Console.print("root      \(Hex.encode(root.bytes))")
        Console.print("\(signature)")
      }
    }

    private func verificationKey(_ path: String) throws -> CheckpointVerifier.Key {
      let text = String(decoding: try LocalFile.bytes(path, maxBytes: 64 << 10), as: UTF8.self)
      if let key = try? P256.Signing.PublicKey(pemRepresentation: text) { return .p256(key) }
      if let key = try? P384.Signing.PublicKey(pemRepresentation: text) { return .p384(key) }
      // RFC 8410 §4: twelve bytes of fixed header, then the key.
      let header: [UInt8] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00]
      if let der = (try? PEM.parse(text))?.first(where: { $0.label == "PUBLIC KEY" })?.bytes, der.count == 44, der.starts(with: header),
        let key = try? Curve25519.Signing.PublicKey(rawRepresentation: der.suffix(32))
      {
        return .ed25519(key)
      }
      throw CommandFailure.usage("cannot use --log-key \(path)", why: "it is no Ed25519, P-256 or P-384 public key in PEM")
    }
  }
}

/// What a checkpoint note says, before its signature was looked at (c2sp.org/tlog-checkpoint).
struct ClaimedCheckpoint {
  let note: SignedNote
  let origin: String
  let size: UInt64
  let root: MerkleHash

  init(_ bytes: [UInt8]) throws {
    do { note = try SignedNote(parsing: bytes) } catch {
      throw CommandFailure("the audit log could not be verified", why: "its checkpoint is no signed note: \(error)", code: Exit.no)
    }
    let lines = note.text.split(separator: 0x0A, omittingEmptySubsequences: false)
    guard lines.count >= 3, let size = UInt64(String(decoding: lines[1], as: UTF8.self)),
      let root = (try? Base64.decode(String(decoding: lines[2], as: UTF8.self))).flatMap({ MerkleHash($0) })
    else { throw CommandFailure("the audit log could not be verified", why: "its checkpoint is malformed", code: Exit.no) }
    origin = String(decoding: lines[0], as: UTF8.self)
    self.size = size
    self.root = root
  }
}
