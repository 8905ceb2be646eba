import Ledger

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The system calls that change files, so that tests can break each of them once.
///
/// Every failure is an `errno`. Not trusted to write everything at once: `write` may be short.
protocol FileOperations: Sendable {
  /// Bytes written, at least 1, at most `bytes.count`.
  func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) throws(FileFailure) -> Int
  func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(FileFailure) -> Int
  /// Flushes contents and length: `fdatasync`.
  func synchronizeData(_ descriptor: Int32) throws(FileFailure)
  /// Flushes contents and metadata, of a folder its entries: `fsync`.
  func synchronize(_ descriptor: Int32) throws(FileFailure)
  func truncate(_ descriptor: Int32, to length: Int64) throws(FileFailure)
  func rename(_ from: String, to: String) throws(FileFailure)
  func open(_ path: String, flags: Int32) throws(FileFailure) -> Int32
}

struct FileFailure: Error, Equatable {
  let operation: String
  let errno: Int32
}

/// The real ones.
struct SystemFiles: FileOperations {
  func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) throws(FileFailure) -> Int {
    try retrying("write") { system_write(descriptor, bytes.baseAddress, bytes.count) }
  }

  func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(FileFailure) -> Int {
    try retrying("write") { pwrite(descriptor, bytes.baseAddress, bytes.count, off_t(offset)) }
  }

  func synchronizeData(_ descriptor: Int32) throws(FileFailure) {
    #if canImport(Darwin)
      _ = try retrying("flush") { Int(fcntl(descriptor, F_FULLFSYNC)) }
    #else
      _ = try retrying("flush") { Int(fdatasync(descriptor)) }
    #endif
  }

  func synchronize(_ descriptor: Int32) throws(FileFailure) { _ = try retrying("flush") { Int(fsync(descriptor)) } }

  func truncate(_ descriptor: Int32, to length: Int64) throws(FileFailure) {
    _ = try retrying("truncate") { Int(ftruncate(descriptor, off_t(length))) }
  }

  func rename(_ from: String, to: String) throws(FileFailure) {
    _ = try retrying("rename") { Int(system_rename(from, to)) }
  }

  func open(_ path: String, flags: Int32) throws(FileFailure) -> Int32 {
    Int32(try retrying("open") { Int(system_open(path, flags | O_CLOEXEC, 0o600)) })
  }
}

private func retrying(_ operation: String, _ call: () -> Int) throws(FileFailure) -> Int {
  while true {
    let result = call()
    if result >= 0 { return result }
    let code = errno
    if code != EINTR { throw FileFailure(operation: operation, errno: code) }
  }
}

// The methods above hide the C functions of the same names.
private func system_write(_ descriptor: Int32, _ base: UnsafeRawPointer?, _ count: Int) -> Int { write(descriptor, base, count) }
private func system_rename(_ from: String, _ to: String) -> Int32 { rename(from, to) }
private func system_open(_ path: String, _ flags: Int32, _ mode: mode_t) -> Int32 { open(path, flags, mode) }

extension FileOperations {
  /// Writes all of `bytes`, however short the single writes are.
  func writeAll(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) throws(FileFailure) {
    var rest = bytes
    while !rest.isEmpty {
      let written = try write(descriptor, rest)
      guard written > 0 else { throw FileFailure(operation: "write", errno: EIO) }
      rest = UnsafeRawBufferPointer(rebasing: rest[written...])
    }
  }

  /// Makes the folder's entries durable: after a create or rename.
  func synchronizeFolder(_ path: String) throws(FileFailure) {
    let descriptor = try open(path, flags: O_RDONLY | O_DIRECTORY)
    defer { close(descriptor) }
    try synchronize(descriptor)
  }

  /// Replaces a file as a whole: after a crash there is the old one or the new one, and after return the new one.
  func replace(_ path: String, in folder: String, with bytes: [UInt8]) throws(FileFailure) {
    let temporary = path + ".new"
    let descriptor = try open(temporary, flags: O_WRONLY | O_CREAT | O_TRUNC)
    try fill(descriptor, bytes)
    try rename(temporary, to: path)
    try synchronizeFolder(folder)
  }

  private func fill(_ descriptor: Int32, _ bytes: [UInt8]) throws(FileFailure) {
    defer { close(descriptor) }
    try writeAll(descriptor, bytes)
    try synchronize(descriptor)
  }

  func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) throws(FileFailure) {
    let outcome: Result<Void, FileFailure> = bytes.withUnsafeBytes { buffer in
      do throws(FileFailure) { return .success(try writeAll(descriptor, buffer)) } catch { return .failure(error) }
    }
    try outcome.get()
  }
}

/// `close`, where a type has a method of that name.
func closeDescriptor(_ descriptor: Int32) { close(descriptor) }
