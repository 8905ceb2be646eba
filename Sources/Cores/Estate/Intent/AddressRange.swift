/// A block of IP addresses such as `198.51.100.0/24` or `2001:db8::/32`; a single address is a block of one.
package struct AddressRange: Sendable, Hashable, CustomStringConvertible {
  /// 4 or 16 bytes, the bits after the prefix cleared.
  package let network: [UInt8]
  package let prefixLength: Int
  package let text: String

  package var description: String { text }

  /// nil when the text is not an address with an optional prefix length.
  package init?(_ text: String) {
    guard text.utf8.count <= 64 else { return nil }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count <= 2, let address = IPAddress.bytes(String(parts[0])) else { return nil }
    var length = address.count * 8
    if parts.count == 2 {
      guard !parts[1].isEmpty, parts[1].utf8.allSatisfy({ $0 &- 0x30 < 10 }), let given = Int(parts[1]), given <= length else { return nil }
      length = given
    }
    self.network = Self.masked(address, length)
    self.prefixLength = length
    self.text = text
  }

  /// Whether the address lies in the block. An IPv4 address written as IPv6 (`::ffff:a.b.c.d`) counts as IPv4; a port is ignored.
  package func contains(_ address: String) -> Bool {
    guard let bytes = IPAddress.bytes(address), bytes.count == network.count else { return false }
    return Self.masked(bytes, prefixLength) == network
  }

  private static func masked(_ bytes: [UInt8], _ length: Int) -> [UInt8] {
    bytes.enumerated().map { index, byte in
      let keep = max(0, min(8, length - index * 8))
      return keep == 0 ? 0 : byte & (0xFF << UInt8(8 - keep))
    }
  }
}

/// Texts of IP addresses.
package enum IPAddress {
  /// 4 bytes or 16 bytes in network order; nil when the text is not an address. Brackets and a port are taken off.
  package static func bytes(_ text: String) -> [UInt8]? {
    guard text.utf8.count <= 64 else { return nil }
    var text = Substring(text)
    if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
      text = text[text.index(after: text.startIndex)..<end]
    } else if text.contains("."), text.filter({ $0 == ":" }).count == 1, let colon = text.firstIndex(of: ":") {
      text = text[..<colon]
    }
    guard text.contains(":") else { return ipv4(text) }
    guard let bytes = ipv6(text) else { return nil }
    let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
    return Array(bytes.prefix(12)) == mapped ? Array(bytes.suffix(4)) : bytes
  }

  /// Whether nobody outside reaches the address: RFC 1918, loopback, link-local, unique local (RFC 4193), shared space (RFC 6598).
  package static func isPrivate(_ text: String) -> Bool {
    blocks.contains { $0.contains(text) }
  }

  private static let blocks = [
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16", "100.64.0.0/10", "fc00::/7", "fe80::/10", "::1/128",
  ].compactMap(AddressRange.init)

  private static func ipv4(_ text: Substring) -> [UInt8]? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var bytes: [UInt8] = []
    for part in parts {
      guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ $0 &- 0x30 < 10 }), part == "0" || !part.hasPrefix("0"),
        let byte = UInt8(part)
      else { return nil }
      bytes.append(byte)
    }
    return bytes
  }

  private static func ipv6(_ text: Substring) -> [UInt8]? {
    let halves = text.split(separator: "::", omittingEmptySubsequences: false)
    guard halves.count <= 2 else { return nil }
    var sides: [[UInt8]] = []
    for (index, half) in halves.enumerated() {
      var bytes: [UInt8] = []
      let groups = half.isEmpty ? [] : half.split(separator: ":", omittingEmptySubsequences: false)
      for (position, group) in groups.enumerated() {
        if group.contains("."), index == halves.count - 1, position == groups.count - 1 {
          guard let tail = ipv4(group) else { return nil }
          bytes += tail
          continue
        }
        guard (1...4).contains(group.utf8.count), let value = UInt16(group, radix: 16), !group.hasPrefix("+") else { return nil }
        bytes += [UInt8(value >> 8), UInt8(value & 0xFF)]
      }
      sides.append(bytes)
    }
    if sides.count == 1 { return sides[0].count == 16 ? sides[0] : nil }
    let zeros = 16 - sides[0].count - sides[1].count
    return zeros >= 2 ? sides[0] + [UInt8](repeating: 0, count: zeros) + sides[1] : nil
  }
}
