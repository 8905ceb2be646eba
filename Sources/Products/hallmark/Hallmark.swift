import ArgumentParser
import Foundation

/// The command line: wires everything, has no rules of its own.
struct Hallmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hallmark", abstract: "An open signing authority: keys in an HSM boundary you control, signatures everyone's verifiers accept.",
    version: Version.text,
    subcommands: [InitCommand.self, ServeCommand.self, ConfigCommand.self, DevCommand.self] + ClientCommands.all)
}

/// Runs the command line. Wrong usage ends with 2, as every other tool of the house does, not with the parser's own 64.
@main
enum Main {
  static func main() async {
    do {
      var command = try Hallmark.parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch {
      guard Hallmark.exitCode(for: error) == .validationFailure else { Hallmark.exit(withError: error) }
      FileHandle.standardError.write(Data((Hallmark.fullMessage(for: error) + "\n").utf8))
      exit(2)
    }
  }
}
