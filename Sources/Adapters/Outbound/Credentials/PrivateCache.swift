internal import Encodings
internal import Foundation

/// A folder of small files that only this user can read, for what one short process learns and the next one would have to ask again.
///
/// What it gives back was written by this user with nobody else able to write there: a file that is a symbolic link, belongs to somebody
/// else or is open to others is not read and not kept. Losing a file costs one request; nothing here may be the only copy of anything.
package struct PrivateCache: Sendable {
  /// Larger files are not read: the largest kept is a token.
  package static let maxBytes = 64 << 10

  private let folder: String

  /// - Parameter folder: absolute. Created with mode 0700 when the first file is kept.
  package init(folder: String) { self.folder = folder }

  /// The contents of a file of ours, or nil.
  ///
  /// - Parameter name: a file name without slashes.
  package func read(_ name: String) -> [UInt8]? {
    guard isPrivateFolder() else { return nil }
    let descriptor = open(path(name), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, Self.isPrivate(status, kind: S_IFREG, mode: 0o600), status.st_nlink == 1,
      (1...Self.maxBytes).contains(Int(status.st_size))
    else { return nil }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    var filled = 0
    while filled < bytes.count {
      let count = bytes.withUnsafeMutableBytes { Foundation.read(descriptor, $0.baseAddress?.advanced(by: filled), $0.count - filled) }
      guard count > 0 else { return nil }
      filled += count
    }
    return bytes
  }

  /// Keeps a file, whole or not at all: written under another name, then renamed. A failure is silent, the next process asks again.
  package func write(_ name: String, _ bytes: [UInt8]) {
    guard bytes.count <= Self.maxBytes, prepare() else { return }
    let temporary = path("\(name).\(getpid()).\(UInt32.random(in: 0...UInt32.max)).tmp")
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return }
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    do {
      guard fchmod(descriptor, 0o600) == 0 else { throw CocoaError(.fileWriteNoPermission) }
      try handle.write(contentsOf: Data(bytes))
      guard rename(temporary, path(name)) == 0 else { throw CocoaError(.fileWriteUnknown) }
    } catch { unlink(temporary) }
  }

  package func remove(_ name: String) { unlink(path(name)) }

  private func path(_ name: String) -> String { "\(folder)/\(name)" }

  /// Makes the folder, or checks the one that is there. Its mode is never changed: somebody may have had a reason.
  private func prepare() -> Bool {
    if isPrivateFolder() { return true }
    guard !FileManager.default.fileExists(atPath: folder) else { return false }
    try? FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    return isPrivateFolder()
  }

  private func isPrivateFolder() -> Bool {
    var status = stat()
    return lstat(folder, &status) == 0 && Self.isPrivate(status, kind: S_IFDIR, mode: 0o700)
  }

  private static func isPrivate(_ status: stat, kind: mode_t, mode: mode_t) -> Bool {
    status.st_mode & S_IFMT == kind && status.st_uid == geteuid() && status.st_mode & 0o7777 == mode
  }
}
