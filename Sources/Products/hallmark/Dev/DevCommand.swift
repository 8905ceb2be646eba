import ArgumentParser

/// `hallmark dev`: a Managed HSM to develop and test against.
struct DevCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dev", abstract: "A throw-away Managed HSM on loopback, to develop and test against.",
    subcommands: [DevUp.self, DevDown.self, DevIssuer.self, DevFreePort.self])
}

/// For scripts that must know a port before they start a server.
struct DevFreePort: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "free-port", abstract: "Print a TCP port of loopback that nobody listens on.")

  func run() throws { print(try FreePort.find()) }
}
