package import Plans

/// Finds planned resources by the references of unknown values.
package struct ReferenceIndex: Sendable {
  private var exact: [String: [Int]] = [:]
  /// By address without instance keys.
  private var stripped: [String: [Int]] = [:]

  package init(_ resources: [PlannedResource]) {
    for (number, resource) in resources.enumerated() where !resource.change.isDrift {
      exact[resource.address, default: []].append(number)
      stripped[Self.strip(resource.address), default: []].append(number)
    }
  }

  /// The resources behind an unknown value: those of the most specific reference that names any. Cost: the length of the references.
  package func matches(_ unknown: UnknownValue) -> [Int] {
    for reference in unknown.references {
      let found = matches(reference: reference)
      if !found.isEmpty { return found }
    }
    return []
  }

  /// As `matches`, for a resource at this address: of several instances, those with its own instance keys when there are any.
  /// `azurerm_x.y["eu"]` that refers to `azurerm_z.w[each.key]` means `azurerm_z.w["eu"]`.
  package func matches(_ unknown: UnknownValue, near address: String, among resources: [PlannedResource]) -> [Int] {
    let found = matches(unknown)
    guard found.count > 1, address.utf8.contains(UInt8(ascii: "[")) else { return found }
    let own = Self.keys(address)
    let equal = found.filter { Self.keys(resources[$0].address) == own }
    if !equal.isEmpty { return equal }
    let last = found.filter { Self.keys(resources[$0].address).last == own.last }
    return last.isEmpty ? found : last
  }

  /// The instance keys of an address, as written, from left to right.
  static func keys(_ address: String) -> [String] {
    address.split(separator: "[", omittingEmptySubsequences: true).dropFirst().map { part in String(part.prefix { $0 != "]" }) }
  }

  /// `module.ci.azurerm_user_assigned_identity.build["eu"].principal_id`, with or without attribute and instance keys.
  package func matches(reference: String) -> [Int] {
    var text = Substring(reference)
    while true {
      if let found = exact[String(text)] { return found }
      if let found = stripped[Self.strip(text)] { return found }
      guard let dot = Self.lastDot(text) else { return [] }
      text = text[..<dot]
    }
  }

  /// The address without `["k"]` and `[0]`.
  package static func strip(_ address: some StringProtocol) -> String {
    let bytes = address.utf8
    guard bytes.contains(UInt8(ascii: "[")) else { return String(address) }
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var depth = 0
    var quoted = false
    for byte in bytes {
      if depth > 0, byte == UInt8(ascii: "\"") { quoted.toggle() }
      if !quoted, byte == UInt8(ascii: "[") { depth += 1 }
      if depth == 0 { result.append(byte) }
      if !quoted, byte == UInt8(ascii: "]") { depth = max(0, depth - 1) }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// The last dot outside brackets.
  private static func lastDot(_ text: Substring) -> Substring.Index? {
    var depth = 0
    var last: Substring.Index?
    let bytes = text.utf8
    for index in bytes.indices {
      switch bytes[index] {
      case UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "]"): depth -= 1
      case UInt8(ascii: ".") where depth == 0: last = index
      default: break
      }
    }
    return last
  }
}
