import ArgumentParser
import Signing

struct SignBlobCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "blob", abstract: "Sign files: hash them here, one sign call for each digest, write Sigstore bundles.",
    discussion: """
      The key is pinned to one version before anything is signed, and every signature is checked before anything is written. A bundle is \
      accepted by `cosign verify-blob --key pub.pem --bundle B --insecure-ignore-tlog FILE`; for P-384 and P-521 keys cosign also needs \
      --signature-digest-algorithm sha384 or sha512.
      """)

  @Argument(help: "The files to sign.")
  var files: [String]

  @Option(help: "Where the bundle goes, for one file; default FILE.sigstore.json unless only a plain signature is asked for.")
  var bundle: String?

  @Option(
    name: [.customLong("output-signature"), .customLong("signature")],
    help: "Where the plain signature goes, for one file: DER for EC keys, the signature octets for RSA.")
  var signature: String?

  @OptionGroup var options: SigningOptions

  func run() async throws {
    let what = "cannot sign \(files.count == 1 ? files[0] : "\(files.count) files")"
    try await SigningFailure.run(what) {
      guard !files.isEmpty else { throw CommandFailure.usage(what, why: "no file is named") }
      guard files.count == 1 || bundle == nil && signature == nil else {
        throw CommandFailure.usage(what, why: "--bundle and --signature name one file each", next: "leave them out, or use `hallmark sign batch`")
      }
      let items = files.map { file in
        var item = BatchItem(kind: .blob, artifact: file)
        item.bundle = bundle
        item.signature = signature
        return item
      }
      try await SignedItems(options: options, registry: nil).run(items)
    }
  }
}
