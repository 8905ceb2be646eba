import ArgumentParser

struct VerifyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Check signatures under a trust policy.",
    discussion: """
      Exit code 0: trusted, or let through by a rule that only warns or audits (which is said). 1: refused. 3: could not be determined. \
      4: the registry or service failed. Every signature that was looked at is listed with its reason.
      """,
    subcommands: [VerifyBlobCommand.self, VerifyImageCommand.self, VerifyAttestationCommand.self])
}
