package import Encodings
internal import Foundation
internal import Synchronization

/// The signing side's own record of what it asked for (`hallmark.audit/v1` as JSON lines): for services whose log names neither digest
/// nor assignment.
///
/// A line is written for every attempt, before the signature is used. Appending to a file: one write and one flush per line, safe for
/// several processes on one machine (O_APPEND). Not tamper-evident; `hallmark audit` is.
package struct SigningLedger: Sendable {
  private let append: @Sendable ([UInt8]) throws -> Void

  package init(append: @escaping @Sendable ([UInt8]) throws -> Void) { self.append = append }

  /// A file of mode 0600, created with its folder when missing.
  package init(file path: String) {
    self.init { line in
      let folder = (path as NSString).deletingLastPathComponent
      if !folder.isEmpty {
        try FileManager.default.createDirectory(
          atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      }
      let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
      guard descriptor >= 0 else { throw CocoaError(.fileWriteNoPermission) }
      let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
      try handle.write(contentsOf: Data(line + [UInt8(ascii: "\n")]))
      try handle.synchronize()
    }
  }

  package func write(_ record: JSONValue) throws { try append(record.serialized()) }

  /// The request ids of the signings of these digests that the ledger holds: digests that were signed, and of artifacts about which something
  /// was signed. Unreadable lines are passed over.
  package static func requestIDs(inFile path: String, digests: Set<String>) throws(CredentialError) -> Set<String> {
    let bytes = try BoundedFile.bytes(path, maxBytes: 256 << 20)
    var result: Set<String> = []
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      guard let value = try? JSONValue.parse(line), let id = value["requestId"]?.string else { continue }
      if ["digest", "artifactDigest"].contains(where: { value[$0]?.string.map(digests.contains) == true }) { result.insert(id) }
    }
    return result
  }
}
