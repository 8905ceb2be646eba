internal import Crypto
internal import Encodings

/// The digest that names content (image-spec, Digests): an algorithm and its bytes.
package struct ContentDigest: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The registered algorithms that are supported everywhere.
  package enum Algorithm: String, Sendable, Hashable, CaseIterable {
    case sha256
    case sha512

    package var byteCount: Int { self == .sha256 ? 32 : 64 }
  }

  package let algorithm: Algorithm
  /// Exactly `algorithm.byteCount` bytes.
  package let bytes: [UInt8]

  /// Nil unless there are as many bytes as the algorithm makes.
  package init?(algorithm: Algorithm = .sha256, bytes: [UInt8]) {
    guard bytes.count == algorithm.byteCount else { return nil }
    self.algorithm = algorithm
    self.bytes = bytes
  }

  /// Reads `sha256:…` or `sha512:…`: lower case only, so that one digest has one text.
  package init(_ text: some StringProtocol) throws(OCIError) {
    let text = String(text)
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard text.utf8.count <= 7 + 128, parts.count == 2, let algorithm = Algorithm(rawValue: String(parts[0])),
      parts[1].utf8.count == algorithm.byteCount * 2, parts[1].utf8.allSatisfy({ $0 < 0x41 || $0 > 0x5A }),
      let bytes = try? Hex.decode(String(parts[1]))
    else { throw .badDigest(text) }
    self.algorithm = algorithm
    self.bytes = bytes
  }

  /// Digests the content. Linear in its length.
  package init(of content: some Sequence<UInt8>, algorithm: Algorithm = .sha256) {
    var stream = ContentDigestStream(algorithm)
    stream.update(content)
    self = stream.finish()
  }

  fileprivate init(algorithm: Algorithm, checked bytes: [UInt8]) {
    self.algorithm = algorithm
    self.bytes = bytes
  }

  package var hex: String { Hex.encode(bytes) }
  /// `algorithm:hex`.
  package var text: String { "\(algorithm.rawValue):\(hex)" }
  package var description: String { text }

  package func matches(_ content: some Sequence<UInt8>) -> Bool { ContentDigest(of: content, algorithm: algorithm) == self }

  package static func < (a: ContentDigest, b: ContentDigest) -> Bool { a.text < b.text }
}

/// Digests content that comes in pieces.
package struct ContentDigestStream: Sendable {
  private enum State: Sendable {
    case sha256(SHA256)
    case sha512(SHA512)
  }

  private var state: State
  package private(set) var count: Int64 = 0

  package init(_ algorithm: ContentDigest.Algorithm = .sha256) {
    state = algorithm == .sha256 ? .sha256(SHA256()) : .sha512(SHA512())
  }

  package mutating func update(_ piece: some Sequence<UInt8>) {
    let fast: Void? = piece.withContiguousStorageIfAvailable { update(UnsafeRawBufferPointer($0)) }
    if fast == nil { Array(piece).withUnsafeBytes { update($0) } }
  }

  private mutating func update(_ piece: UnsafeRawBufferPointer) {
    count += Int64(piece.count)
    switch state {
    case .sha256(var hash):
      hash.update(bufferPointer: piece)
      state = .sha256(hash)
    case .sha512(var hash):
      hash.update(bufferPointer: piece)
      state = .sha512(hash)
    }
  }

  package func finish() -> ContentDigest {
    switch state {
    case .sha256(let hash): ContentDigest(algorithm: .sha256, checked: Array(hash.finalize()))
    case .sha512(let hash): ContentDigest(algorithm: .sha512, checked: Array(hash.finalize()))
    }
  }
}
