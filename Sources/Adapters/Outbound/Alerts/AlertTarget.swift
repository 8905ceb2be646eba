#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// A place alerts are sent to, with the rule that keeps it from being this host's own network.
package struct AlertTarget: Sendable, Hashable {
  package let url: String
  package let host: String
  package let port: Int
  /// Whether addresses that are not public are fine: the operator listed this host.
  package let isPrivateAllowed: Bool

  /// The URL without its query: what errors may show.
  package var place: String { url.split(separator: "?", maxSplits: 1).first.map(String.init) ?? url }

  /// - Parameter privateHosts: hosts (lower case) that may resolve to private or loopback addresses; plain HTTP is taken only for these.
  package init(url: String, privateHosts: Set<String>) throws(AlertDeliveryError) {
    let isSecure = url.hasPrefix("https://")
    guard isSecure || url.hasPrefix("http://") else { throw .badTarget(url, why: "it is no https:// URL") }
    let rest = url.dropFirst(isSecure ? 8 : 7)
    let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    guard !authority.contains("@") else { throw .badTarget("(URL)", why: "a URL must not hold credentials; use a secret file") }
    let (host, port) = try Self.split(authority, usual: isSecure ? 443 : 80, url)
    isPrivateAllowed = privateHosts.contains(host)
    guard isSecure || isPrivateAllowed else { throw .badTarget(url, why: "plain HTTP is only for hosts listed as private") }
    self.url = url
    self.host = host
    self.port = port
  }

  /// `HOST:PORT`, for receivers that speak no HTTP.
  package init(address: String, usualPort: Int, privateHosts: Set<String>) throws(AlertDeliveryError) {
    let (host, port) = try Self.split(address[...], usual: usualPort, address)
    url = address
    self.host = host
    self.port = port
    isPrivateAllowed = privateHosts.contains(host)
  }

  private static func split(_ authority: Substring, usual: Int, _ text: String) throws(AlertDeliveryError) -> (String, Int) {
    var host = authority
    var port = usual
    if authority.hasPrefix("[") {
      guard let end = authority.firstIndex(of: "]") else { throw .badTarget(text, why: "the IPv6 address has no ]") }
      host = authority[authority.index(after: authority.startIndex)..<end]
      let tail = authority[authority.index(after: end)...]
      if !tail.isEmpty {
        guard tail.hasPrefix(":"), let number = Int(tail.dropFirst()), (1...65535).contains(number) else { throw .badTarget(text, why: "the port is none") }
        port = number
      }
    } else if let colon = authority.lastIndex(of: ":") {
      guard let number = Int(authority[authority.index(after: colon)...]), (1...65535).contains(number) else { throw .badTarget(text, why: "the port is none") }
      host = authority[..<colon]
      port = number
    }
    guard !host.isEmpty, host.utf8.count <= 253, host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw .badTarget(text, why: "there is no host in it") }
    return (host.lowercased(), port)
  }

  /// Resolves the name and refuses when any address is not a public one.
  func checkAddresses() throws(AlertDeliveryError) {
    if isPrivateAllowed { return }
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, nil, &hints, &list) == 0, let first = list else { throw .unreachable(place, why: "the name does not resolve") }
    defer { freeaddrinfo(first) }
    var next: UnsafeMutablePointer<addrinfo>? = first
    while let entry = next {
      if let address = entry.pointee.ai_addr, !Self.isPublic(address) {
        throw .badTarget(place, why: "it resolves to an address that is not public; list the host as private if that is meant")
      }
      next = entry.pointee.ai_next
    }
  }

  private static func isPublic(_ address: UnsafePointer<sockaddr>) -> Bool {
    switch Int32(address.pointee.sa_family) {
    case AF_INET:
      let raw = UnsafeRawPointer(address).loadUnaligned(as: sockaddr_in.self).sin_addr.s_addr
      return isPublic(v4: UInt32(bigEndian: raw))
    case AF_INET6:
      let bytes = withUnsafeBytes(of: UnsafeRawPointer(address).loadUnaligned(as: sockaddr_in6.self).sin6_addr) { Array($0) }
      return isPublic(v6: bytes)
    default: return false
    }
  }

  /// RFC 6890: not this network, private, shared, loopback, link-local, benchmarking, documentation, multicast, reserved.
  static func isPublic(v4 address: UInt32) -> Bool {
    let special: [(UInt32, UInt32)] = [
      (0x0000_0000, 8), (0x0A00_0000, 8), (0x6440_0000, 10), (0x7F00_0000, 8), (0xA9FE_0000, 16), (0xAC10_0000, 12), (0xC000_0000, 24),
      (0xC000_0200, 24), (0xC0A8_0000, 16), (0xC612_0000, 15), (0xC633_6400, 24), (0xCB00_7100, 24), (0xE000_0000, 4), (0xF000_0000, 4),
    ]
    return !special.contains { address >> (32 - $0.1) == $0.0 >> (32 - $0.1) }
  }

  /// Global unicast (2000::/3) without documentation and 6to4 or NAT64 forms that carry an IPv4 address; mapped addresses count as what they map.
  static func isPublic(v6 bytes: [UInt8]) -> Bool {
    guard bytes.count == 16 else { return false }
    if bytes[..<10].allSatisfy({ $0 == 0 }), bytes[10] == 0xFF, bytes[11] == 0xFF {
      return isPublic(v4: bytes[12...].reduce(0) { $0 << 8 | UInt32($1) })
    }
    if bytes[0] & 0xE0 != 0x20 { return false }
    if bytes[0] == 0x20, bytes[1] == 0x02 { return false }
    return !(bytes[0] == 0x20 && bytes[1] == 0x01 && bytes[2] == 0x0D && bytes[3] == 0xB8)
  }
}
