/// PEM texts (RFC 7468): read leniently around blocks and strictly inside them, written in 64 columns.
package enum PEM {
  package struct Block: Sendable, Equatable {
    /// What stands after `BEGIN`, such as `CERTIFICATE` or `PRIVATE KEY`.
    package let label: String
    /// Mutable so that the holder of a private key can move its bytes out and wipe them.
    package var bytes: [UInt8]

    package init(label: String, bytes: [UInt8]) {
      self.label = label
      self.bytes = bytes
    }
  }

  /// Reads every block of a text; text outside of blocks is ignored, headers inside one (RFC 1421 encryption) are refused.
  ///
  /// - Throws: `.tooLong` beyond `maxBytes`, `.malformed` with the offset of the offending line, or what base64 decoding found.
  package static func parse(
    _ text: some Sequence<UInt8>, maxBytes: Int = 1 << 20, maxBlocks: Int = 256
  ) throws(EncodingError) -> [Block] {
    try withBytes(of: text) { (bytes) throws(EncodingError) in
      guard bytes.count <= maxBytes else { throw .tooLong(limit: maxBytes) }
      var blocks: [Block] = []
      var open: (label: String, body: [UInt8])?
      for line in lines(of: bytes) {
        let content = trimmed(bytes, line)
        if let label = boundary("BEGIN", bytes[content]) {
          guard open == nil else { throw .malformed(expected: "END before the next BEGIN", offset: line.lowerBound) }
          guard blocks.count < maxBlocks else {
            throw .malformed(expected: "at most \(maxBlocks) blocks", offset: line.lowerBound)
          }
          open = (label, [])
        } else if let label = boundary("END", bytes[content]) {
          guard let block = open, block.label == label else {
            throw .malformed(expected: "the END line of an open block", offset: line.lowerBound)
          }
          blocks.append(Block(label: label, bytes: try Base64.decode(block.body)))
          open = nil
        } else {
          open?.body.append(contentsOf: bytes[content])
        }
      }
      guard open == nil else { throw .malformed(expected: "an END line", offset: bytes.count) }
      return blocks
    }
  }

  package static func parse(_ text: String, maxBytes: Int = 1 << 20, maxBlocks: Int = 256) throws(EncodingError) -> [Block] {
    try parse(text.utf8, maxBytes: maxBytes, maxBlocks: maxBlocks)
  }

  /// One block with lines of 64 characters and a final newline.
  package static func encode(_ bytes: some Sequence<UInt8>, label: String) -> String {
    let body = Array(Base64.encode(bytes).utf8)
    var text = "-----BEGIN \(label)-----\n"
    for start in stride(from: 0, to: body.count, by: 64) {
      text += String(decoding: body[start..<min(start + 64, body.count)], as: UTF8.self) + "\n"
    }
    return text + "-----END \(label)-----\n"
  }

  private static func lines(of bytes: UnsafeRawBufferPointer) -> [Range<Int>] {
    var result: [Range<Int>] = []
    var start = 0
    for i in 0..<bytes.count where bytes[i] == UInt8(ascii: "\n") {
      result.append(start..<i)
      start = i + 1
    }
    if start < bytes.count { result.append(start..<bytes.count) }
    return result
  }

  private static func trimmed(_ bytes: UnsafeRawBufferPointer, _ line: Range<Int>) -> Range<Int> {
    func isSpace(_ i: Int) -> Bool { [0x20, 0x09, 0x0D].contains(bytes[i]) }
    var (low, high) = (line.lowerBound, line.upperBound)
    while low < high, isSpace(low) { low += 1 }
    while high > low, isSpace(high - 1) { high -= 1 }
    return low..<high
  }

  private static func boundary(_ word: String, _ line: Slice<UnsafeRawBufferPointer>) -> String? {
    let head = Array("-----\(word) ".utf8)
    let tail = Array("-----".utf8)
    guard line.count >= head.count + tail.count, line.starts(with: head), line.suffix(5).elementsEqual(tail) else { return nil }
    let label = line.dropFirst(head.count).dropLast(tail.count)
    guard !label.isEmpty, label.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else { return nil }
    return String(decoding: label, as: UTF8.self)
  }
}
