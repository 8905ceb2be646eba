import Foundation
import Signing
import SigstoreFormats
import Trust

/// The message that cosign passes on standard input: hashed while it is read, never held.
enum MessageInput {
  struct Unreadable: Error { let why: String }

  /// The digest of standard input, and how many bytes it had. A closed input is an empty one.
  ///
  /// - Complexity: one pass in pieces of 256 KiB.
  static func digest(_ hash: HashAlgorithm) throws -> (digest: MessageDigest, byteCount: Int64) {
    var stream = DigestStream([hash])
    var count: Int64 = 0
    var buffer = [UInt8](repeating: 0, count: 256 << 10)
    while true {
      let got = buffer.withUnsafeMutableBytes { read(STDIN_FILENO, $0.baseAddress, $0.count) }
      if got == 0 || got < 0 && errno == EBADF && count == 0 { break }
      if got < 0, errno == EINTR { continue }
      guard got > 0 else { throw Unreadable(why: String(cString: strerror(errno))) }
      buffer.withUnsafeBytes { stream.update(UnsafeRawBufferPointer(rebasing: $0[..<got])) }
      count += Int64(got)
    }
    guard let digest = stream.finish()[hash] else { throw Unreadable(why: "no digest was computed") }
    return (digest, count)
  }
}
