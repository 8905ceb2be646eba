import ArgumentParser
import Clocks
import SigstoreFormats
import Trust

struct VerifyBlobCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "blob", abstract: "Check a file's signatures against a trust policy or a public key.",
    discussion: "Without --bundle or --signature, FILE.sigstore.json, FILE.SIGNER.sigstore.json, FILE.batch-proof.json and FILE.dev-key.json are looked for.")

  @Argument(help: "The file that was signed.")
  var file: String

  @Option(name: .customLong("bundle"), help: "A bundle, batch proof or endorsement; may be given several times.")
  var bundles: [String] = []

  @Option(help: "A plain signature instead of a bundle: binary or base64.")
  var signature: String?

  @OptionGroup var trust: TrustOptions
  @OptionGroup var connection: ConnectionOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await Console.run("cannot verify \(file)") {
      guard LocalFile.exists(file) else { throw CommandFailure.usage("cannot read \(file)", why: "there is no such file") }
      let evidence = try BlobEvidence.gather(file, bundles: bundles, signature: signature)
      let hint = evidence.compactMap(Verification.hint).first
      let policy = try await trust.load("cannot verify \(file)", connection: connection, hint: hint)
      let digests = try LocalFile.digests(file, Verification.hashes(policy, evidence))
      let decision = policy.decide(
        on: .blob(digests), evidence: evidence, at: TimeSource.system.now().seconds, verifier: Verification.verifier)
      if let code = DecisionOutput(subject: file, decision: decision, format: output.format).show() { throw code }
    }
  }
}
