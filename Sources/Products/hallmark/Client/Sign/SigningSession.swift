import Clocks
import Encodings
import Foundation
import OCI
import Outbound
import Signing
import SigstoreFormats
import Trust

/// What one run of a `sign` command holds open: connections, one desk for all sign calls, one registry client.
struct SigningSession: Sendable {
  let options: SigningOptions
  let settings: ConnectionSettings
  let seats: SignerSeats
  let chooser: any SignerChooser
  let desk: SigningDesk
  let meter: StepMeter
  /// Nil in runs without images.
  let registry: RegistryClient?
  let run: JobRun
  /// What blobs are hashed with.
  let hashes: Set<HashAlgorithm>
  /// Those that the run began with.
  let signers: [Signer]
  /// Primary and standby, where the options name both.
  var standby: StandbySigning? = nil
  /// Channel and cache.
  var economy = SigningEconomy()

  /// Opens everything, pins the keys, runs the body, closes.
  ///
  /// - Parameters:
  ///   - formats: all that the run may make; decides about certificates and hashes.
  ///   - registry: nil in a run without images.
  static func open<Result>(
    _ options: SigningOptions, formats: Set<SignatureFormat>, registry: RegistryOptions? = nil,
    _ body: (SigningSession) async throws -> Result
  ) async throws -> Result {
    guard let registry else { return try await open(options, formats, nil, body) }
    return try await registry.connect { try await open(options, formats, $0, body) }
  }

  private static func open<Result>(
    _ options: SigningOptions, _ formats: Set<SignatureFormat>, _ registry: RegistryClient?, _ body: (SigningSession) async throws -> Result
  ) async throws -> Result {
    let settings = options.service.settings
    let meter = StepMeter()
    let seats = SignerSeats(settings: settings, key: options.key, needsChain: formats.contains(where: \.isNotary), meter: meter)
    do {
      let standby = try await options.standby.chooser(
        key: try options.key.key.map { _ in try options.key.reference() }, settings: settings, seats: seats,
        // A signing policy that does not speak of the standby does not allow it.
        rules: try options.economy.policy(settings.environment).map { $0.policy.standby ?? StandbyRules() }, ledger: options.key.ledger)
      let held: any SignerChooser
      if let standby { held = standby } else { held = FixedSigners([try await seats.seat("primary", options.key.reference())]) }
      let economy = try await SigningEconomy.make(options, settings: settings, seats: seats, signers: try await held.signers(), registry: registry)
      let chooser = economy.chooser(otherwise: held)
      let desk = SigningDesk(verifier: Verification.verifier, meter: meter)
      let session = SigningSession(
        options: options, settings: settings, seats: seats, chooser: chooser, desk: desk, meter: meter, registry: registry,
        run: JobRun(
          chooser: chooser, desk: desk, cache: economy.cache, placer: SignedPlaces(registry: registry), meter: meter, purpose: economy.purpose),
        // The standby's key, which may yet step in, may be of another kind.
        hashes: standby == nil ? try await hashes(chooser, formats) : Set(HashAlgorithm.allCases),
        signers: try await chooser.signers().map(\.signer), standby: standby, economy: economy)
      let result = try await body(session)
      await seats.close()
      return result
    } catch {
      await seats.close()
      throw error
    }
  }

  /// SHA-256 names the artifact everywhere; the others are what the keys sign.
  private static func hashes(_ chooser: any SignerChooser, _ formats: Set<SignatureFormat>) async throws -> Set<HashAlgorithm> {
    var hashes: Set<HashAlgorithm> = [.sha256]
    for seated in try await chooser.signers() {
      for format in formats where !format.isNotary {
        hashes.insert(try format.scheme(for: seated.signer.key, wanted: seated.signer.scheme).hash)
      }
    }
    return hashes
  }

  /// Performs one job, and writes what was placed to the ledger where there is one.
  func perform(_ job: SigningJob, journal: BatchJournalFile? = nil) async throws -> JobResult {
    let ledger = ledger
    let job = try economy.completed(job)
    let result = try await run.perform(
      job, isDone: { journal?.isDone($0, job: job) ?? false }, onPlan: { try journal?.begun($0, job: job) },
      onPlaced: { result in
        try journal?.placed(result, job: job)
        try ledger?.write(document: result, artifact: job.name, at: TimeSource.system.now())
      })
    try await economy.placeEndorsement(of: job, registry: registry, meter: meter)
    return result
  }

  /// Sign calls that reached an HSM: a short-lived key's own are none, its endorsement is one.
  var hsmOperations: Int {
    get async { economy.shortLived == nil ? await desk.performed : 1 }
  }

  /// Kept where a signer's service is not ours, or where it was asked for.
  var ledger: SigningLedger? {
    for signer in signers {
      guard let end = signer.key.kid.range(of: "/keys/")?.lowerBound, let address = try? ServiceAddress(String(signer.key.kid[..<end])),
        let path = settings.ledgerPath(options.key.ledger, address: address)
      else { continue }
      return SigningLedger(file: path)
    }
    return nil
  }
}
