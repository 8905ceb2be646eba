import Ledger

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Names and contents of a ledger's folder. Reading only; sees what is there at the moment of the call.
struct LedgerFolder: Sendable {
  let path: String

  static let lockName = "lock"
  static let checkpointName = "checkpoint"
  static let historyName = "checkpoints.jsonl"
  private static let segmentPrefix = "entries-"
  private static let segmentSuffix = ".jsonl"

  func file(_ name: String) -> String { path + "/" + name }

  /// One file of leaves.
  struct Segment: Sendable, Equatable {
    let name: String
    /// The sequence of its first leaf.
    let first: UInt64
    /// Bytes in it when it was listed.
    var length: UInt64
  }

  static func segmentName(first: UInt64) -> String {
    let digits = String(first)
    return segmentPrefix + String(repeating: "0", count: 20 - digits.count) + digits + segmentSuffix
  }

  static func segmentFirst(_ name: String) -> UInt64? {
    guard name.hasPrefix(segmentPrefix), name.hasSuffix(segmentSuffix) else { return nil }
    guard let first = UInt64(name.dropFirst(segmentPrefix.count).dropLast(segmentSuffix.count)), first > 0,
      segmentName(first: first) == name
    else { return nil }
    return first
  }

  /// All segments, in order of their first leaf.
  func segments() throws(LedgerError) -> [Segment] {
    guard let folder = opendir(path) else { throw .unreadable(file: path, operation: "list", errno: errno) }
    defer { closedir(folder) }
    var found: [Segment] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard let first = Self.segmentFirst(name) else { continue }
      found.append(Segment(name: name, first: first, length: try length(of: name)))
    }
    return found.sorted { $0.first < $1.first }
  }

  func length(of name: String) throws(LedgerError) -> UInt64 {
    var status = stat()
    guard stat(file(name), &status) == 0 else { throw .unreadable(file: file(name), operation: "stat", errno: errno) }
    return UInt64(status.st_size)
  }

  func exists(_ name: String) -> Bool { access(file(name), F_OK) == 0 }

  /// The whole of a small file; nil when it does not exist.
  /// - Throws: `.unreadable` with `EFBIG` above `limit` bytes.
  func contents(of name: String, limit: Int) throws(LedgerError) -> [UInt8]? {
    let descriptor = open(file(name), O_RDONLY | O_CLOEXEC)
    if descriptor < 0 {
      if errno == ENOENT { return nil }
      throw .unreadable(file: file(name), operation: "open", errno: errno)
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16 * 1024)
    while true {
      let count = read(descriptor, &chunk, chunk.count)
      if count < 0 {
        if errno == EINTR { continue }
        throw .unreadable(file: file(name), operation: "read", errno: errno)
      }
      if count == 0 { return bytes }
      bytes.append(contentsOf: chunk[..<count])
      guard bytes.count <= limit else { throw .unreadable(file: file(name), operation: "read", errno: EFBIG) }
    }
  }

  /// `count` bytes at `offset`; fewer when the file ends before.
  func bytes(of name: String, at offset: UInt64, count: Int) throws(LedgerError) -> [UInt8] {
    let descriptor = open(file(name), O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .unreadable(file: file(name), operation: "open", errno: errno) }
    defer { close(descriptor) }
    var filled = 0
    var failure: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      while filled < count {
        let got = pread(descriptor, buffer.baseAddress! + filled, count - filled, off_t(offset) + off_t(filled))
        if got < 0 {
          if errno == EINTR { continue }
          failure = errno
          break
        }
        if got == 0 { break }
        filled += got
      }
      initialized = filled
    }
    guard failure == 0 else { throw .unreadable(file: file(name), operation: "read", errno: failure) }
    return bytes
  }
}
