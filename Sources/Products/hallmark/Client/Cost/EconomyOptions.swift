import ArgumentParser
import Clocks
import Encodings
import Foundation
import Outbound
import Signing
import SigstoreFormats
import Trust

extension SigningPolicy.ChannelName: ExpressibleByArgument {}

/// Channel and cache of the `sign` commands.
struct EconomyOptions: ParsableArguments {
  @Option(help: "dev or release: sign under the rules of this channel of the signing policy.")
  var channel: SigningPolicy.ChannelName?

  @Option(name: .customLong("signing-policy"), help: "The signing policy (HALLMARK_SIGNING_POLICY, else hallmark-signing.yaml here, when there is one).")
  var policyPath: String?

  @Option(name: .customLong("ref"), help: "The git ref that is signed for; a ref in the token wins and must not differ.")
  var ref: String?

  @Option(help: "The tested dev attestation a release stands on: sha256:HEX of its signed bytes, or its bundle's file.")
  var promotes: String?

  @Flag(inversion: .prefixedNo, help: "Use finished signatures again when nothing they say has changed.")
  var cache = true

  /// The policy in force, or nil. One that was named must be there.
  func policy(_ environment: [String: String]) throws -> (policy: SigningPolicy, path: String)? {
    let named = policyPath ?? environment["HALLMARK_SIGNING_POLICY"]
    let path = named ?? "hallmark-signing.yaml"
    guard named != nil || LocalFile.exists(path) else {
      guard channel == nil else {
        throw CommandFailure.usage("cannot sign", why: "--channel needs a signing policy", next: "use --signing-policy FILE, or write hallmark-signing.yaml")
      }
      return nil
    }
    let bytes = try LocalFile.bytes(path, maxBytes: SigningPolicy.maxBytes)
    do { return (try SigningPolicy.parse(YAMLTree.parse(bytes), source: bytes), path) } catch let error as ChannelError {
      throw CommandFailure.usage("cannot use \(path)", why: error.description)
    }
  }

  func promotion() throws -> Promotion? {
    guard let promotes else { return nil }
    if let promotion = Promotion(text: promotes) { return promotion }
    let bytes = try LocalFile.bytes(promotes, maxBytes: SigstoreBundle.limits.maxBytes)
    guard let bundle = try? SigstoreBundle.parse(bytes), case .envelope(let envelope) = bundle.content else {
      throw CommandFailure.usage("cannot use --promotes \(promotes)", why: "it is neither sha256:HEX nor the bundle of an attestation")
    }
    return Promotion(tested: envelope)
  }
}

/// What channel and cache options amount to in one run.
struct SigningEconomy: Sendable {
  /// What cache keys call the purpose.
  var purpose = ""
  var cache: CachedSignatures?
  /// Signs in place of the HSM key, when the channel says so.
  var shortLived: ShortLivedSigning?
  var promotion: Promotion?

  /// Applies the options to the signers of a run.
  ///
  /// Without `--channel`, the channel is the one whose key signs; a key that no channel names is refused. Costs one HSM operation where the channel
  /// signs with a short-lived key.
  static func make(
    _ options: SigningOptions, settings: ConnectionSettings, seats: SignerSeats, signers: [SeatedSigner], registry: RegistryClient?
  ) async throws -> SigningEconomy {
    let own = options.economy
    var economy = SigningEconomy(promotion: try own.promotion())
    var rule = SigningPolicy.CacheRule.standard
    let found = try own.policy(settings.environment)
    if let (policy, path) = found {
      let client = try await seats.connection(store: try? options.key.reference().store).client
      let identity = identity(await client.ownClaims())
      var grant: ChannelGrant?
      for seated in signers {
        let given = try decide(policy, path, own, seated.signer.key, reached: client.address.url, identity, economy.promotion)
        grant = grant ?? given
      }
      if let grant {
        economy.purpose = grant.purpose
        rule = grant.cache
        if grant.channel == .dev, grant.shortLivedSeconds != nil, let endorser = signers.first, !options.dryRun {
          economy.shortLived = try await ShortLivedSigning.make(
            grant: grant, endorser: endorser, identity: identity, purpose: purpose(settings.environment), verifier: Verification.verifier, clock: .system)
        }
      }
    }
    if own.cache, case .maxAge = rule, economy.shortLived == nil {
      economy.cache = CachedSignatures(
        store: SignatureFolder(folder: "\(settings.cacheFolder)/signatures"), placed: registry.map { RegistrySignatures(client: $0) }, rule: rule,
        policy: found?.policy, verifier: Verification.verifier, report: { Console.note("note: \(Console.plain($0.description))") })
    }
    return economy
  }

