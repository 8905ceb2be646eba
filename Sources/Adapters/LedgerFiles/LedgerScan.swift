import Ledger

/// Walks the leaves of a folder in order and holds each against its place.
struct LedgerScan {
  let folder: LedgerFolder
  let leafLimit: Int
  let sequence: @Sendable (UnsafeRawBufferPointer) -> UInt64?

  /// Where a walk ended.
  struct End: Equatable {
    /// After the last complete leaf.
    var position: LedgerPosition
    /// The next leaf's sequence.
    var next: UInt64
    /// Bytes behind it that make no line: a leaf that was never finished.
    var tornBytes: UInt64
  }

  /// - Parameters:
  ///   - segments: all there are, with the lengths to be read.
  ///   - start: where leaf `next` starts.
  ///   - leaf: sequence, position of its first byte, bytes. Returning a finding ends the walk.
  /// - Throws: `.refused` with the first thing that is wrong.
  func walk(
    _ segments: [LedgerFolder.Segment], from start: LedgerPosition, next: UInt64,
    leaf: (UInt64, LedgerPosition, UnsafeRawBufferPointer) -> LedgerFinding?
  ) throws(LedgerError) -> End {
    var end = End(position: start, next: next, tornBytes: 0)
    guard !segments.isEmpty else {
      guard start.file.isEmpty, next == 1 else { throw .refused(.missingFile(name: start.file)) }
      return end
    }
    guard let firstIndex = start.file.isEmpty ? 0 : segments.firstIndex(where: { $0.name == start.file }) else {
      throw .refused(.missingFile(name: start.file))
    }
    if start.file.isEmpty { end.position = LedgerPosition(file: segments[0].name, offset: 0) }
    for index in firstIndex..<segments.count {
      let segment = segments[index]
      if end.position.file != segment.name || end.position.offset == 0 {
        guard segment.first == end.next else {
          throw .refused(.missingFile(name: LedgerFolder.segmentName(first: end.next)))
        }
        end.position = LedgerPosition(file: segment.name, offset: 0)
      }
      guard end.position.offset <= segment.length else {
        throw .refused(.truncated(signedSize: end.next - 1, entries: segment.first - 1))
      }
      try walk(segment, isLast: index == segments.count - 1, &end, leaf)
    }
    return end
  }

  private func walk(
    _ segment: LedgerFolder.Segment, isLast: Bool, _ end: inout End,
    _ leaf: (UInt64, LedgerPosition, UnsafeRawBufferPointer) -> LedgerFinding?
  ) throws(LedgerError) {
    var lines = try LineStream(
      path: folder.file(segment.name), from: end.position.offset, to: segment.length, lineLimit: leafLimit)
    while true {
      var finding: LedgerFinding?
      let position = end.position
      let expected = end.next
      let step = try lines.next { bytes in
        let found = sequence(bytes)
        finding =
          found == expected
          ? leaf(expected, position, bytes) : .wrongSequence(position: position, expected: expected, found: found)
      }
      if let finding { throw .refused(finding) }
      switch step {
      case .line:
        end.next += 1
        end.position.offset = lines.offset
      case .tooLong: throw .refused(.oversizedLeaf(position: position, limit: leafLimit))
      case .end:
        end.tornBytes = UInt64(lines.remainder)
        guard lines.remainder == 0 || isLast else { throw .refused(.tornLine(position: position)) }
        return
      }
    }
  }
}
