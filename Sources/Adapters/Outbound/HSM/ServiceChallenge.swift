/// What a 401 says about the token that is wanted (`WWW-Authenticate: Bearer …`).
package struct ServiceChallenge: Sendable, Hashable {
  /// The tenant in `authorization`, or nil when it names none.
  package let tenant: String?
  /// Scheme and authority of the login host the service names. For information: credentials go to the configured one.
  package let authority: String?
  package let resource: String?
  package let scope: String?
  package let error: String?
  /// Base64 JSON of a claims challenge.
  package let claims: String?

  /// Reads the header value; nil unless it is a Bearer challenge of at most 4 KiB.
  package init?(header: String) {
    guard header.utf8.count <= 4096, header.lowercased().hasPrefix("bearer ") else { return nil }
    let values = Self.parameters(header.dropFirst("bearer ".count))
    let login = values["authorization"] ?? values["authorization_uri"]
    let address = login.flatMap(Self.split)
    authority = address?.authority
    tenant = address?.path.first { !$0.isEmpty && $0 != "adfs" }
    resource = values["resource"]
    scope = values["scope"]
    error = values["error"]
    claims = values["claims"]
  }

  /// The scope to ask for at `address`, after checking that the service asks for nothing it has no business with: the resource
  /// must be the service itself or a parent domain of it, ports included, as the SDKs demand.
  package func scope(for address: ServiceAddress) throws(OutboundError) -> String {
    let text: String
    if let scope {
      text = scope
    } else if let resource {
      text = (resource.hasSuffix("/") ? String(resource.dropLast()) : resource) + "/.default"
    } else {
      throw .challenge(url: address.url, why: "its challenge names neither resource nor scope")
    }
    guard let target = Self.split(text), text.lowercased().hasPrefix("https://") else {
      throw .challenge(url: address.url, why: "its challenge names a resource that is no https URL")
    }
    let named = String(target.authority.dropFirst("https://".count)).lowercased()
    // Ports may be left out of the resource; when present they must agree.
    let own = named.contains(":") ? address.netloc : address.host
    guard own == named || own.hasSuffix("." + named) else {
      throw .challenge(
        url: address.url, why: "it asks for a token for \(named.prefix(100)), which is not a parent domain of \(own); a token for another service is not sent to it")
    }
    // A bare top-level name would let any host of it collect tokens meant for others.
    guard named.contains(".") || named.hasPrefix("localhost") || own == named else {
      throw .challenge(url: address.url, why: "it asks for a token for the whole domain \(named.prefix(100))")
    }
    return text
  }

  private static func parameters(_ text: Substring) -> [String: String] {
    var result: [String: String] = [:]
    for piece in text.split(separator: ",").prefix(16) {
      let parts = piece.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else { continue }
      let name = parts[0].trimmed.lowercased()
      var value = parts[1].trimmed
      if value.hasPrefix("\""), value.hasSuffix("\""), value.utf8.count >= 2 { value = String(value.dropFirst().dropLast()) }
      if result[name] == nil { result[name] = value }
    }
    return result
  }

  /// `https://host:port` and the path's segments.
  static func split(_ url: String) -> (authority: String, path: [String])? {
    guard let scheme = url.firstRange(of: "://") else { return nil }
    let rest = url[scheme.upperBound...]
    let parts = rest.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard let host = parts.first, !host.isEmpty, !host.contains("@"), !host.contains("?"), !host.contains("#") else { return nil }
    return (url[..<scheme.upperBound] + host, Array(parts.dropFirst()))
  }
}

extension Substring {
  /// Without spaces and tabs at both ends.
  fileprivate var trimmed: String {
    var text = self
    while let first = text.first, first == " " || first == "\t" { text = text.dropFirst() }
    while let last = text.last, last == " " || last == "\t" { text = text.dropLast() }
    return String(text)
  }
}
