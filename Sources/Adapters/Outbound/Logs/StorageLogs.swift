package import DiagnosticLogs
internal import Encodings

/// Diagnostic logs in a storage container (`insights-logs-auditevent`): lists blobs, and reads append blobs from where one stopped (§2.1).
package struct StorageLogs: Sendable {
  package static let container = "insights-logs-auditevent"
  static let version = "2023-11-03"
  static let maxPages = 2000
  /// One ranged read.
  package static let maxPiece = 8 << 20

  private let access: AzureAccess
  private let base: String
  private let scope: String

  /// - Parameter account: `https://ACCOUNT.blob…`; it must lie under the cloud's storage suffix.
  package init(_ access: AzureAccess, account: String, container: String = StorageLogs.container) throws(OutboundError) {
    let address = try ServiceAddress(account)
    guard let scope = access.cloud.storageScope(address) else {
      throw .badAddress(account, why: "it is not a storage account of \(access.cloud.name): a token is not sent there")
    }
    guard (3...63).contains(container.utf8.count), container.utf8.allSatisfy({ $0 >= 0x61 && $0 <= 0x7A || $0 >= 0x30 && $0 <= 0x39 || $0 == 0x2D || $0 == 0x24 })
    else { throw .badAddress(container, why: "a container's name is 3 to 63 small letters, digits and dashes") }
    self.access = access
    self.scope = scope
    base = "\(address.url)/\(container)"
  }

  private func request(_ url: String, _ headers: [(name: String, value: String)], maxBytes: Int) -> OutboundRequest {
    OutboundRequest("GET", url, headers: [("x-ms-version", Self.version)] + headers, timeout: .seconds(120), maxReplyBytes: maxBytes)
  }

  /// Every blob whose name begins so, following markers.
  package func list(prefix: String = "resourceId=/") async throws(OutboundError) -> [ListedBlob] {
    var result: [ListedBlob] = []
    var marker: String?
    var seen: Set<String> = []
    repeat {
      var query: [(name: String, value: String)] = [("restype", "container"), ("comp", "list"), ("prefix", prefix), ("maxresults", "5000")]
      if let marker { query.append(("marker", marker)) }
      let reply = try await access.send(request("\(base)?\(URLText.form(query))", [], maxBytes: BlobList.maxBytes), scope: scope)
      let page: BlobList
      do { page = try BlobList.parse(reply.body) } catch { throw .badAnswer(url: base, why: error.description) }
      result += page.blobs
      marker = page.nextMarker
      if let marker, !seen.insert(marker).inserted || seen.count > Self.maxPages { throw .badAnswer(url: base, why: "its pages do not end") }
    } while marker != nil
    return result
  }

  /// A piece of a blob.
  package struct Piece: Sendable, Equatable {
    package var bytes: [UInt8]
    package var etag: String?
    /// Length of the whole blob when it was read.
    package var total: Int64?

    package init(bytes: [UInt8], etag: String? = nil, total: Int64? = nil) {
      self.bytes = bytes
      self.etag = etag
      self.total = total
    }
  }

  /// Bytes from `offset` on, at most `maxPiece`; empty when there are none yet.
  package func read(_ name: String, from offset: Int64) async throws(OutboundError) -> Piece {
    let path = name.split(separator: "/", omittingEmptySubsequences: false).map { URLText.component(String($0)) }.joined(separator: "/")
    let range = "bytes=\(offset)-\(offset + Int64(Self.maxPiece) - 1)"
    let reply: OutboundReply
    do throws(OutboundError) {
      reply = try await access.send(request("\(base)/\(path)", [("x-ms-range", range)], maxBytes: Self.maxPiece + 1024), scope: scope)
    } catch {
      // 416: nothing has been appended since.
      if case .refused(let refusal) = error, refusal.status == 416 { return Piece(bytes: [], etag: nil, total: offset) }
      throw error
    }
    let total = reply.header("content-range").flatMap { $0.split(separator: "/").last }.flatMap { Int64($0) }
    guard reply.status == 206 || offset == 0 else { throw .badAnswer(url: "\(base)/\(path)", why: "a range was asked for and the whole came back") }
    return Piece(bytes: reply.body, etag: reply.header("etag"), total: total ?? Int64(reply.body.count))
  }
}

/// How far one blob has been read.
package struct BlobCursor: Sendable, Hashable {
  /// Bytes taken, up to the end of a whole line.
  package var offset: Int64
  package var etag: String?

  package init(offset: Int64 = 0, etag: String? = nil) {
    self.offset = offset
    self.etag = etag
  }

  /// Takes whole lines of a piece: what stands after the last line end is an append in progress and is read again next time.
  ///
  /// A document that is not JSON lines (`{"records":[`, `[`) has no line ends of its own and is only whole when the piece reaches its end.
  package mutating func take(_ piece: StorageLogs.Piece) -> [UInt8] {
    let isAtEnd = piece.total.map { offset + Int64(piece.bytes.count) >= $0 } ?? false
    var taken = piece.bytes[...]
    if let end = piece.bytes.lastIndex(of: 0x0A) {
      let rest = piece.bytes[(end + 1)...]
      // A last line that is a whole object is taken even without its line end: block blobs are written that way.
      if !(isAtEnd && Self.isWhole(rest)) { taken = piece.bytes[...end] }
    } else if !(isAtEnd && Self.isWhole(taken)) {
      taken = []
    }
    offset += Int64(taken.count)
    etag = piece.etag ?? etag
    return Array(taken)
  }

  private static func isWhole(_ bytes: ArraySlice<UInt8>) -> Bool {
    if bytes.allSatisfy({ $0 <= 0x20 }) { return true }
    return (try? JSONValue.parse(Array(bytes), limits: JSONLimits(maxBytes: StorageLogs.maxPiece, maxDepth: 32, maxElements: 2_000_000))) != nil
  }
}
