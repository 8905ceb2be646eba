/// One blob of a storage container's listing.
package struct ListedBlob: Sendable, Hashable {
  package var name: String
  package var length: Int64
  /// With its quotes, as it goes into `If-Match`.
  package var etag: String?
  /// RFC 1123, as written.
  package var lastModified: String?
  /// `AppendBlob`, `BlockBlob`, `PageBlob`.
  package var type: String?

  package init(name: String, length: Int64, etag: String? = nil, lastModified: String? = nil, type: String? = nil) {
    self.name = name
    self.length = length
    self.etag = etag
    self.lastModified = lastModified
    self.type = type
  }
}

/// Why a listing is not one.
package enum BlobListError: Error, Sendable, Equatable, CustomStringConvertible {
  case tooLong(limit: Int)
  case notUTF8
  /// A document type declaration could hold entities: none is accepted.
  case declaration
  case malformed(offset: Int, expected: String)
  case tooDeep(limit: Int)
  case tooMany(limit: Int)

  package var description: String {
    switch self {
    case .tooLong(let limit): "it is longer than \(limit) bytes"
    case .notUTF8: "it is not UTF-8"
    case .declaration: "it has a document type declaration, which is not read"
    case .malformed(let offset, let expected): "expected \(expected) at byte \(offset)"
    case .tooDeep(let limit): "its elements nest deeper than \(limit)"
    case .tooMany(let limit): "it has more than \(limit) blobs"
    }
  }
}

/// One page of `GET /container?restype=container&comp=list` (Blob service REST API, List Blobs): an `EnumerationResults` document.
package struct BlobList: Sendable, Equatable {
  package static let maxBytes = 16 << 20
  package static let maxBlobs = 10_000
  static let maxDepth = 16

  package var blobs: [ListedBlob]
  /// Nil at the end.
  package var nextMarker: String?

  /// Fuzz entry point.
  package static func parse(_ bytes: some Sequence<UInt8>) throws(BlobListError) -> BlobList {
    var bytes = Array(bytes)
    guard bytes.count <= maxBytes else { throw .tooLong(limit: maxBytes) }
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    guard String(validating: bytes, as: UTF8.self) != nil else { throw .notUTF8 }
    var scanner = ElementScanner(bytes: bytes)
    var result = BlobList(blobs: [], nextMarker: nil)
    var path: [String] = []
    var fields: [String: String] = [:]
    var text: [UInt8] = []
    while let event = try scanner.next() {
      switch event {
      case .open(let name):
        guard path.count < maxDepth else { throw .tooDeep(limit: maxDepth) }
        if path.isEmpty, name != "EnumerationResults" { throw .malformed(offset: scanner.position, expected: "EnumerationResults") }
        path.append(name)
        text = []
        if name == "Blob" { fields = [:] }
      case .text(let piece): text += piece
      case .close(let name):
        guard path.last == name else { throw .malformed(offset: scanner.position, expected: "</\(path.last?.prefix(40) ?? "nothing")>") }
        let content = String(decoding: text, as: UTF8.self)
        text = []
        switch path.dropFirst().joined(separator: "/") {
        case "Blobs/Blob/Name", "Blobs/Blob/Properties/Content-Length", "Blobs/Blob/Properties/Etag", "Blobs/Blob/Properties/Last-Modified",
          "Blobs/Blob/Properties/BlobType":
          fields[name] = content
        case "Blobs/Blob":
          guard let blobName = fields["Name"], !blobName.isEmpty else { throw .malformed(offset: scanner.position, expected: "a blob's Name") }
          guard let length = Int64(fields["Content-Length"] ?? "0"), length >= 0 else { throw .malformed(offset: scanner.position, expected: "a Content-Length") }
          guard result.blobs.count < maxBlobs else { throw .tooMany(limit: maxBlobs) }
          result.blobs.append(
            ListedBlob(name: blobName, length: length, etag: fields["Etag"], lastModified: fields["Last-Modified"], type: fields["BlobType"]))
        case "NextMarker": result.nextMarker = content.isEmpty ? nil : content
        default: break
        }
        path.removeLast()
        if path.isEmpty { return try finish(&scanner, result) }
      }
    }
    throw .malformed(offset: scanner.position, expected: "EnumerationResults to end")
  }

  private static func finish(_ scanner: inout ElementScanner, _ result: BlobList) throws(BlobListError) -> BlobList {
    while let event = try scanner.next() {
      guard case .text(let piece) = event, piece.allSatisfy({ $0 <= 0x20 }) else { throw .malformed(offset: scanner.position, expected: "the end") }
    }
    return result
  }
}
