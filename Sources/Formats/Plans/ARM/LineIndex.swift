/// Lines of the resources in a template's text, by path: `/resources/3`, `/resources/vault/properties/template/resources/0`.
struct LineIndex {
  private var lines: [String: Int] = [:]

  init() {}

  func line(of path: String) -> Int? { lines[path] }

  /// - Parameter bytes: text already accepted as JSON. Cost: one pass; memory for the resources alone.
  init(_ bytes: [UInt8]) {
    struct Container {
      var path: String
      var isArray: Bool
      var isResources: Bool
      var count = 0
      var key = ""
    }
    var stack: [Container] = []
    var line = 1
    var position = 0
    var wantsKey = false
    /// A value starts: its path, when it may hold resources, else nil.
    func begin() -> (path: String, key: String) {
      guard let top = stack.last else { return ("", "") }
      let key = top.isArray ? String(top.count) : top.key
      return ("\(top.path)/\(key)", key)
    }
    while position < bytes.count {
      let byte = bytes[position]
      switch byte {
      case UInt8(ascii: "\n"): line += 1
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        let (path, key) = begin()
        if stack.last?.isResources == true { lines[path] = line }
        stack.append(Container(path: path, isArray: byte == UInt8(ascii: "["), isResources: key == "resources"))
        wantsKey = byte == UInt8(ascii: "{")
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        if !stack.isEmpty { stack.removeLast() }
        wantsKey = false
      case UInt8(ascii: ","):
        if let last = stack.indices.last {
          stack[last].count += 1
          wantsKey = !stack[last].isArray
        }
      case UInt8(ascii: ":"): wantsKey = false
      case UInt8(ascii: "\""):
        let start = position + 1
        position += 1
        while position < bytes.count, bytes[position] != UInt8(ascii: "\"") { position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1 }
        if wantsKey, let last = stack.indices.last { stack[last].key = String(decoding: bytes[start..<min(position, bytes.count)], as: UTF8.self) }
      default: break
      }
      position += 1
    }
  }
}
