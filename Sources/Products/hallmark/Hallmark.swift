import ArgumentParser

/// The command line: wires everything, has no rules of its own.
@main
struct Hallmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hallmark", abstract: "An open signing authority: keys in an HSM boundary you control, signatures everyone's verifiers accept.",
    version: Version.text,
    subcommands: [InitCommand.self, ServeCommand.self, ConfigCommand.self, DevCommand.self] + ClientCommands.all)
}
