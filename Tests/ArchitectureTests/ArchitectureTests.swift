import Foundation
import Testing

/// The house rules of docs/architecture.md, read from Package.swift and from every import line.
struct ArchitectureTests {
  let manifest: Manifest
  /// Files of each target.
  let files: [String: [SourceFile]]

  init() throws {
    manifest = try Manifest.read()
    var files: [String: [SourceFile]] = [:]
    for target in manifest.targets {
      files[target.name] = try Repository.swiftFiles(under: "Sources/\(target.floor.rawValue)/\(target.name)").map { try SourceFile($0) }
    }
    self.files = files
  }

  private func eachImport(_ body: (Manifest.Target, SourceFile, SourceFile.Import) -> Void) {
    for target in manifest.targets {
      for file in files[target.name] ?? [] { for one in file.imports { body(target, file, one) } }
    }
  }

  @Test("Every folder of Sources/<Floor>/ is a target of Package.swift, and every target is such a folder")
  func foldersAndTargets() throws {
    var folders: Set<String> = []
    for floor in Floor.allCases {
      let path = Repository.root.appending(path: "Sources/\(floor.rawValue)").path
      for name in try FileManager.default.contentsOfDirectory(atPath: path) where !name.hasPrefix(".") { folders.insert("\(floor.rawValue)/\(name)") }
    }
    #expect(folders == Set(manifest.targets.map { "\($0.floor.rawValue)/\($0.name)" }))
    #expect(Set(manifest.targets.map(\.name)).count == manifest.targets.count)
  }

  @Test("An import points down a floor, or is on the short list of sideways ones")
  func imports() {
    var seen = 0
    eachImport { target, file, one in
      guard let other = manifest[one.module] else { return }
      seen += 1
      if let objection = Rules.objection(to: other, in: target) { Issue.record("\(file.path):\(one.line): \(objection)") }
    }
    #expect(seen > 200, "the imports were not found where they are")
  }

  @Test("A declared dependency points down a floor, or is on the short list")
  func dependencies() {
    for target in manifest.targets {
      for name in target.dependencies {
        guard let other = manifest[name], let objection = Rules.objection(to: other, in: target) else { continue }
        Issue.record("Package.swift: \(objection)")
      }
    }
  }

  @Test("No file imports what its target does not declare")
  func undeclared() {
    var reported: Set<String> = []
    eachImport { target, file, one in
      guard !Rules.system.contains(one.module), !target.dependencies.contains(one.module), one.module != target.name,
        reported.insert("\(target.name)→\(one.module)").inserted
      else { return }
      Issue.record("\(file.path):\(one.line): \(target.name) imports \(one.module), which Package.swift does not declare for it")
    }
  }

  @Test("Ground, Formats and Cores know no library of networks, databases, logs or tokens")
  func pureFloors() {
    eachImport { target, file, one in
      guard target.floor < .adapters, manifest[one.module] == nil, !Rules.system.contains(one.module), !Rules.pureLibraries.contains(one.module)
      else { return }
      Issue.record("\(file.path):\(one.line): \(one.module) is not for the floor \(target.floor.rawValue)")
    }
  }

  @Test("Only the software engine sees libcrypto")
  func libcrypto() {
    eachImport { target, file, one in
      if one.module == "CLibcrypto", target.name != "SoftwareEngine" { Issue.record("\(file.path):\(one.line): libcrypto outside SoftwareEngine") }
    }
  }

  @Test("The list of sideways imports names targets that exist, on one floor")
  func sidewaysList() {
    for (name, others) in Rules.sideways {
      for other in others {
        #expect(manifest[name] != nil && manifest[name]?.floor == manifest[other]?.floor, "\(name) → \(other)")
      }
    }
  }

  @Test("docs/architecture.md states the allowed sideways imports")
  func statedList() throws {
    let text = try Repository.text(ModuleMap.path).split(whereSeparator: \.isWhitespace).joined(separator: " ")
    for (name, others) in Rules.sideways {
      let stated = others.sorted().map { "\(name) → \($0)" }
      let isStated = text.contains("`\(name) → \(others.sorted().joined(separator: ", "))`")
      #expect(isStated, "docs/architecture.md does not state \(stated)")
    }
  }

  @Test("docs/architecture.md names exactly the targets there are, with their floors and imports")
  func map() throws {
    let imports = files.mapValues { Set($0.flatMap(\.imports).map(\.module)) }
    let written = try ModuleMap.read()
    let actual = ModuleMap.actual(manifest, imports, charters: written)
    if ProcessInfo.processInfo.environment["HALLMARK_WRITE_MAP"] != nil { return try actual.write() }
    #expect(written.rows.map(\.target) == actual.rows.map(\.target))
    for row in actual.rows {
      #expect(!row.charter.isEmpty, "docs/architecture.md: \(row.target) has no charter")
      if let old = written.rows.first(where: { $0.target == row.target }), old != row {
        Issue.record("docs/architecture.md: \(row.target) imports \(row.imports), the table says \(old.imports). HALLMARK_WRITE_MAP=1 swift test --filter ArchitectureTests writes it anew")
      }
    }
  }

  @Test("A target's own file opens with what it is for")
  func charters() throws {
    for target in manifest.targets where target.floor != .products && !Rules.systemLibraries.contains(target.name) {
      let path = "Sources/\(target.floor.rawValue)/\(target.name)/\(target.name).swift"
      guard let file = files[target.name]?.first(where: { $0.path == path }) else {
        Issue.record("\(path) is missing")
        continue
      }
      #expect(file.lines.first?.hasPrefix("/// ") == true, "\(path) does not open with a documentation comment")
    }
  }
}
