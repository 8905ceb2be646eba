internal import Crypto
internal import Encodings
internal import Estate

extension Finding {
  /// The same for the same finding in another run: rule, address without instance keys, principal and what is gained. Lines may move.
  var fingerprint: String {
    let parts = [rule, Self.withoutInstances(address), principal?.objectId ?? principal?.name ?? "", gained.map(\.rawValue).sorted().joined(separator: ","), key ?? scope ?? ""]
    return Hex.encode(Array(SHA256.hash(data: Array(parts.joined(separator: "\u{0}").utf8))))
  }

  /// `module.a["k"].azurerm_x.y[0]` without `["k"]` and `[0]`.
  static func withoutInstances(_ address: String) -> String {
    var result = ""
    var depth = 0
    var isQuoted = false
    for character in address {
      switch character {
      case "\"" where depth > 0: isQuoted.toggle()
      case "[" where !isQuoted: depth += 1
      case "]" where !isQuoted && depth > 0: depth -= 1
      default: if depth == 0 { result.append(character) }
      }
    }
    return result
  }

  /// Whether it counts against the change: a waived one does not.
  var isOpen: Bool { waived?.accepted != true }
}
