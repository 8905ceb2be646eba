import ArgumentParser
import Clocks
import SigstoreFormats
import Trust

struct VerifyBlobCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "blob", abstract: "Check files' signatures against a trust policy or a public key.",
    discussion: """
      Without --bundle or --signature, FILE.sigstore.json, FILE.SIGNER.sigstore.json, FILE.batch-proof.json and FILE.dev-key.json are looked for. \
      Of several files every one is judged; the exit code is that of the worst: 1 before 3 before 0. JSON is then one line a file.
      """)

  @Argument(help: "The files that were signed.")
  var files: [String]

  @Option(name: .customLong("bundle"), help: "A bundle, batch proof or endorsement; may be given several times.")
  var bundles: [String] = []

  @Option(help: "A plain signature instead of a bundle: binary or base64.")
  var signature: String?

  @OptionGroup var trust: TrustOptions
  @OptionGroup var connection: ConnectionOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    guard files.count > 1 else { return try await Console.run("cannot verify \(files[0])") { try await verify() } }
    try await Console.run("cannot verify \(files.count) files") {
      guard bundles.isEmpty, signature == nil else {
        throw CommandFailure.usage("cannot verify \(files.count) files", why: "--bundle and --signature go with one file")
      }
      try await verify()
    }
  }

  private func verify() async throws {
    var policy: TrustPolicy?
    var codes: [ExitCode] = []
    for file in files {
      let what = "cannot verify \(file)"
      guard LocalFile.exists(file) else { throw CommandFailure.usage(what, why: "there is no such file") }
      let evidence = try BlobEvidence.gather(file, bundles: bundles, signature: signature)
      let loaded: TrustPolicy
      if let policy { loaded = policy } else {
        // Of one file, its own hint is enough to find the key; of several, each may name another version.
        let hint = files.count == 1 ? evidence.compactMap(Verification.hint).first : nil
        loaded = try await trust.load(what, connection: connection, hint: hint)
        policy = loaded
      }
      let digests = try LocalFile.digests(file, Verification.hashes(loaded, evidence))
      let decision = loaded.decide(
        on: .blob(digests), evidence: evidence, at: TimeSource.system.now().seconds, verifier: Verification.verifier)
      let shown = DecisionOutput(subject: file, decision: decision, format: output.format, isLine: files.count > 1)
      if let code = shown.show() { codes.append(code) }
    }
    if codes.contains(Exit.no) { throw Exit.no }
    if let code = codes.first { throw code }
  }
}
