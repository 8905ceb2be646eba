import ArgumentParser
import Clocks
import Encodings
import Foundation
import Outbound
import Signing

/// The standby key of the `sign` commands: both keys, or one in place of the other.
struct StandbyOptions: ParsableArguments {
  @Flag(help: "Sign with the primary and the standby key: both, or nothing is placed.")
  var dual = false

  @Flag(help: "Let the standby sign when the primary is proven unreachable and the policy allows it; the reason is recorded.")
  var fallback = false

  @Option(name: .customLong("standby"), help: "The standby key, https://HOST/keys/NAME[/VERSION]; default: the one of --standby-config.")
  var standbyKey: String?

  @Option(
    name: .customLong("standby-config"),
    help: "The configuration that `hallmark standby policy` wrote (HALLMARK_STANDBY_CONFIG): names both keys, the active one and the rules of fallback.")
  var configuration: String?

  @Option(name: .customLong("standby-ca"), help: "PEM file with CA certificates for the standby (HALLMARK_STANDBY_CA).")
  var ca: String?

  @Option(name: .customLong("standby-token-file"), help: "File with an access token for the standby (else HALLMARK_STANDBY_TOKEN).")
  var tokenFile: String?

  private var configurationPath: String? { configuration ?? ProcessInfo.processInfo.environment[StandbyFile.variable] }

  var isUsed: Bool { dual || fallback || configurationPath != nil }

  /// The chooser that these options amount to, or nil when none was given.
  ///
  /// - Parameters:
  ///   - key: `--key` as it was read, nil when absent: then the configuration's primary.
  ///   - rules: of the signing policy, when there is one; the configuration's apply as well.
  func chooser(
    key: KeyReference?, settings: ConnectionSettings, seats: SignerSeats, rules: StandbyRules? = nil, ledger: String? = nil
  ) async throws -> StandbySigning? {
    guard isUsed else { return nil }
    guard !(dual && fallback) else { throw CommandFailure.usage("cannot sign", why: "--dual and --fallback exclude each other") }
    let file = try configurationPath.map { try StandbyFile($0).configuration }
    guard let primary = key ?? file?.pair.primary else {
      throw CommandFailure.usage("cannot sign", why: "no key is named", next: "use --key, or --standby-config")
    }
    guard let standby = try standbyKey.map({ text throws(SigningError) in try KeyReference(parsing: text) }) ?? file?.pair.standby else {
      throw CommandFailure.usage("cannot sign", why: "no standby key is named", next: "use --standby or --standby-config")
    }
    if let file, file.active == .standby, let key, key.name != file.pair.primary.name || key.store != nil && key.store != file.pair.primary.store {
      throw CommandFailure.usage("cannot sign", why: "--key \(key.text) is not the primary of the standby configuration, \(file.pair.primary.text)")
    }
    _ = try StandbyPair(primary: primary, standby: standby)
    let primaryStore = try await seats.connection(store: primary.store).client.address.url
    let standbySettings = StandbySettings.make(settings, store: standby.store, ca: ca, tokenFile: tokenFile)
    let probe = try ReachProbe(primaryStore, settings: settings)
    let mode: StandbySigning.Mode = dual ? .dual : fallback ? .fallback : .single
    return StandbySigning(
      mode: mode, active: file?.active ?? .primary, promotion: file?.runbook, rules: Self.rules(rules, file?.rules), primaryStore: primaryStore,
      surroundings: .init(
        clock: .system, probe: { await probe.ask() },
        reading: { ReachReading.attempts($0, $1, now: TimeSource.system.now()) },
        pause: { try await Task.sleep(for: .milliseconds($0)) },
        record: { reason in
          Console.note("note: \(Console.plain(reason.description))")
          try StandbyEvents.append("standby-signs", reason.json, to: ledger)
        }),
      seat: { role in
        switch role {
        case .primary: try await seats.seat(role.rawValue, primary)
        case .standby: try await seats.seat(role.rawValue, standby, settings: standbySettings)
        }
      })
  }

  /// Whatever exists of the two applies; without either, fallback is not allowed.
  private static func rules(_ policy: StandbyRules?, _ configuration: StandbyRules?) -> StandbyRules {
    switch (policy, configuration) {
    case (let a?, let b?): a.and(b)
    case (let a?, nil), (nil, let a?): a
    case (nil, nil): StandbyRules()
    }
  }
}
