import ArgumentParser
import Clocks
import Encodings
import Foundation
import OCI
import Outbound
import Signing
import SigstoreFormats
import Trust

struct ResignCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resign", abstract: "Sign again, with the standby's key, what the primary has signed.",
    discussion: """
      --from is a file with one image reference or file path a line (# begins a comment), or REGISTRY/REPOSITORY for all its tags. Only what verifies under the \
      primary's public key is signed; what does not is reported and left alone. A run that was killed goes on where it stopped. Works while the \
      primary is down. Exit code 0: everything is signed with the standby's key. 1: something was not. 4: a service did not do its part.
      """)

  @Option(help: "A list file, or REGISTRY/REPOSITORY.")
  var from: String

  @Option(help: "Which key signs: standby, or primary after its return.")
  var under: StandbyRole = .standby

  @Option(name: .customLong("config"), help: "The standby configuration (HALLMARK_STANDBY_CONFIG); default hallmark-standby.json.")
  var path: String?

  @Option(help: "A trust policy that says what counts as signed before, instead of the other key of the configuration.")
  var policy: String?

  @Option(help: "bundle, legacy, notary-jws or notary-cose for images; may be repeated. Default: bundle.")
  var format: [SignatureFormat] = []

  @Option(help: "How many artifacts are worked on at the same time.")
  var jobs = 4

  @Option(help: "The journal; default hallmark-resign-NAME-EPOCH.journal.")
  var journal: String?

  @Option(help: "Write the report, as JSON, to this file as well.")
  var report: String?

  @OptionGroup var registry: RegistryOptions
  @OptionGroup var options: SigningOptions

  func run() async throws {
    try await StandbyFailure.run("cannot sign again from \(from)") {
      guard (1...64).contains(jobs) else { throw CommandFailure.usage("cannot sign again", why: "--jobs is 1 to 64") }
      let file = try StandbyFile(path ?? options.standby.configuration)
      let trust = try trustPolicy(file.configuration)
      let code = try await registry.connect { client in
        let names = try await names(client)
        guard !names.isEmpty else { throw CommandFailure.usage("cannot sign again", why: "there is nothing in \(from)") }
        return try await session(file.configuration, client) { session in
          let journalPath = journal ?? "hallmark-resign-\(file.configuration.name)-\(file.configuration.epoch).journal"
          let run = ResignRun(
            names: names, trust: trust, formats: format.isEmpty ? [.bundle] : format, width: jobs, session: session, registry: client,
            journal: options.dryRun ? nil : try BatchJournalFile(journalPath, signers: session.signers), isDryRun: options.dryRun)
          let items = await run.perform()
          let summary = ResignReport(
            configuration: file.configuration, under: under, source: from, items: items, operations: await session.desk.performed)
          if let report { try LocalFile.write(summary.json.serialized(pretty: true) + [0x0A], to: report) }
          summary.show(options.output.format)
          return summary.code
        }
      }
      if let code { throw code }
    }
  }

  /// What the other key of the pair has signed.
  private func trustPolicy(_ configuration: StandbyConfiguration) throws -> TrustPolicy {
    if let policy { return try Verification.trustFile(try LocalFile.bytes(policy, maxBytes: 4 << 20)) }
    guard let key = configuration.publicKeys[under.other] else {
      throw CommandFailure.usage(
        "cannot sign again", why: "the configuration does not hold the \(under.other.rawValue)'s public key, so what it signed cannot be recognised", next: "use --policy")
    }
    return TrustPolicy(key: key, name: "\(configuration.name)-\(under.other.rawValue)")
  }

  private func names(_ client: RegistryClient) async throws -> [String] {
    if LocalFile.exists(from) {
      let text = String(decoding: try LocalFile.bytes(from, maxBytes: 64 << 20), as: UTF8.self)
      var seen: Set<String> = []
      return text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
        .filter { !$0.isEmpty && !$0.hasPrefix("#") && seen.insert($0).inserted }
    }
    let reference: ImageReference
    do throws(OCIError) { reference = try ImageReference(from) } catch {
      throw CommandFailure.usage("cannot read \(from)", why: "it is no file, and \(error.description)")
    }
    guard reference.isTagImplied else { return [from] }
    // Tags that hold signatures are no artifacts.
    return try await client.tags(in: reference.home).filter { !ReferenceTags.isOfSignatures($0) }.map { "\(reference.home.name):\($0)" }
  }

  private func session<Result>(
    _ configuration: StandbyConfiguration, _ client: RegistryClient, _ body: (SigningSession) async throws -> Result
  ) async throws -> Result {
    let base = options.service.settings
    let key = configuration.pair[under]
    let settings = under == .standby ? StandbySettings.make(base, store: key.store, ca: options.standby.ca, tokenFile: options.standby.tokenFile) : base
    let meter = StepMeter()
    let seats = SignerSeats(settings: settings, key: options.key, needsChain: format.contains(where: \.isNotary), meter: meter)
    do {
      let seated = try await seats.seat(under.rawValue, key)
      if let known = configuration.publicKeys[under], known != seated.signer.key.publicKey {
        throw CommandFailure(
          "cannot sign again", why: "the \(under.rawValue) now holds another key (\(seated.signer.key.kid)) than verifiers were told of",
          next: "roll the new key out with hallmark standby policy, or name the old version in it", code: Exit.no)
      }
      let chooser = FixedSigners([seated])
      let desk = SigningDesk(verifier: Verification.verifier, meter: meter)
      let session = SigningSession(
        options: options, settings: settings, seats: seats, chooser: chooser, desk: desk, meter: meter, registry: client,
        run: JobRun(chooser: chooser, desk: desk, placer: SignedPlaces(registry: client), meter: meter), hashes: Set(HashAlgorithm.allCases),
        signers: [seated.signer])
      let result = try await body(session)
      await seats.close()
      return result
    } catch {
      await seats.close()
      throw error
    }
  }
}

extension StandbyRole: ExpressibleByArgument {}

/// Tags that tools use for what belongs to an image.
enum ReferenceTags {
  /// `sha256-<64 hex>` alone (fallback index) or with `.sig`, `.att`, `.sbom`.
  static func isOfSignatures(_ tag: String) -> Bool {
    guard tag.hasPrefix("sha256-") else { return false }
    let rest = tag.dropFirst("sha256-".count)
    let digits = rest.prefix { $0.isHexDigit }
    return digits.count == 64 && ["", ".sig", ".att", ".sbom"].contains(String(rest.dropFirst(64)))
  }
}
