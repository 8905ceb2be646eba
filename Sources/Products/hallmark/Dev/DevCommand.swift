import ArgumentParser

/// `hallmark dev`: a Managed HSM to develop and test against.
struct DevCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dev", abstract: "A throw-away Managed HSM on loopback, to develop and test against.",
    subcommands: [DevUp.self, DevDown.self, DevIssuer.self])
}
