import Clocks
import Encodings
import Foundation
import Outbound
import Signing
import SigstoreFormats
import Trust

/// One request and its answer. A connection is opened only where the answer is not known already.
struct PluginSession: Sendable {
  enum Refusal: Error {
    case badKey(SigningError)
    case badVersion(String)
    case versionInCreation
    case existsOtherwise(name: String, kind: String, wanted: String)
    case doesNotVerify(kid: String, versionless: Bool)
    /// A pin of an earlier process led to a version that no longer signs.
    case pinnedVersionRefused(OutboundError, version: String)
  }

  private let request: CosignPlugin.Request
  private let settings: ConnectionSettings
  private let cache: PrivateCache?
  private let pins: KeyPins
  private let clock: TimeSource

  init(request: CosignPlugin.Request, environment: [String: String], clock: TimeSource = .system) {
    self.request = request
    settings = ConnectionSettings(environment: environment)
    let off = environment["HALLMARK_NO_CACHE"].map { !$0.isEmpty && $0 != "0" } ?? false
    cache = off ? nil : PrivateCache(folder: settings.cacheFolder)
    pins = KeyPins(cache: cache, identity: [environment["HALLMARK_CA"] ?? "", environment["SSL_CERT_FILE"] ?? ""], clock: clock)
    self.clock = clock
  }

  func response() async throws -> CosignPlugin.Response {
    switch request.call {
    case .defaultAlgorithm: return .defaultAlgorithm(try KeyAlgorithm.preferred(settings.environment).rawValue)
    case .supportedAlgorithms: return .supportedAlgorithms(KeyAlgorithm.allCases.map(\.rawValue))
    case .createKey(let name):
      let algorithm = name.isEmpty ? try KeyAlgorithm.preferred(settings.environment) : try KeyAlgorithm.named(name)
      return .createKey(publicKeyPEM: try await create(algorithm, try reference()).publicKey.pem)
    case .publicKey:
      let key = try await key(try reference())
      // Refused here rather than after a file was hashed.
      _ = try MessageChoice(key: key.publicKey, name: key.name, digest: nil)
      return .publicKey(publicKeyPEM: key.publicKey.pem)
    case .signMessage(let digest): return .signMessage(signature: try await sign(digest, try reference()))
    case .verifySignature(let signature, let digest):
      try await verify(signature, digest, try reference())
      return .verifySignature
    }
  }

  private func reference() throws -> KeyReference {
    let reference: KeyReference
    do { reference = try KeyReference(pluginResource: request.keyResource) } catch { throw Refusal.badKey(error) }
    guard let version = request.options.keyVersion else { return reference }
    guard KeyReference.isVersion(version) else { throw Refusal.badVersion(version) }
    return KeyReference(store: reference.store, name: reference.name, version: version)
  }

  // MARK: Keys

  /// The key of this reference: what an earlier process pinned, or what the service says now.
  private func key(_ reference: KeyReference) async throws -> PinnedKey {
    if let held = pins.held(reference) { return held }
    return try await connected(to: reference) { connection in
      let key = try await RemoteSigning(client: connection.client, ledger: nil, clock: clock).pin(reference)
      pins.keep(key, for: reference)
      return key
    }
  }

  /// Makes the key, or returns the one that is there when it is of the kind asked for: a new version of it is never made here.
  private func create(_ algorithm: KeyAlgorithm, _ reference: KeyReference) async throws -> PinnedKey {
    guard reference.version == nil else { throw Refusal.versionInCreation }
    return try await connected(to: reference) { connection in
      let client = connection.client
      let path = "/keys/\(reference.name)"
      do {
        let there = try await RemoteSigning(client: client, ledger: nil, clock: clock).pin(reference)
        guard there.publicKey.kind == algorithm.kind else {
          throw Refusal.existsOtherwise(name: there.name, kind: there.publicKey.kindText, wanted: algorithm.rawValue)
        }
        pins.keep(there, for: reference)
        return there
      } catch OutboundError.refused(let refusal) where refusal.status == 404 {
        let answer = try await client.call(
          "POST", "\(path)/create", body: algorithm.creation(at: client.address.home), replay: .onlyIfNotPerformed)
        let made = try RemoteSigning.pinned(answer.body, url: client.address.url + path, wanted: reference)
        pins.keep(made, for: reference)
        return made
      }
    }
  }