  /// A key goes by the address it was reached at and by the one its service calls itself: either may stand in the policy.
  private static func decide(
    _ policy: SigningPolicy, _ path: String, _ options: EconomyOptions, _ key: PinnedKey, reached: String, _ identity: SigningIdentity,
    _ promotion: Promotion?
  ) throws -> ChannelGrant {
    let named = key.kid.range(of: "/keys/").map { String(key.kid[..<$0.lowerBound]) }
    var refusal: ChannelRefusal?
    for store in [named, reached] {
      let reference = KeyReference(store: store, name: key.name, version: key.version)
      for channel in options.channel.map({ [$0] }) ?? SigningPolicy.ChannelName.allCases.filter({ policy[$0] != nil }) {
        let request = ChannelRequest(channel: channel, key: reference, ref: options.ref, identity: identity, promotion: promotion)
        switch policy.evaluate(request) {
        case .allowed(let grant): return grant
        case .refused(.keyNotInChannel(let key, let channel, let owner)):
          refusal = refusal ?? .keyNotInChannel(key: key, channel: channel, belongsTo: owner)
        case .refused(let other): refusal = other
        }
      }
    }
    throw CommandFailure(
      "cannot sign", why: Console.plain(refusal?.description ?? "no channel takes this key"), next: "\(path) says who may sign what", code: Exit.no)
  }

  /// The job with the dev attestation it stands on, where there is one.
  func completed(_ job: SigningJob) throws -> SigningJob {
    guard let promotion else { return job }
    guard case .image = job.artifact, case .signature(let annotations) = job.claim else {
      throw CommandFailure.usage(
        "cannot sign \(job.name)", why: "only signatures of images, and sign batch --as statement or merkle, can name the attestation they stand on")
    }
    var result = job
    result.claim = .signature(annotations: annotations + [.init(name: Promotion.annotation, value: promotion.text)])
    return result
  }

  /// Puts the endorsement of a short-lived key beside what it signed.
  func placeEndorsement(of job: SigningJob, registry: RegistryClient?, meter: StepMeter) async throws {
    guard let shortLived else { return }
    let bytes = shortLived.endorsement.serialized()
    switch job.artifact {
    case .blob(let blob): try meter.measure(.write) { try LocalFile.write(bytes, to: blob.path + KeyEndorsement.fileSuffix) }
    case .image(let image):
      let document = SealedDocument(format: .bundle, mediaType: KeyEndorsement.mediaType, bytes: bytes)
      _ = try await meter.measure(.registry) { try await SignedPlaces(registry: registry).place(document, at: .referrer(image)) }
    }
  }

  /// The signer that a run begins with: the short-lived key, where there is one.
  func chooser(otherwise chooser: any SignerChooser) -> any SignerChooser {
    guard let shortLived else { return chooser }
    return FixedSigners([SeatedSigner(Signer(name: "primary", key: shortLived.pinned), service: shortLived)])
  }

  /// The workload behind our token where there is one (its assertion's claims, which the authority repeats), else the token itself.
  private static func identity(_ claims: JSONObject) -> SigningIdentity {
    guard let workload = claims["hallmark_workload"] else {
      return SigningIdentity(
        issuer: claims["iss"]?.string, subject: claims["sub"]?.string, repository: claims["repository"]?.string, ref: claims["ref"]?.string)
    }
    let more = workload["claims"]
    return SigningIdentity(
      issuer: workload["iss"]?.string, subject: workload["sub"]?.string,
      repository: more?["repository"]?.string ?? more?["project_path"]?.string, ref: more?["ref"]?.string)
  }

  private static func purpose(_ environment: [String: String]) -> String {
    environment["GITHUB_RUN_ID"].map { "run \($0.prefix(100))" } ?? environment["CI_JOB_ID"].map { "job \($0.prefix(100))" } ?? "signing run"
  }
}
