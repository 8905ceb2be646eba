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
  /// Annotations for every statement of the run.
  var annotations: [SigningJob.Annotation] { promotion.map { [.init(name: Promotion.annotation, value: $0.text)] } ?? [] }

  /// Applies the options to the signers of a run.
  ///
  /// Without `--channel`, the channel is the one whose key signs, when the policy knows the key; a key that no channel names is refused.
  /// - Parameters:
  ///   - primary: the signer `--key` names. Every other signer is checked as well.
  ///   - claims: of our own token.
  static func make(
    _ options: EconomyOptions, settings: ConnectionSettings, signers: [SeatedSigner], references: [KeyReference], claims: JSONObject,
    registry: RegistryClient?
  ) async throws -> SigningEconomy {
    var economy = SigningEconomy()
    economy.promotion = try options.promotion()
    var rule = SigningPolicy.CacheRule.standard
    var policy: SigningPolicy?
    if let (found, path) = try options.policy(settings.environment) {
      policy = found
      let identity = identity(claims)
      var grant: ChannelGrant?
      for reference in references {
        let name = options.channel ?? found.channels.first { $0.keys.contains { $0.name.lowercased() == reference.name.lowercased() } }?.name ?? .release
        let request = ChannelRequest(channel: name, key: reference, ref: options.ref, identity: identity, promotion: economy.promotion)
        switch found.evaluate(request) {
        case .allowed(let given): grant = grant ?? given
        case .refused(let refusal):
          throw CommandFailure("cannot sign", why: Console.plain(refusal.description), next: "\(path) says who may sign what", code: Exit.no)
        }
      }
      if let grant {
        economy.purpose = grant.purpose
        rule = grant.cache
        if grant.channel == .dev, grant.shortLivedSeconds != nil, let endorser = signers.first {
          economy.shortLived = try await ShortLivedSigning.make(
            grant: grant, endorser: endorser, identity: identity, purpose: purpose(settings.environment), verifier: Verification.verifier, clock: .system)
        }
      }
    }
    if options.cache, case .maxAge = rule {
      economy.cache = CachedSignatures(
        store: SignatureFolder(folder: "\(settings.cacheFolder)/signatures"), placed: registry.map { RegistrySignatures(client: $0) }, rule: rule,
        policy: policy, verifier: Verification.verifier, report: { Console.note("note: \(Console.plain($0.description))") })
    }
    return economy
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
