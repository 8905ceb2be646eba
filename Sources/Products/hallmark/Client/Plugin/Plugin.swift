/// One program that another tool starts, and the program of ours that it is a copy of.
struct Plugin: Hashable {
  enum Tool: String, CaseIterable {
    case cosign
    case notation
  }

  let tool: Tool
  /// What the tool calls it, which is the file's name where it is installed.
  let program: String
  /// The file beside `hallmark`.
  let source: String
  /// For people: the key URIs or the plugin name they give.
  let name: String

  /// Those of one tool. The programs tell their faces apart by the name they are started under.
  static func all(of tool: Tool) -> [Plugin] {
    switch tool {
    case .cosign:
      ["hallmark", "azurekms"].map { Plugin(tool: tool, program: "sigstore-kms-\($0)", source: "sigstore-kms-hallmark", name: "\($0)://") }
    case .notation:
      ["hallmark", "hallmark-authority"].map { Plugin(tool: tool, program: "notation-\($0)", source: "notation-hallmark", name: $0) }
    }
  }

  /// What is at a place now.
  enum State: String {
    case missing
    /// The same bytes as the program beside `hallmark`.
    case current
    /// Put there by `hallmark plugin install`, of another release.
    case outdated
    /// Somebody else's, or changed since.
    case foreign
    /// A folder or something else that is no file.
    case blocked
  }

  /// Where one plugin belongs, and what is there.
  struct Place {
    let plugin: Plugin
    let path: String
    let source: String
    let state: State
    /// SHA-256 of the program beside `hallmark`, nil when there is none.
    let wanted: [UInt8]?
  }
}
