import ArgumentParser
import Encodings
import Issuance
import Outbound
import Signing

struct CertsIssueCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "issue", abstract: "Make a certificate for a key in the HSM: self-signed, or issued by a CA whose key is in the HSM too.",
    discussion: """
      A root and a leaf below it:
        hallmark certs issue root-key --subject "C=DE, ST=Berlin, O=Example, CN=Example root" --self-signed --ca-root --days 3650
        hallmark certs issue release --subject "C=DE, ST=Berlin, O=Example, CN=release signer" --ca-key root-key --days 365
      """)

  @Argument(help: "The key: a name, or https://HOST/keys/NAME[/VERSION].")
  var key: String

  @Option(help: "Subject, like \"C=DE, ST=Berlin, O=Example, CN=release signer\".")
  var subject: String

  @Flag(help: "Signed by the key itself.")
  var selfSigned = false

  @Option(help: "Key of the CA that issues it; its own chain must be kept (issue or import it first).")
  var caKey: String?

  @Flag(help: "Make it a CA: with --self-signed a root, with --ca-key an intermediate that issues leaves only.")
  var caRoot = false

  @Option(help: "Days it is valid, from now.")
  var days = 365

  @Option(help: "Also write the chain to this file (PEM).")
  var out: String?

  @OptionGroup var options: CertsOptions

  func validate() throws {
    guard selfSigned != (caKey != nil) else { throw ValidationError("say either --self-signed or --ca-key CAKEY") }
  }

  func run() async throws {
    try await options.run("cannot issue a certificate for \(key)", key: key) { work, pinned in
      let validity = try CertificateValidity(from: work.now, days: days, authority: caRoot)
      let purpose: CertificateTemplate.Purpose = caRoot ? .authority(pathLength: caKey == nil ? nil : 0) : .signing
      let template = CertificateTemplate(subject: try SubjectName(parsing: subject), key: pinned.publicKey, purpose: purpose, validity: validity)
      let chain = try await work.issue(template, for: pinned, by: caKey)
      if let out { try LocalFile.write(Array(chain.pem.utf8), to: out) }
      try await work.keep(chain, for: pinned, "issued")
    }
  }
}

extension CertificateWork {
  /// Has a template signed by the key itself, or by a CA's key. One sign operation.
  func issue(_ template: CertificateTemplate, for key: PinnedKey, by ca: String?) async throws -> CertificateChain {
    guard let ca else { return try CertificateChain(der: [try await seal(try template.selfSigned(), with: key)]) }
    let (caKey, authority) = try await authority(ca)
    guard caKey.publicKey != key.publicKey else {
      throw CommandFailure.usage("cannot issue a certificate for \(key.name)", why: "the CA key is the key itself", next: "use --self-signed")
    }
    let leaf = try await seal(try template.issued(by: authority), with: caKey)
    return try CertificateChain(der: [leaf] + authority.chain.der)
  }
}
