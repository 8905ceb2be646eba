import Clocks
import Encodings
import Foundation
import Outbound
import Signing

/// Where the standby is and who we are there: `HALLMARK_STANDBY_X` stands for `HALLMARK_X`.
enum StandbySettings {
  static let prefix = "HALLMARK_STANDBY_"
  /// What belongs to the primary alone: a token for it is never sent to the standby.
  private static let primaryOnly = ["HALLMARK_URL", "HALLMARK_TOKEN", "HALLMARK_PROFILE"]

  /// - Parameter store: `https://host[:port]` of the standby's key.
  static func make(_ base: ConnectionSettings, store: String?, ca: String?, tokenFile: String?) -> ConnectionSettings {
    var environment = base.environment
    for name in primaryOnly { environment[name] = nil }
    for (name, value) in base.environment where name.hasPrefix(prefix) {
      environment["HALLMARK_\(name.dropFirst(prefix.count))"] = value
    }
    environment["HALLMARK_URL"] = store ?? environment["HALLMARK_URL"]
    var settings = ConnectionSettings(environment: environment)
    settings.ca = ca ?? (base.environment["\(prefix)CA"] == nil ? base.ca : nil)
    settings.tokenFile = tokenFile
    settings.credential = tokenFile == nil ? base.credential : .auto
    if base.environment["\(prefix)AUTHORITY"] == nil { settings.authority = base.authority }
    if base.environment["\(prefix)TENANT"] == nil { settings.tenant = base.tenant }
    if base.environment["\(prefix)CLIENT_ID"] == nil { settings.clientID = base.clientID }
    settings.certificate = base.certificate
    return settings
  }

  static var environment: ConnectionSettings { ConnectionSettings(environment: ProcessInfo.processInfo.environment) }
}

/// The standby configuration as a file.
struct StandbyFile {
  static let variable = "HALLMARK_STANDBY_CONFIG"
  static let defaultPath = "hallmark-standby.json"

  let path: String
  let bytes: [UInt8]
  let configuration: StandbyConfiguration

  var digest: String { StandbyConfiguration.digest(bytes) }

  /// - Parameter path: nil for `HALLMARK_STANDBY_CONFIG`, then `hallmark-standby.json` here.
  init(_ path: String?) throws {
    self.path = path ?? ProcessInfo.processInfo.environment[Self.variable] ?? Self.defaultPath
    bytes = try LocalFile.bytes(self.path, maxBytes: StandbyConfiguration.maxBytes)
    do {
      configuration = try StandbyConfiguration.parse(try JSONValue.parse(bytes, limits: JSONLimits(maxBytes: StandbyConfiguration.maxBytes)))
    } catch let error as JSONError {
      throw CommandFailure.usage("cannot read \(self.path)", why: error.description, next: "hallmark standby policy writes one")
    } catch let error as StandbyError {
      throw CommandFailure.usage("cannot read \(self.path)", why: error.description, next: "hallmark standby policy writes one")
    }
  }
}

/// What happened with the pair of keys on this machine: a line for every switch, before it takes effect.
enum StandbyEvents {
  static func append(_ event: String, _ details: JSONValue, to ledger: String?) throws {
    let record: JSONValue = [
      "schema": "hallmark.standby-event/v1", "time": .string(ISO8601.format(nanoseconds: TimeSource.system.now().nanoseconds)), "event": .string(event),
      "details": details,
    ]
    let standard = StandbySettings.environment.stateFolder + "/standby.jsonl"
    for path in [standard, ledger].compactMap(\.self) { try SigningLedger(file: path).write(record) }
  }
}

/// Errors of the standby commands with their exit codes.
enum StandbyFailure {
  static func run(_ what: String, _ body: () async throws -> Void) async throws {
    try await SigningFailure.run(what) {
      do { try await body() } catch let refusal as RunbookRefusal {
        throw CommandFailure(what, why: refusal.description, code: Exit.no)
      } catch let error as StandbyError {
        switch error {
        case .malformed, .samePlace: throw CommandFailure.usage(what, why: error.description)
        case .refused, .runbook: throw CommandFailure(what, why: error.description, code: Exit.no)
        case .dualNeedsBoth: throw CommandFailure(what, why: error.description, code: Exit.remote)
        }
      } catch let error as RegistryError {
        throw CommandFailure(what, why: error.description, code: Exit.remote)
      }
    }
  }
}
