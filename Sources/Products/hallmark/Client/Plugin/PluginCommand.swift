import ArgumentParser
import Encodings
import Foundation
import Outbound

struct PluginCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plugin", abstract: "Plugins for cosign and notation: put them where those tools look, and see what is there.",
    subcommands: [Install.self, List.self])

  /// Whose plugins.
  enum Choice: String, ExpressibleByArgument, CaseIterable {
    case all
    case cosign
    case notation

    var tools: [Plugin.Tool] {
      switch self {
      case .all: Plugin.Tool.allCases
      case .cosign: [.cosign]
      case .notation: [.notation]
      }
    }
  }

  struct Common: ParsableArguments {
    @Option(name: .customLong("for"), help: "all, cosign or notation.")
    var choice: Choice = .all

    @Option(help: "Folder for cosign's plugins; it must be on PATH when cosign runs. Default ~/.local/bin. notation's have a fixed place.")
    var folder: String?

    @OptionGroup var output: OutputOptions

    /// The plugins asked for, with what is where now.
    func shelf() throws -> PluginShelf {
      try PluginShelf(environment: ProcessInfo.processInfo.environment, tools: choice.tools, folder: folder)
    }
  }

  struct Install: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Put the plugins where cosign and notation look.",
      discussion: """
        The programs are those that lie beside this one; they are copied. A file that `hallmark plugin install` did not put there is not
        overwritten without --force. For keys that notation is to sign with, see `hallmark certs`.
        """)

    @Flag(help: "Overwrite files that somebody else put there.")
    var force = false
    @OptionGroup var common: Common

    func run() async throws {
      try await Console.run("cannot install the plugins") {
        let shelf = try common.shelf()
        // Nothing is changed before it is known that everything can be.
        try shelf.check(force: force)
        var receipt = shelf.receipt
        for place in shelf.places where place.state != .current { try shelf.install(place, &receipt) }
        try shelf.keep(receipt)
        PluginCommand.show(try common.shelf(), common.output)
      }
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "What is installed, where, and whether the tools find it.")
    @OptionGroup var common: Common

    func run() async throws {
      try await Console.run("cannot list the plugins") { PluginCommand.show(try common.shelf(), common.output) }
    }
  }

  private static func show(_ shelf: PluginShelf, _ output: OutputOptions) {
    guard output.format == .text else { return Console.print(shelf.json) }
    Console.print(Console.table([["TOOL", "PLUGIN", "STATE", "PATH"]] + shelf.places.map { place in
      [place.plugin.tool.rawValue, place.plugin.name, place.state.rawValue, place.path]
    }))
    for warning in shelf.warnings { Console.note("hallmark: \(warning)") }
  }
}
