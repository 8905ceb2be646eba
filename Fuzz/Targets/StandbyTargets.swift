import Encodings
import Signing

enum StandbyTargets {
  /// Law: what is read is written such that it is read as the same.
  static func runbook(_ bytes: UnsafeRawBufferPointer) {
    guard let document = try? RunbookDocument(parsing: Array(bytes)) else { return }
    precondition((try? RunbookDocument(parsing: document.serialized)) == document)
    precondition(document.runbook.id.utf8.count >= 16 && document.signatures.count <= RunbookDocument.maxSignatures)
    // The statement by itself: fuzzing it inside base64 finds little.
    _ = document.signedBytes
  }

  /// Law: the statement that is read writes itself again.
  static func runbookStatement(_ bytes: UnsafeRawBufferPointer) {
    guard let value = try? JSONValue.parse(bytes, limits: RunbookDocument.limits), let runbook = try? StandbyRunbook.parse(value) else { return }
    precondition((try? StandbyRunbook.parse(runbook.statement)) == runbook)
  }

  /// Law: a configuration that is read writes itself again, and its next epoch can be read.
  static func configuration(_ bytes: UnsafeRawBufferPointer) {
    guard let value = try? JSONValue.parse(bytes), let configuration = try? StandbyConfiguration.parse(value) else { return }
    precondition((try? StandbyConfiguration.parse(configuration.json)) == configuration)
  }
}
