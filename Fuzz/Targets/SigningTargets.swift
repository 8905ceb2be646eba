import Signing

enum SigningTargets {
  /// Law: every line that is not empty is an item or a refusal, and an item has a predicate exactly when it is an attestation.
  static func batchManifest(_ bytes: UnsafeRawBufferPointer) {
    guard let lines = try? BatchManifest.parse(Array(bytes)) else { return }
    precondition(zip(lines, lines.dropFirst()).allSatisfy { $0.line < $1.line })
    for case .success(let item) in lines.map(\.item) {
      precondition((item.predicate != nil) == (item.kind == .attestation))
      precondition(!item.artifact.isEmpty && Set(item.formats).count == item.formats.count)
    }
  }

  /// Laws: a document is placed or begun, never both; what follows the last line feed, where a killed run tore its line, takes nothing back.
  static func batchJournal(_ bytes: UnsafeRawBufferPointer) {
    guard let journal = try? BatchJournal.parse(Array(bytes)) else { return }
    precondition(journal.begun.isDisjoint(with: journal.placed.keys))
    guard let end = bytes.lastIndex(of: UInt8(ascii: "\n")) else { return }
    guard let whole = try? BatchJournal.parse(Array(bytes[...end])) else { preconditionFailure("a torn line made the rest unreadable") }
    precondition(whole.placed.keys.allSatisfy { journal.placed[$0] != nil })
  }
}
