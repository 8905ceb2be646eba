import ArgumentParser

struct StandbyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "standby", abstract: "Two HSMs, two keys: verifiers that accept either, and who signs when one is lost.",
    discussion: """
      `policy` writes what verifiers and signers need. `sign --dual` signs with both keys; `sign --fallback` lets the standby sign while the \
      primary is proven unreachable. A lasting change is a runbook: `promote` or `demote` proposes it, `approve` is for other persons, `execute` \
      does it.
      """,
    subcommands: [
      StandbyPolicyCommand.self, StandbyCheckCommand.self, StandbyStatusCommand.self, StandbyPromoteCommand.self, StandbyDemoteCommand.self,
      StandbyShowCommand.self, StandbyApproveCommand.self, StandbyExecuteCommand.self,
    ])
}
