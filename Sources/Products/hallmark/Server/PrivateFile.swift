import Foundation
import Glibc

/// Files that hold secrets: created 0600, written whole, flushed, and put in place by a rename.
enum PrivateFile {
  struct Failure: Error, CustomStringConvertible {
    let what: String
    let path: String
    let reason: String
    var description: String { "cannot \(what) \(path): \(reason)" }
  }

  static func makeFolder(_ folder: URL) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
  }

  /// - Parameter mode: 0600 unless the content is public.
  static func write(_ data: Data, to file: URL, mode: mode_t = 0o600) throws {
    let temporary = file.path + ".new"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode)
    guard descriptor >= 0 else { throw failure("create", temporary) }
    defer { close(descriptor) }
    guard fchmod(descriptor, mode) == 0 else { throw failure("set the mode of", temporary) }
    try data.withUnsafeBytes { (bytes: UnsafeRawBufferPointer) throws in
      var done = 0
      while done < bytes.count {
        let count = Glibc.write(descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done)
        guard count > 0 else { throw failure("write", temporary) }
        done += count
      }
    }
    guard fsync(descriptor) == 0 else { throw failure("flush", temporary) }
    guard rename(temporary, file.path) == 0 else { throw failure("put in place", file.path) }
    let folder = open(file.deletingLastPathComponent().path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { throw failure("open the folder of", file.path) }
    defer { close(folder) }
    guard fsync(folder) == 0 else { throw failure("flush the folder of", file.path) }
  }

  /// Refuses a secret that others may read.
  static func read(_ file: URL, limit: Int = 1 << 20) throws -> Data {
    let attributes: [FileAttributeKey: Any]
    do { attributes = try FileManager.default.attributesOfItem(atPath: file.path) } catch { throw failure("read", file.path) }
    guard let mode = attributes[.posixPermissions] as? NSNumber, mode.intValue & 0o077 == 0 else {
      throw Failure(what: "use", path: file.path, reason: "others may read it; make it private with: chmod 600 \(file.path)")
    }
    guard let size = attributes[.size] as? NSNumber, size.intValue <= limit else { throw Failure(what: "read", path: file.path, reason: "it is larger than \(limit) bytes") }
    return try Data(contentsOf: file)
  }

  private static func failure(_ what: String, _ path: String) -> Failure {
    Failure(what: what, path: path, reason: String(cString: strerror(errno)))
  }
}
