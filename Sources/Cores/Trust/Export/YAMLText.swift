internal import Encodings

/// A tree as YAML 1.2 block text: every scalar quoted as in JSON, texts of several lines as literal blocks. Read by every YAML reader alike.
enum YAMLText {
  static func document(_ value: JSONValue) -> String { lines(value, indent: "").joined(separator: "\n") + "\n" }

  private static func lines(_ value: JSONValue, indent: String) -> [String] {
    switch value {
    case .object(let object) where !object.isEmpty:
      return object.members.flatMap { member in entry("\(indent)\(name(member.name)):", member.value, indent: indent) }
    case .array(let array) where !array.isEmpty:
      return array.flatMap { element -> [String] in
        guard element.object?.isEmpty == false || element.array?.isEmpty == false else { return entry("\(indent)-", element, indent: indent) }
        var inner = lines(element, indent: indent + "  ")
        inner[0] = "\(indent)- " + inner[0].dropFirst(indent.count + 2)
        return inner
      }
    default: return [indent + scalar(value)]
    }
  }

  private static func entry(_ head: String, _ value: JSONValue, indent: String) -> [String] {
    switch value {
    case .object(let object) where !object.isEmpty: return [head] + lines(value, indent: indent + "  ")
    case .array(let array) where !array.isEmpty: return [head] + lines(value, indent: indent + "  ")
    case .string(let text) where text.hasSuffix("\n") && !text.hasPrefix(" "):
      return ["\(head) |"] + text.dropLast().split(separator: "\n", omittingEmptySubsequences: false).map { "\(indent)  \($0)" }
    default: return ["\(head) \(scalar(value))"]
    }
  }

  private static func name(_ name: String) -> String {
    let isPlain = !name.isEmpty && name.utf8.allSatisfy { (0x61...0x7A).contains($0 | 0x20) }
    return isPlain ? name : scalar(.string(name))
  }

  private static func scalar(_ value: JSONValue) -> String { String(decoding: value.serialized(), as: UTF8.self) }
}
