import ArgumentParser

struct SignCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sign", abstract: "Sign artifacts with a key that stays in the HSM.",
    subcommands: [SignBlobCommand.self, SignImageCommand.self, SignAttestationCommand.self, SignBatchCommand.self],
    defaultSubcommand: SignBatchCommand.self)
}
