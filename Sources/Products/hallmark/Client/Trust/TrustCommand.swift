import ArgumentParser
import Clocks
import Encodings
import Outbound
import Trust

struct TrustCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trust", abstract: "Explain a trust policy, and write it in the words of other verifiers. Opens no socket.",
    subcommands: [TrustCheckCommand.self, TrustExportCommand.self])
}

/// Reads a policy file for these commands.
enum PolicyFile {
  static func read(_ path: String, publicKeys: [String] = []) throws -> TrustPolicy {
    let bytes = try LocalFile.bytes(path, maxBytes: 4 << 20)
    let policy: TrustPolicy
    do { policy = try Verification.trustFile(bytes) } catch let error as TrustError {
      throw CommandFailure("\(path) is no usable policy", why: error.description, code: Exit.no)
    }
    return policy.supplying(try keys(publicKeys))
  }

  /// The bytes of keys that a policy pins by fingerprint alone.
  static func keys(_ paths: [String]) throws -> [PublicKey] {
    try paths.map { (path) throws in
      let text = try LocalFile.bytes(path, maxBytes: 64 << 10)
      do throws(TrustError) { return try PublicKey(pem: text) } catch {
        throw CommandFailure.usage("cannot use \(path)", why: error.description)
      }
    }
  }
}

struct TrustCheckCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Read a trust policy and say what it means.",
    discussion: "Exit code 0: usable. 1: refused, with the place and the reason.")

  @Argument(help: "The policy; default hallmark-trust.yaml.")
  var file: String = TrustOptions.defaultPolicy

  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await Console.run("cannot check \(file)") {
      let explanation = try PolicyFile.read(file).explanation(at: TimeSource.system.now().seconds)
      guard output.format == .text else { return Console.print(explanation.json) }
      for line in explanation.signers { Console.print(Console.plain(line)) }
      for rule in explanation.rules {
        Console.print("rule \"\(Console.plain(rule.name))\"")
        for line in rule.lines { Console.print("  \(Console.plain(line))") }
      }
      for line in explanation.remarks { Console.print("note: \(Console.plain(line))") }
    }
  }
}
