import ArgumentParser
import Signing

struct SignAttestationCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "attestation", abstract: "Sign a statement about an image or a file: an SBOM, provenance, any predicate.",
    discussion: """
      The statement is in-toto v1 with name and SHA-256 of the artifact; the predicate stands in it byte for byte. About an image it is pushed \
      as a bundle that refers to it, and with --legacy under cosign's older tag sha256-….att as well. About a file it is written to FILE.sbom.sigstore.json, \
      FILE.provenance.sigstore.json or FILE.att.sigstore.json. Nothing is sent to a transparency log, so no limit of one applies to its size.
      """,
    aliases: ["attest"])

  @Argument(help: "The image or file. What exists as a file is a file.")
  var artifact: String

  @Option(help: "An SBOM in JSON: SPDX 2.2, 2.3, 3.0 or CycloneDX 1.2 to 1.7; which one is recognised.")
  var sbom: String?

  @Option(help: "SLSA provenance v1: the predicate alone, in JSON.")
  var provenance: String?

  @Option(help: "Any predicate in JSON, with --type.")
  var predicate: String?

  @Option(help: "The predicate type of --predicate: a URI, or one of cosign's words (vuln, openvex, spdxjson, cyclonedx, slsaprovenance1, …).")
  var type: String?

  @Option(help: "Where a file's bundle goes.")
  var bundle: String?

  @Flag(help: "For images: cosign's older tag instead of a referrer; with --format bundle both.")
  var legacy = false

  @Option(help: "bundle or legacy; may be repeated. Default: bundle.")
  var format: [SignatureFormat] = []

  @OptionGroup var registry: RegistryOptions
  @OptionGroup var options: SigningOptions

  func run() async throws {
    try await SigningFailure.run("cannot sign about \(artifact)") {
      var item = BatchItem(kind: .attestation, artifact: artifact)
      item.predicate = try source()
      item.bundle = bundle
      item.formats = format
      if legacy, !item.formats.contains(.legacy) { item.formats.append(.legacy) }
      if !ArtifactReading.isFile(artifact) {
        _ = try ArtifactReading.reference(artifact)
        if bundle != nil { throw CommandFailure.usage("cannot sign about \(artifact)", why: "--bundle is for files; it goes into the image's repository") }
      }
      try await SignedItems(options: options, registry: registry).run([item])
    }
  }

  private func source() throws -> BatchItem.PredicateSource {
    var sources: [BatchItem.PredicateSource] = []
    if let sbom { sources.append(.sbom(path: sbom)) }
    if let provenance { sources.append(.provenance(path: provenance)) }
    if let predicate {
      guard let type else { throw CommandFailure.usage("cannot sign about \(artifact)", why: "--predicate needs --type") }
      sources.append(.file(path: predicate, type: type))
    } else if type != nil {
      throw CommandFailure.usage("cannot sign about \(artifact)", why: "--type is for --predicate")
    }
    guard sources.count == 1 else {
      throw CommandFailure.usage("cannot sign about \(artifact)", why: "exactly one of --sbom, --provenance, --predicate is wanted")
    }
    return sources[0]
  }
}
