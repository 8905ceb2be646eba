import ArgumentParser
import Clocks
import Encodings
import SigstoreFormats
import Trust

struct VerifyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Check signatures.", subcommands: [VerifyBlobCommand.self])
}

struct VerifyBlobCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "blob", abstract: "Check a file's bundle or plain signature against a public key or a trust file.",
    discussion: "Exit code 0: trusted. 1: refused. 3: could not be determined. Reasons are printed for every signature.")

  @Argument(help: "The file that was signed.")
  var file: String

  @Option(help: "The bundle; default FILE.sigstore.json.")
  var bundle: String?

  @Option(help: "A plain signature instead of a bundle: binary or base64.")
  var signature: String?

  @Option(help: "Whom to trust: a PEM public key, a trust file, a key URL or a key name.")
  var key: String

  @OptionGroup var connection: ConnectionOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await Console.run("cannot verify \(file)") {
      guard bundle == nil || signature == nil else {
        throw CommandFailure.usage("cannot verify \(file)", why: "--bundle and --signature exclude each other")
      }
      guard LocalFile.exists(file) else { throw CommandFailure.usage("cannot read \(file)", why: "there is no such file") }
      let evidence = try signature.map(Verification.detached) ?? Verification.bundle(bundle ?? "\(file).sigstore.json")
      let policy = try await Verification.policy(key, connection: connection, hint: Verification.hint(evidence))
      let digests = try LocalFile.digests(file, Verification.hashes(policy, [evidence]))
      let decision = policy.decide(
        on: digests, signatures: [evidence], at: TimeSource.system.now().seconds, verifier: Verification.verifier)
      show(decision)
      switch decision.verdict {
      case .trusted: return
      case .refused: throw Exit.no
      case .undetermined: throw Exit.undecided
      }
    }
  }

  private func show(_ decision: Decision) {
    switch output.format {
    case .json: Console.print(decision.json)
    case .text:
      Console.print("\(decision.verdict.rawValue)  \(Console.plain(file))")
      for finding in decision.findings {
        var line = "  \(Console.plain(finding.source))"
        if let scheme = finding.scheme, let key = finding.key { line += "  \(scheme.rawValue)  spki sha256:\(key.fingerprintHex)" }
        Console.print(line)
        for reason in finding.reasons { Console.print("    \(reason.code.rawValue): \(Console.plain(reason.text))") }
      }
      for reason in decision.reasons { Console.print("  \(reason.code.rawValue): \(reason.text)") }
    }
    if decision.verdict != .trusted {
      let reasons = decision.findings.flatMap(\.reasons) + decision.reasons
      Console.note("hallmark: \(decision.verdict == .refused ? "not trusted" : "could not be determined"): \(file): \(reasons.map { Console.plain($0.text) }.joined(separator: "; "))")
    }
  }
}
