import ArgumentParser
import Encodings
import Issuance
import Outbound
import Signing

struct CertsRequestCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "request", abstract: "Make a certificate request (PKCS#10), signed by the key in the HSM.",
    discussion: """
      Send it to your CA and ask for a code signing certificate: keyUsage digitalSignature (critical), extendedKeyUsage codeSigning. Then: \
      hallmark certs import KEY CHAIN.pem
      """)

  @Argument(help: "The key: a name, or https://HOST/keys/NAME[/VERSION].")
  var key: String

  @Option(help: "Subject, like \"C=DE, ST=Berlin, O=Example, CN=release signer\".")
  var subject: String

  @Option(help: "Where the request goes; default standard output.")
  var out: String?

  @OptionGroup var options: CertsOptions

  func run() async throws {
    try await options.run("cannot make a certificate request for \(key)", key: key) { work, pinned in
      let document = try CertificateRequest.unsigned(subject: try SubjectName(parsing: subject), key: pinned.publicKey)
      let pem = PEM.encode(try await work.seal(document, with: pinned), label: CertificateRequest.pemLabel)
      if let out { try LocalFile.write(Array(pem.utf8), to: out) }
      switch options.output.format {
      case .json: Console.print(["schema": "hallmark.certificate-request/v1", "key": .string(pinned.kid), "pem": .string(pem)])
      case .text where out == nil: Console.print(String(pem.dropLast()))
      case .text: Console.print("wrote \(out ?? "") for \(pinned.kid)\nnext: when the certificate is there, hallmark certs import \(pinned.name)/\(pinned.version) CHAIN.pem")
      }
    }
  }
}

struct CertsImportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Check a certificate chain made elsewhere and keep it for a key version.",
    discussion: "The file holds the leaf, then each issuer, the self-signed root last. The leaf must be for exactly this key version.")

  @Argument(help: "The key: a name, or https://HOST/keys/NAME[/VERSION].")
  var key: String

  @Argument(help: "PEM or DER file, leaf first, root last.")
  var chain: String

  @OptionGroup var options: CertsOptions

  func run() async throws {
    try await options.run("cannot import \(chain)", key: key) { work, pinned in
      let parsed = try CertificateChain(bytes: try LocalFile.bytes(chain, maxBytes: CertificateChain.maxTextBytes))
      try await work.keep(parsed, for: pinned, "imported")
    }
  }
}
