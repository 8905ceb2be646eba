internal import Encodings
package import SigstoreFormats

/// What a batch has done so far (`hallmark.journal/v1` as JSON lines), so that a run that was killed goes on where it stopped.
///
/// A document is known by `PlannedDocument.identity`: the same artifact digest, claim, key version, algorithm, format and place. Two events
/// are kept: `begun` before its sign call, `placed` when it is where it should be. A document that was begun and never placed may have cost a
/// sign operation that nobody used; the next run says so.
package struct BatchJournal: Sendable {
  package static let schema = "hallmark.journal/v1"
  /// 1 GiB: some two million documents.
  package static let maxBytes = 1 << 30
  private static let lineLimits = JSONLimits(maxBytes: 64 << 10, maxDepth: 4, maxElements: 64)

  /// Documents in their place, with the digest of what was put there.
  package private(set) var placed: [MessageDigest: MessageDigest] = [:]
  /// Begun and not placed.
  package private(set) var begun: Set<MessageDigest> = []

  package init() {}

  /// Reads a journal. The last line may be torn: the run was killed while writing it. Fuzz entry point.
  package static func parse(_ bytes: [UInt8]) throws(BatchError) -> BatchJournal {
    guard bytes.count <= maxBytes else { throw .tooLong(what: "the journal", limit: maxBytes) }
    var journal = BatchJournal()
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() where !line.isEmpty {
      do throws(BatchError) { try journal.take(line, number: index + 1) } catch {
        // Only what follows the last line feed can be torn.
        guard index == lines.count - 1 else { throw error }
      }
    }
    return journal
  }

  private mutating func take(_ line: some Sequence<UInt8>, number: Int) throws(BatchError) {
    let value: JSONValue
    do { value = try JSONValue.parse(line, limits: Self.lineLimits) } catch { throw .badJournal(line: number, why: error.description) }
    guard value["schema"]?.string == Self.schema else { throw .badJournal(line: number, why: "it is not of \(Self.schema)") }
    guard let document = value["document"]?.string.flatMap(MessageDigest.init(text:)) else {
      throw .badJournal(line: number, why: "it names no document")
    }
    switch value["event"]?.string {
    case "begun": if placed[document] == nil { begun.insert(document) }
    case "placed":
      guard let content = value["content"]?.string.flatMap(MessageDigest.init(text:)) else {
        throw .badJournal(line: number, why: "it names no content")
      }
      placed[document] = content
      begun.remove(document)
    default: throw .badJournal(line: number, why: "its event is unknown")
    }
  }

  /// The line to write before a document's sign call, line feed included.
  package static func begun(_ document: PlannedDocument, artifact: String, at time: Int64) -> [UInt8] {
    line("begun", document, artifact, at: time, [:])
  }

  /// The line to write when a document is in place, line feed included.
  package static func placed(_ result: DocumentResult, artifact: String, at time: Int64) -> [UInt8] {
    guard let placed = result.placed else { return [] }
    var object: JSONObject = ["place": .string(placed.text), "content": .string(placed.digest.text)]
    switch result.origin {
    case .signed(let made):
      object["requestId"] = made.requestID.map { .string($0) } ?? .null
      object["attempts"] = .integer(made.attempts)
    case .reused(let from): object["reusedFrom"] = .string(from)
    case .doneBefore: break
    }
    return line("placed", result.planned, artifact, at: time, object)
  }

  private static func line(_ event: String, _ document: PlannedDocument, _ artifact: String, at time: Int64, _ more: JSONObject) -> [UInt8] {
    var object: JSONObject = [
      "schema": .string(schema), "event": .string(event), "time": .string(ISO8601.format(seconds: time)), "artifact": .string(artifact),
      "digest": .string(document.cacheKey.artifact.text), "kid": .string(document.call.kid), "format": .string(document.format.rawValue),
      "signed": .string(document.call.digest.text), "document": .string(document.identity.text),
    ]
    for member in more.members { object[member.name] = member.value }
    return JSONValue.object(object).serialized() + [UInt8(ascii: "\n")]
  }
}
