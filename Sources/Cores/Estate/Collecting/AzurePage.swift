package import Encodings

/// Why a page of a list is not one.
package enum AzurePageError: Error, Sendable, Equatable, CustomStringConvertible {
  case notJSON
  /// A member is not what a list has.
  case member(String, wanted: String)
  /// The next page lies on another host: a token must not follow it.
  case foreignLink
  case tooManyItems(limit: Int)

  package var description: String {
    switch self {
    case .notJSON: "it is not JSON, or larger than a page may be"
    case .member(let name, let wanted): "its member \(name) is not \(wanted)"
    case .foreignLink: "its next page is on another host, which is not followed"
    case .tooManyItems(let limit): "it has more than \(limit) items on one page"
    }
  }
}

/// One page of a list as Azure Resource Manager, the key stores (`nextLink`) and Graph (`@odata.nextLink`) write it.
package struct AzurePage: Sendable, Equatable {
  package static let limits = JSONLimits(maxBytes: 32 << 20, maxDepth: 48, maxElements: 2_000_000)
  package static let maxItems = 100_000

  package var items: [JSONValue]
  /// Absolute URL, on the origin that was asked.
  package var next: String?

  /// - Parameter origin: `https://host[:port]` in lower case. Fuzz entry point.
  package static func parse(_ bytes: some Sequence<UInt8>, origin: String) throws(AzurePageError) -> AzurePage {
    guard let value = try? JSONValue.parse(Array(bytes), limits: limits) else { throw .notJSON }
    return try read(value, origin: origin)
  }

  package static func read(_ value: JSONValue, origin: String) throws(AzurePageError) -> AzurePage {
    guard let items = value["value"]?.array else { throw .member("value", wanted: "an array") }
    guard items.count <= maxItems else { throw .tooManyItems(limit: maxItems) }
    var next: String?
    for name in ["nextLink", "@odata.nextLink"] {
      switch value[name] {
      case nil, .null: continue
      case .string(let text):
        if text.isEmpty { continue }
        guard Self.isUnder(text, origin: origin) else { throw .foreignLink }
        next = text
      default: throw .member(name, wanted: "a URL")
      }
    }
    return AzurePage(items: items, next: next)
  }

  /// Whether a URL is on this origin: the text after it must begin a path or query, so that `https://a.example.evil` is not on `https://a.example`.
  package static func isUnder(_ url: String, origin: String) -> Bool {
    guard url.utf8.count <= 16 << 10, url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }) else { return false }
    var lower = Substring(url.lowercased())
    guard lower.hasPrefix("https://") else { return false }
    let end = lower.dropFirst(8).firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? lower.endIndex
    lower = lower[..<end]
    if lower.hasSuffix(":443") { lower = lower.dropLast(4) }
    return lower == origin
  }
}

/// One page of an Azure Resource Graph answer.
package struct ResourceGraphPage: Sendable, Equatable {
  package var rows: [JSONValue]
  package var total: Int?
  package var skipToken: String?
  /// There is more than was given, and no token to ask for it: the list is not whole.
  package var isTruncated: Bool

  package static func parse(_ bytes: some Sequence<UInt8>) throws(AzurePageError) -> ResourceGraphPage {
    guard let value = try? JSONValue.parse(Array(bytes), limits: AzurePage.limits) else { throw .notJSON }
    guard let rows = value["data"]?.array else { throw .member("data", wanted: "an array (resultFormat objectArray)") }
    guard rows.count <= AzurePage.maxItems else { throw .tooManyItems(limit: AzurePage.maxItems) }
    let token = value["$skipToken"]?.string.flatMap { $0.isEmpty ? nil : $0 }
    let flag = value["resultTruncated"]
    let truncated = flag?.bool ?? (flag?.string?.lowercased() == "true")
    return ResourceGraphPage(rows: rows, total: value["totalRecords"]?.int, skipToken: token, isTruncated: truncated && token == nil)
  }
}
