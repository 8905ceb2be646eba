import ArgumentParser
import Clocks
import Outbound
import SigstoreFormats
import Trust

struct VerifyAttestationCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "attestation", abstract: "Check that there is an attestation of one type about an image or a file.",
    discussion: "The statement of the first good attestation is written to --statement, verbatim, for whoever judges what it says.")

  @Argument(help: "A file, or an image reference.")
  var subject: String

  @Option(help: "The predicate type: a URI, or spdxjson, cyclonedx, slsaprovenance1, vuln, openvex, link.")
  var type: String

  @Option(name: .customLong("bundle"), help: "Files: a bundle with the attestation; may be given several times. Default as for `verify blob`.")
  var bundles: [String] = []

  @Option(help: "Where the statement goes when the answer is yes.")
  var statement: String?

  @OptionGroup var trust: TrustOptions
  @OptionGroup var source: ImageSourceOptions
  @OptionGroup var connection: ConnectionOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await Console.run("cannot verify \(subject)") {
      let predicateType = PredicateType.named(type)?.rawValue ?? type
      guard PredicateType.isURI(predicateType) else {
        throw CommandFailure.usage("cannot verify \(subject)", why: "--type \(type) is neither a URI nor one of the short names")
      }
      let policy = try await trust.load("cannot verify \(subject)", connection: connection, hint: nil)
      let demand = VerificationDemand.attestation(predicateType: predicateType)
      let now = TimeSource.system.now().seconds
      let decision: Decision
      let shown: DecisionOutput
      if source.layout == nil, LocalFile.exists(subject) {
        let evidence = try BlobEvidence.gather(subject, bundles: bundles, signature: nil)
        let digests = try LocalFile.digests(subject, Set(HashAlgorithm.allCases))
        decision = policy.decide(on: .blob(digests), evidence: evidence, demand: demand, at: now, verifier: Verification.verifier)
        shown = DecisionOutput(subject: subject, decision: decision, format: output.format)
      } else {
        let found = try await source.gather(subject, offline: trust.offline)
        decision = policy.decide(on: found.artifact, evidence: found.signatures, demand: demand, at: now, verifier: Verification.verifier)
        shown = ImageDecision(found, decision, output.format).output
      }
      if let code = shown.show() { throw code }
      if let statement {
        guard let bytes = decision.findings.first(where: { $0.verdict == .trusted && $0.predicateType == predicateType })?.statement else {
          throw CommandFailure("no statement to write to \(statement)", why: "the rule lets this through without a good attestation", code: Exit.undecided)
        }
        try LocalFile.write(bytes, to: statement)
      }
    }
  }
}
