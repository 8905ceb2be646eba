import Encodings
package import Ledger
import Merkle

/// A signed checkpoint with what is needed to go on from it: one line of JSON.
///
///     {"size":N,"file":"entries-….jsonl","offset":N,"frontier":["hex",…],"note":"…"}
///
/// Only the note is signed. The frontier is believed when it hashes to the note's root; the position, when the leaf there has
/// sequence `size` + 1.
struct StoredCheckpoint: Sendable {
  let checkpoint: Checkpoint
  /// Where the leaf after the last covered one starts.
  let position: LedgerPosition
  let frontier: MerkleFrontier

  static let lineLimit = 128 * 1024

  func line() -> [UInt8] {
    let object: JSONObject = [
      "size": .integer(checkpoint.size), "file": .string(position.file), "offset": .integer(position.offset),
      "frontier": .array(frontier.hashes.map { .string(Hex.encode($0.bytes)) }),
      "note": .string(String(decoding: checkpoint.note.serialized(), as: UTF8.self)),
    ]
    return JSONValue.object(object).serialized() + [0x0A]
  }

  init(checkpoint: Checkpoint, position: LedgerPosition, frontier: MerkleFrontier) {
    self.checkpoint = checkpoint
    self.position = position
    self.frontier = frontier
  }

  /// Reads a line (without line feed) and verifies the signature of its note.
  /// - Parameter number: for the finding.
  init(line: UnsafeRawBufferPointer, number: Int, key: CheckpointTrust) throws(LedgerFinding) {
    let value: JSONValue
    do {
      value = try JSONValue.parse(line, limits: JSONLimits(maxBytes: Self.lineLimit, maxDepth: 2, maxElements: 80))
    } catch { throw .malformedCheckpoint(line: number, why: "\(error)") }
    guard let object = value.object, object.firstName(notIn: ["size", "file", "offset", "frontier", "note"]) == nil,
      let size = object["size"]?.number?.uint64, let file = object["file"]?.string,
      let offset = object["offset"]?.number?.uint64, let texts = object["frontier"]?.array, let note = object["note"]?.string
    else { throw .malformedCheckpoint(line: number, why: "a member is missing, unknown or of the wrong type") }
    do {
      checkpoint = try Checkpoint.verified(Array(note.utf8), origin: key.origin, by: key.verifier)
    } catch {
      if case .malformedNote(let why) = error { throw .malformedCheckpoint(line: number, why: why) }
      throw .badSignature(size: size, line: number)
    }
    guard checkpoint.size == size else { throw .malformedCheckpoint(line: number, why: "its size is not that of its note") }
    var hashes: [MerkleHash] = []
    for text in texts {
      guard let digits = text.string, let bytes = try? Hex.decode(digits), let hash = MerkleHash(bytes) else {
        throw .malformedCheckpoint(line: number, why: "a frontier hash that is not 32 bytes in hexadecimal")
      }
      hashes.append(hash)
    }
    guard let frontier = MerkleFrontier(size: size, hashes: hashes), frontier.root() == checkpoint.root else {
      throw .malformedCheckpoint(line: number, why: "its frontier does not hash to its root")
    }
    guard file.isEmpty || LedgerFolder.segmentFirst(file) != nil else {
      throw .malformedCheckpoint(line: number, why: "its file name is not one of a ledger")
    }
    self.frontier = frontier
    position = LedgerPosition(file: file, offset: offset)
  }
}

/// Whose checkpoints are believed, and for which log.
package struct CheckpointTrust: Sendable {
  package let origin: String
  package let verifier: CheckpointVerifier

  package init(origin: String, verifier: CheckpointVerifier) {
    self.origin = origin
    self.verifier = verifier
  }
}

extension LedgerFolder {
  /// The newest checkpoint, nil when there is none.
  func newestCheckpoint(_ key: CheckpointTrust) throws(LedgerError) -> StoredCheckpoint? {
    guard var bytes = try contents(of: Self.checkpointName, limit: StoredCheckpoint.lineLimit) else { return nil }
    guard bytes.popLast() == 0x0A else { throw .refused(.malformedCheckpoint(line: 0, why: "no line feed at the end")) }
    let outcome: Result<StoredCheckpoint, LedgerFinding> = bytes.withUnsafeBytes { line in
      do throws(LedgerFinding) { return .success(try StoredCheckpoint(line: line, number: 0, key: key)) } catch {
        return .failure(error)
      }
    }
    do { return try outcome.get() } catch { throw .refused(error) }
  }
}
