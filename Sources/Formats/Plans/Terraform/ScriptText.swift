/// A script whose unknown parts were left open: whether what it does can still be told from its constant words.
enum ScriptText {
  /// Stands for a part of a text that only the apply will know.
  static let hole = "${?}"

  /// Commands that run what their arguments say, wherever it stands.
  private static let runners: Set<String> = [
    "eval", "exec", "source", ".", "sh", "bash", "zsh", "dash", "pwsh", "powershell", "cmd", "cmd.exe", "python", "python3", "perl", "ruby", "node", "xargs", "sudo", "env", "nohup", "time",
    "invoke-expression", "iex", "&",
  ]
  /// Commands whose words before the first option say what is done.
  private static let verbs: Set<String> = ["az", "az.cmd", "pulumi", "terraform", "tofu", "kubectl"]

  /// False when a command begins with something unknown, or hands something unknown to what runs it: it can then be any command at all.
  static func isTelling(_ text: String) -> Bool {
    guard text.contains(hole) else { return true }
    // The brace of a hole is none that parts commands.
    for command in text.replacing(hole, with: "\u{1}").split(whereSeparator: { $0.isNewline || ";|&()`".contains($0) }) {
      let words = command.split { " \t\"'".contains($0) }
      guard let first = words.first(where: { !isAssignment($0) }) else { continue }
      if first.contains("\u{1}") { return false }
      let name = String(first.split(separator: "/").last ?? first).lowercased()
      if runners.contains(name), words.contains(where: { $0.contains("\u{1}") }) { return false }
      if verbs.contains(name), words.prefix(while: { !$0.hasPrefix("-") }).contains(where: { $0.contains("\u{1}") }) { return false }
    }
    return true
  }

  /// `NAME=value` before a command.
  private static func isAssignment(_ word: Substring) -> Bool {
    guard let sign = word.firstIndex(of: "="), sign > word.startIndex else { return false }
    return word[..<sign].allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
  }
}
