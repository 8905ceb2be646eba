import Testing

/// Rules every file keeps.
struct SourceTests {
  private static func all() throws -> [SourceFile] {
    try ["Sources", "Tests", "Fuzz", "Benchmarks"].filter(Repository.exists).flatMap { try Repository.swiftFiles(under: $0) }.map { try SourceFile($0) }
  }

  @Test("No file is longer than 400 lines without a stated reason")
  func length() throws {
    let files = try Self.all()
    #expect(files.count > 200)
    for file in files where file.lineCount > Rules.lineLimit && Rules.longFiles[file.path] == nil {
      Issue.record("\(file.path) has \(file.lineCount) lines; split it by behaviour, or list it in Rules.longFiles with the reason")
    }
  }

  @Test("What silences the compiler carries its proof on the same line or the line before", arguments: ["@unchecked Sendable", "nonisolated(unsafe)", "try!"])
  func proofs(_ word: String) throws {
    for file in try Self.all() where file.path.hasPrefix("Sources/") {
      for (index, line) in file.lines.enumerated() where line.contains(word) && !SourceFile.isComment(line) {
        let isExplained = line.contains("//") || (index > 0 && SourceFile.isComment(file.lines[index - 1]))
        #expect(isExplained, "\(file.path):\(index + 1): \(word) without the invariant it rests on")
      }
    }
  }

  @Test("An unfinished thought is not left in the sources", arguments: ["TO" + "DO", "FIX" + "ME", "XX" + "X:"])
  func unfinished(_ word: String) throws {
    for file in try Self.all() {
      for (index, line) in file.lines.enumerated() where line.contains(word) { Issue.record("\(file.path):\(index + 1): \(word)") }
    }
  }

  @Test("Tests wait for conditions, not for time")
  func sleeps() throws {
    for file in try Self.all() where file.path.hasPrefix("Tests/") && !file.path.hasPrefix("Tests/ArchitectureTests/") {
      for (index, line) in file.lines.enumerated() where line.contains("Thread.sleep") || line.contains("usleep(") || line.contains("sleep(nanoseconds:") {
        Issue.record("\(file.path):\(index + 1): waits for time")
      }
    }
  }
}
