internal import Encodings
internal import Foundation
internal import Signing

/// Cache entries as files of this user (`$XDG_CACHE_HOME/hallmark/signatures`): mode 0600 in a folder of mode 0700, at most so many bytes.
///
/// Entries are written under another name and renamed, so that several processes see whole entries only. When the folder grows beyond its limit, the
/// entries that were used longest ago go first. A folder or file that belongs to somebody else, is a link, or is open to others is not used.
package struct SignatureFolder: SignatureStore {
  package static let defaultMaxBytes = 256 << 20
  /// Files looked at when room is made; beyond it the oldest of those seen go.
  static let maxFiles = 200_000

  private let folder: String
  private let maxBytes: Int

  /// - Parameter folder: absolute; made when first written to.
  package init(folder: String, maxBytes: Int = Self.defaultMaxBytes) {
    self.folder = folder
    self.maxBytes = maxBytes
  }

  /// The folder cannot be used.
  package struct Unusable: Error, CustomStringConvertible {
    package let description: String
  }

  package func read(_ name: String) async throws -> [UInt8]? {
    guard try isThere(name) else { return nil }
    let descriptor = open(path(name), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw Unusable(description: "\(path(name)): \(String(cString: strerror(errno)))")
    }
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid(), status.st_mode & 0o077 == 0 else {
      throw Unusable(description: "\(path(name)) is not a private file of this user")
    }
    guard status.st_size <= CacheEntry.limits.maxBytes else { return [] }
    let data = try handle.read(upToCount: CacheEntry.limits.maxBytes + 1) ?? Data()
    // Used entries are younger than unused ones when room is made.
    futimens(descriptor, nil)
    return Array(data)
  }

  package func write(_ name: String, _ bytes: [UInt8]) async throws {
    guard bytes.count <= maxBytes else { return }
    try Self.check(name)
    try prepare()
    let temporary = path("\(name).\(getpid()).\(UInt32.random(in: 0...UInt32.max)).tmp")
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Unusable(description: "\(folder): \(String(cString: strerror(errno)))") }
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    do {
      try handle.write(contentsOf: Data(bytes))
      guard rename(temporary, path(name)) == 0 else { throw Unusable(description: "\(folder): \(String(cString: strerror(errno)))") }
    } catch {
      unlink(temporary)
      throw error
    }
    // Counting a large folder costs more than one entry is worth: every sixteenth write looks.
    if UInt8.random(in: 0..<16) == 0 || maxBytes < 1 << 20 { makeRoom() }
  }

  package func remove(_ name: String) async throws {
    try Self.check(name)
    unlink(path(name))
  }

  private func path(_ name: String) -> String { "\(folder)/\(name)" }

  /// Names are digests: nothing that could lead out of the folder.
  private static func check(_ name: String) throws {
    guard name.utf8.count == 64, name.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }) else {
      throw Unusable(description: "an entry's name is not a digest")
    }
  }

  private func isThere(_ name: String) throws -> Bool {
    try Self.check(name)
    var status = stat()
    guard lstat(folder, &status) == 0 else { return false }
    try checkFolder(status)
    return lstat(path(name), &status) == 0
  }

  private func checkFolder(_ status: stat) throws {
    guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid(), status.st_mode & 0o077 == 0 else {
      throw Unusable(description: "\(folder) is not a private folder of this user (mode 0700)")
    }
  }

  private func prepare() throws {
    var status = stat()
    if lstat(folder, &status) != 0 {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      guard lstat(folder, &status) == 0 else { throw Unusable(description: "\(folder) cannot be made") }
    }
    try checkFolder(status)
  }

  /// Removes what was used longest ago until nine tenths of the limit are left. Other processes may do the same: a file that is gone is gone.
  private func makeRoom() {
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else { return }
    var files: [(path: String, bytes: Int, used: Int)] = []
    var total = 0
    for name in names.prefix(Self.maxFiles) {
      var status = stat()
      guard lstat(path(name), &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
      #if canImport(Darwin)
        let used = status.st_mtimespec.tv_sec
      #else
        let used = status.st_mtim.tv_sec
      #endif
      files.append((path(name), Int(status.st_size), Int(used)))
      total += Int(status.st_size)
    }
    guard total > maxBytes else { return }
    for file in files.sorted(by: { $0.used < $1.used }) {
      guard total > maxBytes / 10 * 9 else { return }
      unlink(file.path)
      total -= file.bytes
    }
  }
}