  // MARK: Signatures

  private func sign(_ given: [UInt8]?, _ reference: KeyReference) async throws -> [UInt8] {
    let wasHeld = pins.held(reference) != nil
    return try await connected(to: reference) { connection in
      let ledger = settings.ledgerPath(settings.environment["HALLMARK_LEDGER"], address: connection.client.address).map { SigningLedger(file: $0) }
      let service = RemoteSigning(client: connection.client, ledger: ledger, clock: clock)
      let key: PinnedKey
      if let held = pins.held(reference) {
        key = held
      } else {
        key = try await service.pin(reference)
        pins.keep(key, for: reference)
      }
      let choice = try MessageChoice(key: key.publicKey, name: key.name, digest: given)
      let (computed, count) = try MessageInput.digest(choice.scheme.hash)
      let digest = try choice.digest(given: given, computed: computed, byteCount: count)
      let job = try DigestSigning(digest, key: key, scheme: choice.scheme, service: service, now: clock.now().seconds)
      do {
        let made = try await job.run(verifier: CryptoSignatureVerifier(), clock: clock)
        if made.attempts > 1 { warn(made, key) }
        return made.signature
      } catch let error as OutboundError {
        guard case .refused(let refusal) = error, [400, 403, 404, 409].contains(refusal.status) else { throw error }
        // What was pinned may be gone or switched off: the next command asks again.
        pins.forget(reference)
        if wasHeld, reference.version == nil, refusal.status == 404 { throw Refusal.pinnedVersionRefused(error, version: key.version) }
        throw error
      }
    }
  }

  /// cosign passes standard error on to the user: a signature that may have been made twice is never silent.
  private func warn(_ made: CompletedSignature, _ key: PinnedKey) {
    let id = made.requestID.map { ", this one under request id \($0)" } ?? ""
    FileHandle.standardError.write(
      Data("hallmark: \(made.attempts) sign requests with \(key.kid) may have been performed\(id); the service's audit log shows each\n".utf8))
  }

  /// Checks here, with the public key: no right and no operation of the HSM is needed for it.
  private func verify(_ signature: [UInt8], _ given: [UInt8]?, _ reference: KeyReference) async throws {
    let key = try await key(reference)
    let choice = try MessageChoice(key: key.publicKey, name: key.name, digest: given)
    let (computed, count) = try MessageInput.digest(choice.scheme.hash)
    let digest = try choice.digest(given: given, computed: computed, byteCount: count)
    guard CryptoSignatureVerifier().check(signature, over: digest, scheme: choice.scheme, key: key.publicKey) == .valid else {
      throw Refusal.doesNotVerify(kid: key.kid, versionless: reference.version == nil)
    }
  }

  // MARK: Connection

  private func connected<Result: Sendable>(
    to reference: KeyReference, _ body: (ServiceConnection) async throws -> Result
  ) async throws -> Result {
    let connection = try ServiceConnection(settings, store: reference.store) { credential, address in
      guard let cache, !(credential is FixedTokenCredential) else { return credential }
      return TokenFileCache(credential, cache: cache, identity: identity(at: address), clock: clock)
    }
    do {
      let result = try await body(connection)
      await connection.close()
      return result
    } catch {
      await connection.close()
      throw error
    }
  }

  /// Everything in the environment that decides whose token a credential gets.
  private func identity(at address: ServiceAddress) -> [String] {
    let names = [
      "HALLMARK_AUTHORITY", "HALLMARK_TENANT", "HALLMARK_CLIENT_ID", "HALLMARK_PROFILE", "HALLMARK_CA", "AZURE_AUTHORITY_HOST", "AZURE_TENANT_ID",
      "AZURE_CLIENT_ID", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_CONFIG_DIR", "IDENTITY_ENDPOINT", "IDENTITY_HEADER",
      "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    ]
    return [address.netloc] + names.map { settings.environment[$0] ?? "" }
  }
}
