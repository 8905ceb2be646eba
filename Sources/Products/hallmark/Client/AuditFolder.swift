import Encodings
import Foundation

/// Finds an audit log's files from the folder a person names: the log's own, the HSM's above it, or that of `hallmark dev up`.
struct AuditFolder {
  let path: String

  init(_ named: String) {
    let candidates = [named, "\(named)/audit", "\(named)/hsm/audit"]
    path = candidates.first { LocalFile.exists("\($0)/checkpoint-key.pem") } ?? named
  }

  /// The public key the server left beside its log.
  var ownKey: String { "\(path)/checkpoint-key.pem" }

  /// The first line of the newest checkpoint, which names the log.
  var origin: String? {
    guard let bytes = try? LocalFile.bytes("\(path)/checkpoint", maxBytes: 1 << 20), let note = (try? JSONValue.parse(bytes))?["note"]?.string else { return nil }
    return note.split(separator: "\n").first.map(String.init)
  }
}
