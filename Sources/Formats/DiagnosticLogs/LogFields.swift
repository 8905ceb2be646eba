internal import Encodings

/// The members of a record by name in lower case, `properties` and the suffixes of Log Analytics columns folded away.
struct LogFields {
  private var fields: [String: JSONValue]
  private(set) var count = 0

  init(_ object: JSONObject) {
    fields = Dictionary(minimumCapacity: object.count + 16)
    add(object, prefix: "")
  }

  private mutating func add(_ object: JSONObject, prefix: String) {
    for member in object.members {
      var name = member.name.lowercased()
      if name == "properties" {
        if let inner = member.value.object { add(inner, prefix: "properties.") } else if let text = member.value.string, text.utf8.first == UInt8(ascii: "{"),
          let inner = (try? JSONValue.parse(text))?.object
        { add(inner, prefix: "properties.") }
        continue
      }
      count += 1
      if name.utf8.contains(UInt8(ascii: "_")) { name = Self.folded(name) }
      // What stands at the top counts before what stands in `properties`.
      if !prefix.isEmpty, fields[name] != nil { continue }
      if case .null = member.value { continue }
      fields[name] = member.value
    }
  }

  /// `properties_x_s`, `x_s` and `_x` are `x`.
  private static func folded(_ text: String) -> String {
    var name = Substring(text)
    if name.hasPrefix("properties_") { name = name.dropFirst(11) }
    let bytes = name.utf8
    if bytes.count > 2, bytes[bytes.index(bytes.endIndex, offsetBy: -2)] == UInt8(ascii: "_"), "sdgbt".utf8.contains(bytes.last ?? 0) { name = name.dropLast(2) }
    if name.utf8.first == UInt8(ascii: "_") { name = name.dropFirst() }
    return String(name)
  }

  subscript(name: String) -> JSONValue? { fields[name] }

  /// A text that is not empty.
  func text(_ names: String...) -> String? {
    for name in names {
      guard let value = fields[name] else { continue }
      if let text = value.string { if !text.isEmpty { return text } } else if let number = value.number { return number.text }
    }
    return nil
  }

  /// A number, or a text or fraction that is one.
  func integer(_ names: String...) -> Int? {
    for name in names {
      guard let value = fields[name] else { continue }
      if let number = value.int { return number }
      if let double = value.number?.double ?? value.string.flatMap({ Double($0) }), double.isFinite, abs(double) < 1e15 { return Int(double) }
    }
    return nil
  }

  func flag(_ name: String) -> Bool? {
    guard let value = fields[name] else { return nil }
    if let bool = value.bool { return bool }
    switch value.string?.lowercased() {
    case "true": return true
    case "false": return false
    default: return nil
    }
  }

  func time(_ names: String...) -> Int64? {
    for name in names { if let text = fields[name]?.string, let time = try? ISO8601.parse(text) { return time } }
    return nil
  }

  /// Names and values whose name begins so.
  func starting(_ prefix: String) -> [(String, JSONValue)] { fields.filter { $0.key.hasPrefix(prefix) }.map { ($0.key, $0.value) } }
}

extension LogIdentity {
  init(claims object: JSONObject) {
    self.init()
    read(claims: object)
  }

  /// Reads the claims object, whatever its shape; names without letter case.
  mutating func read(claims object: JSONObject, depth: Int = 0) {
    for member in object.members {
      let name = member.name.lowercased()
      if let inner = member.value.object {
        if depth < 4 { read(claims: inner, depth: depth + 1) }
        continue
      }
      guard let text = member.value.string, !text.isEmpty else { continue }
      set(name, text)
    }
  }

  mutating func set(_ name: String, _ text: String) {
    switch name {
    case "oid": objectId = text.lowercased()
    case _ where name.hasSuffix("objectidentifier"): if objectId == nil { objectId = text.lowercased() }
    case "appid", "azp": if appId == nil { appId = text.lowercased() }
    case "upn": upn = text
    case "unique_name": if upn == nil { upn = text }
    case _ where name.hasSuffix("/claims/upn"): upn = text
    case "idtyp": idtyp = text
    case "scp": scp = text
    case "xms_mirid": mirid = text
    default: break
    }
  }
}
