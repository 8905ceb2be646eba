import ArgumentParser
import Clocks
import Encodings
import Foundation
import Trust

extension TrustExport.Target: ExpressibleByArgument {}

struct TrustExportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write the policy as configuration of cosign, notation, skopeo, policy-controller, kyverno or ratify.",
    discussion: """
      What the other tool cannot express is left out on the strict side and said. Where it would accept what this policy refuses, nothing is \
      written (exit code 1) unless --accept-weaker is given.
      """)

  @Option(name: .customLong("for"), help: "cosign, notation, skopeo, policy-controller, kyverno or ratify.")
  var target: TrustExport.Target

  @Option(help: "The policy; default hallmark-trust.yaml.")
  var policy: String = TrustOptions.defaultPolicy

  @Option(name: .customLong("public-key"), parsing: .upToNextOption, help: "PEM files with the bytes of keys that the policy pins by fingerprint alone.")
  var publicKeys: [String] = []

  @Option(name: .customLong("to"), help: "The folder to write into; default the target's name. Existing files of the same names are replaced.")
  var folder: String?

  @Flag(help: "Write even where the other tool would accept what this policy refuses.")
  var acceptWeaker = false

  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await Console.run("cannot export \(policy)") {
      let export = try PolicyFile.read(policy, publicKeys: publicKeys).export(for: target, at: TimeSource.system.now().seconds)
      let folder = folder ?? target.rawValue
      let isWritten = acceptWeaker || !export.isWeaker
      if isWritten { try write(export, to: folder) }
      show(export, folder, isWritten: isWritten)
      guard isWritten else {
        throw CommandFailure(
          "nothing was written for \(target.rawValue)", why: export.notes.filter { $0.kind == .weaker }.map(\.text).joined(separator: "; "),
          next: "change the policy, or accept it with --accept-weaker", code: Exit.no)
      }
    }
  }

  private func write(_ export: TrustExport, to folder: String) throws {
    for file in export.files {
      let path = "\(folder)/\(file.path)"
      let parent = URL(fileURLWithPath: path).deletingLastPathComponent().path
      do { try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true) } catch {
        throw CommandFailure.usage("cannot write \(path)", why: "the folder \(parent) cannot be made")
      }
      try LocalFile.write(Array(file.text.utf8), to: path, mode: file.isExecutable ? 0o755 : 0o644)
    }
  }

  private func show(_ export: TrustExport, _ folder: String, isWritten: Bool) {
    switch output.format {
    case .json:
      Console.print([
        "schema": "hallmark.trust-export/v1", "target": .string(export.target.rawValue), "folder": .string(folder), "written": .bool(isWritten),
        "files": .array(export.files.map { .string($0.path) }),
        "notes": .array(export.notes.map { ["kind": .string($0.kind.rawValue), "text": .string($0.text)] }),
      ])
    case .text:
      if isWritten { for file in export.files { Console.print("wrote \(folder)/\(file.path)") } }
      for note in export.notes {
        let head = note.kind == .weaker ? "WEAKER" : note.kind.rawValue
        Console.note("\(head): \(Console.plain(note.text))")
      }
    }
  }
}
