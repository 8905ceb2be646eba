import ArgumentParser
import Clocks
import Encodings
import OCI
import Outbound
import Trust

/// Where an image is read from.
struct ImageSourceOptions: ParsableArguments {
  @OptionGroup var registry: RegistryOptions

  @Option(name: .customLong("oci-layout"), help: "Read the image and its signatures from this OCI image layout; no registry is asked.")
  var layout: String?

  /// Gathers what there is, with the registry client or without any.
  func gather(_ text: String, offline: Bool) async throws -> ImageEvidence {
    let reference: ImageReference
    do throws(OCIError) { reference = try ImageReference(text) } catch {
      throw CommandFailure.usage("cannot verify \(text)", why: error.description)
    }
    if let layout { return try await ImageEvidence.gather(reference, from: try ImageLayout(folder: layout)) }
    guard !offline else {
      throw CommandFailure.usage(
        "cannot verify \(text)", why: "--offline opens no socket, and the image is in a registry",
        next: "copy it with its signatures (oras copy -r --to-oci-layout) and name the copy with --oci-layout")
    }
    return try await registry.connect { try await ImageEvidence.gather(reference, from: $0) }
  }
}

struct VerifyImageCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "image", abstract: "Check the signatures of an image: Sigstore bundles, cosign's older tags, Notary JWS and COSE.",
    discussion: "A tag is resolved once; the answer is about the digest that is printed, and only about that.")

  @Argument(help: "The image: REGISTRY/REPOSITORY[:TAG][@DIGEST].")
  var image: String

  @OptionGroup var trust: TrustOptions
  @OptionGroup var source: ImageSourceOptions
  @OptionGroup var connection: ConnectionOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await Console.run("cannot verify \(image)") {
      // Before anything is fetched: a policy that cannot be read must not cost a request.
      let policy = try await trust.load("cannot verify \(image)", connection: connection, hint: nil)
      let found = try await source.gather(image, offline: trust.offline)
      let decision = policy.decide(
        on: found.artifact, evidence: found.signatures, at: TimeSource.system.now().seconds, verifier: Verification.verifier)
      if let code = ImageDecision(found, decision, output.format).output.show() { throw code }
    }
  }
}

/// A decision about an image, with what else was found there.
struct ImageDecision {
  let output: DecisionOutput

  init(_ found: ImageEvidence, _ decision: Decision, _ format: OutputFormat) {
    let digest = found.image.descriptor.digest.text
    output = DecisionOutput(
      subject: "\(found.image.home.name)@\(digest)", decision: decision, format: format,
      details: [
        ("digest", .string(digest)), ("mediaType", .string(found.image.descriptor.mediaType)),
        ("otherReferrers", .array(found.otherReferrers.map { .string($0) })),
      ],
      lines: found.otherReferrers.map { "no signature: \($0)" })
  }
}
