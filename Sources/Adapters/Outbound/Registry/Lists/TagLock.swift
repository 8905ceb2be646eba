internal import Crypto
internal import Encodings
internal import Foundation

/// Keeps writers of one tag on this machine apart: one file per tag, locked with flock(2), which the kernel releases when a process dies.
///
/// Writers elsewhere are met by reading back. Locks of different tags do not meet. The files stay; they are empty.
struct TagLock: Sendable {
  static let poll: Duration = .milliseconds(15)

  let folder: String
  let wait: TransferWait
  let longestWait: Duration

  /// Runs `body` while holding the lock of `tag`.
  ///
  /// - Throws: `.localFile` when the folder cannot be used, is not ours, or another writer holds the lock for too long.
  func holding<Result: Sendable>(
    _ tag: String, _ body: () async throws(RegistryError) -> Result
  ) async throws(RegistryError) -> Result {
    let path = "\(folder)/\(Hex.encode(SHA256.hash(data: Array(tag.utf8)))).lock"
    let descriptor = try open(path)
    // Closing releases the lock.
    defer { close(descriptor) }
    var waited: Duration = .zero
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      guard errno == EWOULDBLOCK || errno == EINTR else { throw .localFile(path: path, why: "it cannot be locked (errno \(errno))") }
      guard waited < longestWait else { throw .localFile(path: path, why: "another writer of \(tag) holds it for more than \(longestWait)") }
      let step = Self.poll * (0.5 + wait.jitter())
      try await wait.wait(step)
      waited += step
    }
    return try await body()
  }

  private func open(_ path: String) throws(RegistryError) -> Int32 {
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch { throw .localFile(path: folder, why: "the folder for locks cannot be made") }
    var status = stat()
    guard stat(folder, &status) == 0, status.st_uid == geteuid(), status.st_mode & 0o022 == 0 else {
      throw .localFile(path: folder, why: "the folder for locks belongs to, or is writable for, somebody else")
    }
    let descriptor = Foundation.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw .localFile(path: path, why: "the lock cannot be opened (errno \(errno))") }
    return descriptor
  }
}
