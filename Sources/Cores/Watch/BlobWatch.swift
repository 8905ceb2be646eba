internal import Crypto
internal import Encodings

/// Compares a source with what was read of it before, while it streams past: shorter or different is a break (HM-D27).
package struct BlobWatch: Sendable {
  /// What stood there at the last poll; nil at the first.
  package let earlier: WatchState.Blob?
  private var hasher = SHA256()
  private var size = 0
  /// nil when it is as it was.
  package private(set) var broken: String?

  package init(earlier: WatchState.Blob?) { self.earlier = earlier }

  /// Takes the next bytes from the start of the source.
  package mutating func feed(_ bytes: [UInt8]) {
    if let earlier, size < earlier.size, size + bytes.count >= earlier.size {
      let cut = earlier.size - size
      hasher.update(data: bytes[..<cut])
      let copy = hasher
      if Hex.encode(copy.finalize()) != earlier.sha256 { broken = "its first \(earlier.size) bytes differ" }
      hasher.update(data: bytes[cut...])
    } else {
      hasher.update(data: bytes)
    }
    size += bytes.count
  }

  /// What to remember, with how far records were taken from it.
  package mutating func finish(offset: Int, line: Int) -> WatchState.Blob {
    if let earlier, size < earlier.size { broken = "it has \(size) bytes and had \(earlier.size)" }
    let copy = hasher
    return WatchState.Blob(offset: offset, line: line, size: size, sha256: Hex.encode(copy.finalize()))
  }

  /// What successive polls of one blob have in common: the path from `resourceId=` on, or the whole path.
  package static func group(ofPath path: String) -> String {
    let bytes = Array(path.utf8)
    let wanted = Array("resourceid=".utf8)
    guard bytes.count >= wanted.count else { return path }
    for start in 0...(bytes.count - wanted.count) where bytes[start..<(start + wanted.count)].map({ $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }).elementsEqual(wanted) {
      return String(decoding: bytes[start...], as: UTF8.self)
    }
    return path
  }
}
