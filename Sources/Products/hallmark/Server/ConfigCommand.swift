import ArgumentParser
import Foundation

/// `hallmark config check`: what the server would use, and what there is to set.
struct ConfigCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "config", abstract: "Check and explain the configuration.", subcommands: [Check.self])

  struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Read the configuration as `hallmark serve` would, and explain every key.")

    @Option(help: "Folder of the HSM.") var dir: String
    @Option(help: "Configuration file; default hallmark.yaml in the folder.") var config: String?

    func run() async throws {
      let folder = HSMFolder(root: URL(fileURLWithPath: dir))
      let (description, _) = try HSMDescription.read(folder.description)
      let file = config.map { URL(fileURLWithPath: $0) } ?? folder.configuration
      let configuration = try await ServerConfiguration.load(file: file, required: config != nil, flags: [:], description: description)
      print("The configuration is good. HSM \(description.name) would serve https://\(configuration.publicHost):\(configuration.publicPort) on \(configuration.addresses.joined(separator: ", ")) port \(configuration.port).")
      print("Keys, in \(file.path) or as environment variables (listen.port is HALLMARK_LISTEN_PORT):")
      for setting in ServerConfiguration.Setting.all { print("  \(setting.key.padding(toLength: 30, withPad: " ", startingAt: 0)) \(setting.meaning)") }
    }
  }
}
