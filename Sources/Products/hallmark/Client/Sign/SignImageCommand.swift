import ArgumentParser
import Signing

extension SignatureFormat: ExpressibleByArgument {}

struct SignImageCommand: AsyncParsableCommand {
  enum Notary: String, ExpressibleByArgument, CaseIterable {
    case jws
    case cose

    var format: SignatureFormat { self == .jws ? .notaryJWS : .notaryCOSE }
  }

  static let configuration = CommandConfiguration(
    commandName: "image", abstract: "Sign images in their registry, for cosign, Notation or both.",
    discussion: """
      A tag is resolved to a digest first, and the digest is signed. `bundle` (the default) pushes what cosign 3 does: a Sigstore bundle that \
      refers to the image. `legacy` adds a layer to cosign's older tag sha256-….sig. `notary-jws` and `notary-cose` push what `notation verify` \
      reads and need a certificate chain for the key (`hallmark certs`).
      """)

  @Argument(help: "The images: REGISTRY/REPOSITORY:TAG or …@sha256:….")
  var images: [String]

  @Option(help: "bundle, legacy, notary-jws or notary-cose; may be repeated. Default: bundle.")
  var format: [SignatureFormat] = []

  @Option(help: "jws or cose: short for --format notary-jws or --format notary-cose.")
  var notary: Notary?

  @Option(name: [.customShort("a"), .customLong("annotation")], help: "key=value, signed along; may be repeated.")
  var annotations: [String] = []

  @Flag(name: [.customShort("r"), .long], help: "Of an index, sign every manifest and the index itself.")
  var recursive = false

  @OptionGroup var registry: RegistryOptions
  @OptionGroup var options: SigningOptions

  func run() async throws {
    let what = "cannot sign \(images.count == 1 ? images[0] : "\(images.count) images")"
    try await SigningFailure.run(what) {
      guard !images.isEmpty else { throw CommandFailure.usage(what, why: "no image is named") }
      let items = try images.map { image in
        _ = try ArtifactReading.reference(image)
        var item = BatchItem(kind: .image, artifact: image)
        item.formats = formats
        item.annotations = try annotations(what)
        item.recursive = recursive
        return item
      }
      try await SignedItems(options: options, registry: registry).run(items)
    }
  }

  private var formats: [SignatureFormat] {
    var formats: [SignatureFormat] = []
    for format in format + (notary.map { [$0.format] } ?? []) where !formats.contains(format) { formats.append(format) }
    return formats.isEmpty ? [.bundle] : formats
  }

  private func annotations(_ what: String) throws -> [SigningJob.Annotation] {
    var result: [SigningJob.Annotation] = []
    for text in annotations {
      guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
        throw CommandFailure.usage(what, why: "-a \(text) is not key=value")
      }
      let name = String(text[..<equals])
      guard !result.contains(where: { $0.name == name }) else { throw CommandFailure.usage(what, why: "-a \(name) is given twice") }
      result.append(.init(name: name, value: String(text[text.index(after: equals)...])))
    }
    return result
  }
}
