import Encodings
import Gates

enum GateTargets {
  /// Laws: what is read is written so that it reads back as the same.
  static func memory(_ bytes: UnsafeRawBufferPointer) {
    guard let memory = try? GateMemory(json: Array(bytes)) else { return }
    guard let again = try? GateMemory(json: Array(memory.json.text().utf8)) else { preconditionFailure("a memory that was written does not read back") }
    precondition(again.json == memory.json)
  }
}
