import Foundation
import Outbound
import Signing
import SigstoreFormats
import Trust

/// Files of the user: read in pieces or up to a limit, written whole.
enum LocalFile {
  /// Hashes a file in pieces of 1 MiB.
  static func digests(_ path: String, _ hashes: Set<HashAlgorithm>) throws -> ArtifactDigests {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw CommandFailure.usage("cannot read \(path)", why: "there is no such file")
    }
    guard !isDirectory.boolValue, let handle = FileHandle(forReadingAtPath: path) else {
      throw CommandFailure.usage("cannot read \(path)", why: isDirectory.boolValue ? "it is a folder" : "permission denied")
    }
    defer { try? handle.close() }
    var stream = DigestStream(hashes)
    while let piece = try autoreleased({ try handle.read(upToCount: 1 << 20) }), !piece.isEmpty {
      piece.withUnsafeBytes { stream.update($0) }
    }
    return stream.finish()
  }

  static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  static func bytes(_ path: String, maxBytes: Int) throws -> [UInt8] {
    guard exists(path) else { throw CommandFailure.usage("cannot read \(path)", why: "there is no such file") }
    do { return try BoundedFile.bytes(path, maxBytes: maxBytes) } catch {
      guard case .unusable(let why) = error else { throw error }
      throw CommandFailure.usage("cannot read \(path)", why: why)
    }
  }

  /// Writes a file whole: a temporary neighbour, flushed, renamed over the name. Readers see the old file or the new one.
  static func write(_ bytes: [UInt8], to path: String, mode: mode_t = 0o644) throws {
    let temporary = "\(path).\(ProcessInfo.processInfo.processIdentifier).tmp"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    guard descriptor >= 0 else {
      throw CommandFailure.usage("cannot write \(path)", why: String(cString: strerror(errno)))
    }
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    do {
      try handle.write(contentsOf: Data(bytes))
      try handle.synchronize()
    } catch {
      unlink(temporary)
      throw CommandFailure.usage("cannot write \(path)", why: "the disk refused it")
    }
    guard rename(temporary, path) == 0 else {
      let why = String(cString: strerror(errno))
      unlink(temporary)
      throw CommandFailure.usage("cannot write \(path)", why: why)
    }
  }

  private static func autoreleased<Result>(_ body: () throws -> Result) rethrows -> Result {
    #if canImport(Darwin)
      return try autoreleasepool(invoking: body)
    #else
      return try body()
    #endif
  }
}
