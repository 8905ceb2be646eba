/// One tile of a log: 256 (or, at the right edge, fewer) hashes of one level, by C2SP tlog-tiles.
///
/// A tile at level L holds the tree's nodes of level 8·L; levels between are computed from it.
package struct Tile: Sendable, Hashable {
  /// Height of a tile in tree levels.
  package static let height = 8
  /// Hashes in a full tile.
  package static let fullWidth = 256

  /// 0 for the tiles of leaf hashes; at most 63.
  package let level: Int
  package let index: UInt64
  /// 1...256; below 256 only for the rightmost tile of its level.
  package let width: Int

  /// Nil when a number is out of range.
  package init?(level: Int, index: UInt64, width: Int = Tile.fullWidth) {
    guard (0...63).contains(level), (1...Self.fullWidth).contains(width) else { return nil }
    self.level = level
    self.index = index
    self.width = width
  }

  package var isPartial: Bool { width < Self.fullWidth }

  /// `tile/0/x001/x234/067` or `tile/0/x001/x234/067.p/112`.
  package var path: String { "tile/\(level)/" + Self.pathText(index) + suffix }

  /// The path of the bundle of entries whose hashes a level-0 tile holds: `tile/entries/…`.
  package var entriesPath: String { "tile/entries/" + Self.pathText(index) + suffix }

  private var suffix: String { isPartial ? ".p/\(width)" : "" }

  /// A tile number in groups of three digits, all but the last marked with `x`.
  static func pathText(_ number: UInt64) -> String {
    var text = threeDigits(number % 1000)
    var rest = number / 1000
    while rest > 0 {
      text = "x" + threeDigits(rest % 1000) + "/" + text
      rest /= 1000
    }
    return text
  }

  private static func threeDigits(_ value: UInt64) -> String {
    let text = String(value)
    return String(repeating: "0", count: 3 - text.count) + text
  }

  /// Reads a path as written by `path`; nil for anything else, including other spellings of the same number.
  package static func parse(path: String) -> Tile? {
    guard path.utf8.count <= 64 else { return nil }
    var parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count >= 3, parts[0] == "tile", let level = Int(parts[1]) else { return nil }
    var width = fullWidth
    if parts.count >= 4, parts[parts.count - 2].hasSuffix(".p") {
      guard let partial = Int(parts.removeLast()), (1..<fullWidth).contains(partial) else { return nil }
      width = partial
      parts[parts.count - 1].removeLast(2)
    }
    var number: UInt64 = 0
    for part in parts[2...] {
      guard let group = UInt64(part.hasPrefix("x") ? String(part.dropFirst()) : part), group < 1000 else { return nil }
      let (product, tooBig) = number.multipliedReportingOverflow(by: 1000)
      let (sum, stillTooBig) = product.addingReportingOverflow(group)
      guard !tooBig, !stillTooBig else { return nil }
      number = sum
    }
    // One spelling per tile: what does not come out the same was not written by `path`.
    guard let tile = Tile(level: level, index: number, width: width), tile.path == path else { return nil }
    return tile
  }

  /// The tiles that a log of `newSize` leaves has and one of `oldSize` had not, lower levels first.
  package static func new(from oldSize: UInt64, to newSize: UInt64) -> [Tile] {
    var tiles: [Tile] = []
    var level = 0
    var (old, new) = (oldSize, newSize)
    while new > 0 {
      if new > old {
        for index in old / 256...(new - 1) / 256 {
          let width = Int(min(256, new - index * 256))
          if let tile = Tile(level: level, index: index, width: width) { tiles.append(tile) }
        }
      }
      old /= 256
      new /= 256
      level += 1
    }
    return tiles
  }
}

/// Reads tree nodes out of tiles.
package struct HashTiles<Failure: Error>: Sendable {
  private let size: UInt64
  private let read: @Sendable (Tile) throws(Failure) -> [UInt8]

  /// - Parameters:
  ///   - size: the number of leaves; it says how wide the rightmost tiles are.
  ///   - read: the content of a tile, `width` × 32 bytes (more are cut off: a fuller tile serves an older size).
  package init(size: UInt64, read: @escaping @Sendable (Tile) throws(Failure) -> [UInt8]) {
    self.size = size
    self.read = read
  }

  /// The root of a complete subtree, for the makers of `MerkleProof`.
  package func node(level: Int, index: UInt64) throws -> MerkleHash {
    let tileLevel = level / Tile.height
    let within = level % Tile.height
    let first = index << UInt64(within)
    let nodes = size >> UInt64(tileLevel * Tile.height)
    let tileIndex = first / 256
    guard first + (1 << UInt64(within)) <= nodes,
      let tile = Tile(level: tileLevel, index: tileIndex, width: Int(min(256, nodes - tileIndex * 256)))
    else { throw MerkleError.outOfRange }
    let bytes = try read(tile)
    guard bytes.count >= tile.width * 32 else { throw MerkleError.badTile }
    let start = Int(first % 256)
    var row: [MerkleHash] = []
    for i in start..<start + (1 << within) {
      guard let hash = MerkleHash(bytes[i * 32..<(i + 1) * 32]) else { throw MerkleError.badTile }
      row.append(hash)
    }
    while row.count > 1 {
      row = stride(from: 0, to: row.count, by: 2).map { MerkleHash(left: row[$0], right: row[$0 + 1]) }
    }
    return row[0]
  }
}
