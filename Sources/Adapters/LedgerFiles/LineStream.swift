import Ledger

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Reads one file line by line with bounded memory (one buffer of `chunk` bytes, larger only for a longer line).
struct LineStream: ~Copyable {
  private let descriptor: Int32
  private let file: String
  private let lineLimit: Int
  private let end: UInt64
  private var buffer: [UInt8]
  private var start = 0
  private var filled = 0
  private var fileOffset: UInt64
  private var atEnd = false

  static let chunk = 256 * 1024

  /// - Parameters:
  ///   - offset: where the first line starts.
  ///   - end: bytes of the file that count; what was appended later is not read.
  init(path: String, from offset: UInt64 = 0, to end: UInt64 = .max, lineLimit: Int) throws(LedgerError) {
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .unreadable(file: path, operation: "open", errno: errno) }
    file = path
    self.lineLimit = lineLimit
    self.end = end
    fileOffset = offset
    buffer = [UInt8](repeating: 0, count: Self.chunk)
  }

  deinit { close(descriptor) }

  /// Where the next line starts.
  var offset: UInt64 { fileOffset + UInt64(start) }

  /// Bytes after the last line feed that were read but make no line.
  var remainder: Int { filled - start }

  enum Step { case line, end, tooLong }

  /// Hands the next complete line (without line feed) to `body`; `.end` when only an incomplete one or nothing is left.
  mutating func next(_ body: (UnsafeRawBufferPointer) -> Void) throws(LedgerError) -> Step {
    var searched = start
    while true {
      let found: Int? = buffer.withUnsafeBytes { bytes in
        guard searched < filled, let hit = memchr(bytes.baseAddress! + searched, 0x0A, filled - searched) else { return nil }
        return bytes.baseAddress!.distance(to: UnsafeRawPointer(hit))
      }
      if let found {
        guard found - start <= lineLimit else { return .tooLong }
        buffer.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[start..<found])) }
        start = found + 1
        return .line
      }
      searched = filled
      guard filled - start <= lineLimit else { return .tooLong }
      if atEnd { return .end }
      let moved = start
      try fill()
      searched -= moved
    }
  }

  /// Moves what is left to the front and reads more behind it.
  private mutating func fill() throws(LedgerError) {
    if start > 0 {
      buffer.withUnsafeMutableBytes { bytes in
        _ = memmove(bytes.baseAddress!, bytes.baseAddress! + start, filled - start)
      }
      fileOffset += UInt64(start)
      filled -= start
      start = 0
    }
    if filled == buffer.count { buffer.append(contentsOf: [UInt8](repeating: 0, count: buffer.count)) }
    let position = fileOffset + UInt64(filled)
    let wanted = min(UInt64(buffer.count - filled), end > position ? end - position : 0)
    guard wanted > 0 else {
      atEnd = true
      return
    }
    while true {
      let count = buffer.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress! + filled, Int(wanted), off_t(position)) }
      if count < 0 {
        if errno == EINTR { continue }
        throw .unreadable(file: file, operation: "read", errno: errno)
      }
      if count == 0 { atEnd = true }
      filled += count
      return
    }
  }
}
