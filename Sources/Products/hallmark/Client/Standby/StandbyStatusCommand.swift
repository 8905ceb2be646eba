import ArgumentParser
import Encodings
import Foundation
import Outbound
import Signing
import Trust

struct StandbyStatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Say which key is active, whether both HSMs answer, and what the rules are.",
    discussion: "Asks each HSM once, without a token. Exit code 0: the active one answers. 4: it does not.")

  @Option(name: .customLong("config"), help: "The standby configuration (HALLMARK_STANDBY_CONFIG); default hallmark-standby.json.")
  var path: String?

  @Option(name: .customLong("standby-ca"), help: "PEM file with CA certificates for the standby (HALLMARK_STANDBY_CA).")
  var standbyCA: String?

  @OptionGroup var connection: ConnectionOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await StandbyFailure.run("cannot say how the standby stands") {
      let file = try StandbyFile(path)
      let configuration = file.configuration
      var found: [(role: StandbyRole, attempt: ReachAttempt)] = []
      for role in StandbyRole.allCases {
        let store = configuration.pair[role].store ?? ""
        let settings = role == .primary ? connection.settings : StandbySettings.make(connection.settings, store: store, ca: standbyCA, tokenFile: nil)
        found.append((role, await (try ReachProbe(store, settings: settings)).ask()))
      }
      show(file, found)
      guard let active = found.first(where: { $0.role == configuration.active }), !active.attempt.isOutage else { throw Exit.remote }
    }
  }

  private func show(_ file: StandbyFile, _ found: [(role: StandbyRole, attempt: ReachAttempt)]) {
    let configuration = file.configuration
    switch output.format {
    case .json:
      var hsms = JSONObject()
      for (role, attempt) in found {
        hsms[role.rawValue] = [
          "key": .string(configuration.pair[role].text), "answers": .bool(!attempt.isOutage), "attempt": attempt.json,
          "spkiSha256": configuration.publicKeys[role].map { .string($0.fingerprintHex) } ?? .null,
        ]
      }
      Console.print([
        "schema": "hallmark.standby-status/v1", "name": .string(configuration.name), "epoch": .integer(configuration.epoch),
        "active": .string(configuration.active.rawValue), "runbook": configuration.runbook.map { .string($0) } ?? .null,
        "rules": configuration.rules.json, "threshold": .integer(configuration.threshold),
        "approvers": .array(configuration.approvers.map { .string($0.person) }), "hsms": .object(hsms), "configurationSha256": .string(file.digest),
      ])
    case .text:
      var rows = [["pair", "\(configuration.name), epoch \(configuration.epoch)"]]
      for (role, attempt) in found {
        rows.append([role.rawValue + (role == configuration.active ? " *" : ""), "\(configuration.pair[role].text): \(attempt.outcome.description)\(attempt.isOutage ? "" : " (there)")"])
      }
      let rules = configuration.rules
      rows.append(["fallback", rules.fallback == .never ? "never" : "after \(rules.attempts) failed attempts over \(rules.seconds) s"])
      rows.append(["promotion", "\(configuration.threshold) approvals besides the proposer, of \(configuration.approvers.map(\.person).joined(separator: ", "))"])
      if let runbook = configuration.runbook { rows.append(["runbook", runbook]) }
      Console.print(Console.table(rows))
    }
  }
}
