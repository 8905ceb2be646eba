import ArgumentParser
import Encodings
import Foundation
import Outbound
import SigstoreFormats
import Signing
import Trust

/// How results are printed.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
  case text
  case json
}

struct OutputOptions: ParsableArguments {
  @Option(name: .customLong("output"), help: "text or json.")
  var format: OutputFormat = .text
}

/// The exit codes of every command: 0 yes, 1 no, 2 usage, 3 could not decide, 4 remote failure.
enum Exit {
  static let no = ExitCode(1)
  static let usage = ExitCode(2)
  static let undecided = ExitCode(3)
  static let remote = ExitCode(4)
}

/// An error with everything a person needs: what failed, on what, why, and what to do next.
struct CommandFailure: Error {
  var what: String
  var why: String
  var next: String?
  var code: ExitCode

  init(_ what: String, why: String, next: String? = nil, code: ExitCode) {
    self.what = what
    self.why = why
    self.next = next
    self.code = code
  }

  static func usage(_ what: String, why: String, next: String? = nil) -> CommandFailure {
    CommandFailure(what, why: why, next: next, code: Exit.usage)
  }
}

enum Console {
  static func print(_ text: String) {
    FileHandle.standardOutput.write(Data((text + "\n").utf8))
  }

  static func print(_ value: JSONValue) { print(value.text(pretty: true)) }

  static func note(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
  }

  /// Runs a command's body; any error becomes one explained message on standard error and an exit code.
  static func run(_ what: String, _ body: () async throws -> Void) async throws {
    do { try await body() } catch let code as ExitCode {
      throw code
    } catch {
      let failure = explain(error, what)
      note("hallmark: \(failure.what): \(failure.why)")
      if let next = failure.next { note("  next: \(next)") }
      throw failure.code
    }
  }

  static func explain(_ error: any Error, _ what: String) -> CommandFailure {
    switch error {
    case let failure as CommandFailure: return failure
    case let error as OutboundError: return explain(error, what)
    case let error as CredentialError: return explain(.credential(error), what)
    case let error as SigningError:
      switch error {
      case .badKeyReference, .algorithmDoesNotFit, .digestMissing, .formatDoesNotFit, .claimDoesNotFit, .placeTakenTwice: return .usage(what, why: error.description)
      case .certificateDoesNotFit: return CommandFailure(what, why: error.description, next: "hallmark certs list", code: Exit.usage)
      case .keyNotUsable: return CommandFailure(what, why: error.description, next: "hallmark keys show", code: Exit.no)
      case .signatureDoesNotVerify, .wrongKeyVersion: return CommandFailure(what, why: error.description, code: Exit.remote)
      }
    case let error as RegistryError: return explain(error, what)
    case let error as TrustError: return .usage(what, why: error.description)
    case let error as BundleError: return .usage(what, why: "not a usable Sigstore bundle: \(error.description)")
    default: return CommandFailure(what, why: String(describing: error), code: Exit.remote)
    }
  }

  private static func explain(_ error: RegistryError, _ what: String) -> CommandFailure {
    switch error {
    case .unreachable:
      return CommandFailure(what, why: error.description, next: "check the registry's name; plain HTTP is only spoken with --plain-http or --plain-http-host", code: Exit.remote)
    case .unauthorized, .credential:
      return CommandFailure(what, why: error.description, next: "log in to the registry (docker login), or name a configuration with --registry-config", code: Exit.remote)
    case .notFound: return CommandFailure(what, why: error.description, code: Exit.no)
    case .wrongContent, .badDocument, .tooLarge, .foreignTag: return CommandFailure(what, why: error.description, code: Exit.no)
    case .insecure, .localFile: return .usage(what, why: error.description)
    case .refused, .badAnswer, .updateLost, .cancelled: return CommandFailure(what, why: error.description, code: Exit.remote)
    }
  }

  private static func explain(_ error: OutboundError, _ what: String) -> CommandFailure {
    switch error {
    case .unreachable:
      return CommandFailure(what, why: error.description, next: "check --url (HALLMARK_URL), --ca (HALLMARK_CA) and that the service runs", code: Exit.remote)
    case .refused(let refusal):
      switch refusal.status {
      case 401: return CommandFailure(what, why: refusal.description, next: "the token was not accepted; get a new one", code: Exit.remote)
      case 403:
        return CommandFailure(
          what, why: refusal.description, next: "an administrator can grant the right: hallmark access grant; hallmark access why explains", code: Exit.no)
      case 400..<500 where refusal.status != 429: return CommandFailure(what, why: refusal.description, code: Exit.no)
      default: return CommandFailure(what, why: refusal.description, next: "try again later", code: Exit.remote)
      }
    case .challenge, .badAnswer: return CommandFailure(what, why: error.description, code: Exit.remote)
    case .badAddress: return .usage(what, why: error.description)
    case .credential(let cause):
      switch cause {
      case .notConfigured:
        return .usage(
          what, why: cause.description,
          next: "set HALLMARK_TOKEN, or use --token-file, --profile, --certificate, or run in a workload with a federated identity")
      case .unusable: return .usage(what, why: cause.description)
      case .refused: return CommandFailure(what, why: cause.description, code: Exit.no)
      case .unreachable, .badAnswer: return CommandFailure(what, why: cause.description, next: "check --authority (HALLMARK_AUTHORITY)", code: Exit.remote)
      }
    }
  }

  /// Left-aligned columns; the last one is not padded. Control characters of foreign texts are shown as `?`.
  static func table(_ rows: [[String]]) -> String {
    let rows = rows.map { $0.map(plain) }
    let count = rows.map(\.count).max() ?? 0
    let widths = (0..<count).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
    return rows.map { row in
      row.enumerated().map { column, cell in
        column == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[column] - cell.count)
      }.joined(separator: "  ").trimmingSuffix(" ")
    }.joined(separator: "\n")
  }

  /// Foreign text made safe for a terminal.
  static func plain(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) ? "?" : $0 }))
  }

  static func time(_ seconds: Int64?) -> String { seconds.map { ISO8601.format(seconds: $0) } ?? "-" }
}

extension String {
  fileprivate func trimmingSuffix(_ character: Character) -> String {
    var text = Substring(self)
    while text.last == character { text = text.dropLast() }
    return String(text)
  }
}
