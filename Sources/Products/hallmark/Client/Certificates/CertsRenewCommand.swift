import ArgumentParser
import Encodings
import Issuance
import Outbound
import Signing
import Trust

struct CertsRenewCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "renew", abstract: "Issue a key's certificate again: same subject and purpose, new serial and dates.",
    discussion: """
      A self-signed certificate is signed by the key itself; for others name the CA's key with --ca-key. After a rotation the newest version has no \
      chain yet: the one of the version before is taken as the pattern.
      """)

  @Argument(help: "The key: a name, or https://HOST/keys/NAME[/VERSION].")
  var key: String

  @Option(help: "Do nothing unless the chain ends within this time, like 30d.")
  var before: String?

  @Option(help: "Key of the CA that issues it.")
  var caKey: String?

  @Option(help: "Days it is valid; default as long as the old one was.")
  var days: Int?

  @OptionGroup var options: CertsOptions

  func run() async throws {
    let within = try before.map(Self.days)
    try await options.run("cannot renew the certificate of \(key)", key: key) { work, pinned in
      let old = try await work.pattern(for: pinned)
      let isOwn = old.leaf.key == pinned.publicKey
      if let within, isOwn, case .good = CertificateExpiry(of: old, at: work.now, warnWithin: within) {
        switch options.output.format {
        case .json: Console.print(["schema": "hallmark.certificate-renewal/v1", "renewed": false, "expires": .string(ISO8601.format(seconds: old.expires))])
        case .text: Console.print("not renewed: the chain of \(pinned.kid) is valid until \(ISO8601.format(seconds: old.expires))")
        }
        return
      }
      if caKey == nil, old.certificates.count > 1 {
        throw CommandFailure.usage(
          "cannot renew the certificate of \(key)", why: "it was issued by \"\(old.leaf.issuer)\"",
          next: "name that CA's key with --ca-key, or make a request for an outside CA: hallmark certs request")
      }
      let authority = old.purpose == .authority
      let length = days ?? Int((old.leaf.notAfter - old.leaf.notBefore) / 86_400)
      let validity = try CertificateValidity(from: work.now, days: max(length, 1), authority: authority)
      let template = CertificateTemplate(renewing: old.leaf, key: pinned.publicKey, validity: validity)
      try await work.keep(try await work.issue(template, for: pinned, by: caKey), for: pinned, "renewed")
    }
  }

  static func days(_ text: String) throws -> Int {
    guard text.hasSuffix("d"), let days = Int(text.dropLast()), (0...10_950).contains(days) else {
      throw ValidationError("--before \(text): write days like 30d")
    }
    return days
  }
}

extension CertificateWork {
  /// The chain to renew: the key version's own, else that of its newest other version that has one.
  func pattern(for key: PinnedKey) async throws -> CertificateChain {
    let missing: CertificateHomeError
    do throws(CertificateHomeError) { return try await home.chain(for: key, only: options.home?.place).chain } catch {
      guard case .none = error else { throw error }
      missing = error
    }
    let versions = try await client.list("/keys/\(key.name)/versions").compactMap { $0["kid"]?.string?.split(separator: "/").last.map(String.init) }
    for version in versions.reversed() where version != key.version && KeyReference.isVersion(version) {
      let other = try await signing.pin(KeyReference(store: nil, name: key.name, version: version))
      if let found = try? await home.chain(for: other, only: options.home?.place) { return found.chain }
    }
    throw missing
  }
}
