import Encodings

/// The member `prior_state` of a plan. It can be as large as the rest; only what data sources gave is built.
enum PriorState {
  static let maxModules = 20_000

  /// Resources of mode `data` in all modules, as they stand.
  ///
  /// - Complexity: one pass over the text, and one for each of its levels (modules, resources) when there are data sources; memory for the data sources alone.
  static func data(_ state: JSONField, in bytes: UnsafeRawBufferPointer, _ limits: JSONLimits) throws(JSONError) -> [JSONValue] {
    guard state.kind == .object else { return [] }
    let text = UnsafeRawBufferPointer(rebasing: bytes[state.range])
    // A mode written in escapes is not Terraform's: such a data source stays unread, and what refers to it unknown.
    guard holdsData(text) else { return [] }
    let words = JSONMembers("values")
    guard let values = try object(JSONScanner.scan(text, words, limits: limits)[0], in: text) else { return [] }
    let root = JSONMembers("root_module")
    guard let module = try object(JSONScanner.scan(values, root, limits: limits)[0], in: values) else { return [] }
    var found: [JSONValue] = []
    var waiting = [module]
    var modules = 0
    while let module = waiting.popLast(), modules < maxModules {
      modules += 1
      let parts = try JSONScanner.scan(module, JSONMembers("resources", "child_modules"), limits: limits)
      for element in try elements(parts[0], in: module, limits) {
        let mode = try JSONScanner.scan(element, JSONMembers("mode"), limits: limits)[0]
        if mode.equals("data", in: element) { found.append(try JSONValue.parse(element, limits: limits)) }
      }
      waiting += try elements(parts[1], in: module, limits)
    }
    return found
  }

  /// Whether the text `"data"` stands anywhere.
  private static func holdsData(_ text: UnsafeRawBufferPointer) -> Bool {
    let word: StaticString = "\"data\""
    var place = 0
    while place + 6 <= text.count {
      if text[place + 5] == UInt8(ascii: "\""), (0..<5).allSatisfy({ text[place + $0] == word.utf8Start[$0] }) { return true }
      place += 1
    }
    return false
  }

  private static func object(_ field: JSONField, in text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    field.kind == .object ? UnsafeRawBufferPointer(rebasing: text[field.range]) : nil
  }

  /// The objects of an array.
  private static func elements(_ field: JSONField, in text: UnsafeRawBufferPointer, _ limits: JSONLimits) throws(JSONError) -> [UnsafeRawBufferPointer] {
    guard field.kind == .array else { return [] }
    let array = UnsafeRawBufferPointer(rebasing: text[field.range])
    return try (JSONScanner.elements(array, limits: limits) ?? []).compactMap { object($0, in: array) }
  }
}
