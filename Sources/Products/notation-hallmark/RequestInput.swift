import Foundation
import NotaryFormats

/// The request on standard input.
enum RequestInput {
  /// All of it, at most `NotaryPlugin.maxRequestBytes`.
  ///
  /// - Parameter optional: whether nothing at all counts as an empty object.
  static func bytes(optional: Bool) throws(NotaryPlugin.Failure) -> [UInt8] {
    var result: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 256 << 10)
    while true {
      let got = buffer.withUnsafeMutableBytes { read(STDIN_FILENO, $0.baseAddress, $0.count) }
      if got == 0 { break }
      if got < 0, errno == EINTR { continue }
      guard got > 0 else { throw NotaryPlugin.Failure(.error, "the request cannot be read: \(String(cString: strerror(errno)))") }
      guard result.count + got <= NotaryPlugin.maxRequestBytes else {
        throw NotaryPlugin.Failure(.validation, "the request is longer than \(NotaryPlugin.maxRequestBytes) bytes")
      }
      result += buffer[..<got]
    }
    return result.isEmpty && optional ? Array("{}".utf8) : result
  }
}
