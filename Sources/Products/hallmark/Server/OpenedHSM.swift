import Access
import Audit
import Clocks
import Crypto
import Custody
import Dispatch
import Encodings
import Foundation
import JOSE
import Ledger
import LedgerFiles
import ManagedHSMService
import Outbound
import SQLiteStore
import Secrets
import SoftwareEngine
import Synchronization

/// One HSM with its folder opened: everything the service is made of. The audit trail's lock makes it the only one of its folder.
final class OpenedHSM: Sendable {
  let folder: HSMFolder
  let description: HSMDescription
  let identity: ServiceIdentity
  let access: AccessControl
  let directory: Directory
  let authority: TokenAuthority
  let keyring: Keyring
  let trail: AuditTrail
  let lanes: Lanes
  let service: HSMService
  let activation: Activation
  private let store: Store
  private let ledger: LedgerFileWriter

  /// - Parameters:
  ///   - passphrase: needed when the description says so.
  ///   - cores: threads of the crypto lane.
  init(_ folder: HSMFolder, configuration: ServerConfiguration, clock: TimeSource = .system, entropy: Entropy = .system, cores: Int = ProcessInfo.processInfo.activeProcessorCount) throws {
    self.folder = folder
    let (description, mac) = try HSMDescription.read(folder.description)
    self.description = description
    let passphrase = try configuration.passphraseFile.map { try PartitionKeyFile.passphrase($0) }
    let secret = try PartitionKeyFile.read(folder.partitionKey, seal: description.seal, passphrase: passphrase, hsmID: description.hsmID)
    guard let partition = PartitionKey(secret), let hsm = HSMIdentity(description.hsmID), let recovery = RecoveryPolicy(days: description.retentionDays, purgeProtection: description.purgeProtection) else {
      throw HSMDescription.Invalid(description: "\(folder.description.path): identity, retention or partition key is not valid")
    }
    try description.verify(mac, key: partition.subkey(.settings), file: folder.description)
    guard
      let identity = ServiceIdentity(
        name: description.name, host: configuration.publicHost, port: configuration.publicPort, tenant: description.tenant, region: configuration.region,
        build: Version.text)
    else {
      throw HSMDescription.Invalid(description: "public.host '\(configuration.publicHost)' needs a parent domain: <hsm name>.<domain>")
    }
    self.identity = identity
    store = try Store(path: folder.store.path)
    let engine = SoftwareEngine(partition)
    let rows = try SealedRows(store: store, seal: RowSeal(mac: RowMAC(key: partition.subkey(.accessRows)), hsm: description.hsmID))
    let strict = description.strictLimits || configuration.strictLimits
    access = try AccessControl(rows: rows, time: clock, entropy: entropy, limits: strict ? .azure : .standard)
    directory = try Directory(tenantID: description.tenant, rows: rows, access: access)
    keyring = try Keyring(
      hsm: hsm, partition: partition, engine: engine, store: store, recovery: recovery, limits: strict ? .strict : .none, time: clock, entropy: entropy,
      cacheCapacity: configuration.cachedKeys)

    let tokenKey = TokenSigner(key: try ServiceKey.open("tokens", hsm: hsm, engine: engine, store: store, clock: clock))
    let issuer = "\(identity.authority)/\(identity.tenant)/v2.0"
    let base = "\(identity.authority)/\(identity.tenant)"
    var settings = AuthoritySettings(
      tenantID: description.tenant, issuer: issuer,
      assertionAudiences: ["\(base)/oauth2/v2.0/token", "\(base)/oauth2/token", "\(base)/v2.0", "\(base)/", base, issuer],
      resources: ServiceResources.all(identity, acceptPublicAudience: configuration.acceptPublicAudience), verificationURI: "\(identity.authority)/devicelogin")
    settings.accessTokenSeconds = Int64(configuration.tokenSeconds)
    let issuerKeys = IssuerKeyring(time: clock)
    authority = try TokenAuthority(
      settings: settings, directory: directory, rows: rows, keyring: issuerKeys, signer: tokenKey, publicKeys: [tokenKey.publicKey], time: clock,
      entropy: entropy)
    let validator = try TokenValidator(settings: settings, publicKeys: [tokenKey.publicKey], directory: directory, keyring: issuerKeys, time: clock)

    let origin = "hallmark.audit/\(description.hsmID)"
    let trailKey = try ServiceKey.open("audit", hsm: hsm, engine: engine, store: store, clock: clock)
    let ledger = try LedgerFileWriter.open(
      LedgerFileConfiguration(folder: folder.audit.path, origin: origin, signer: TrailSigner(key: trailKey, origin: origin)) {
        AuditRecord.sequence(ofLine: $0)
      })
    self.ledger = ledger
    trail = AuditTrail(ledger: ledger, node: Host.name)
    // The public half, for `hallmark audit verify --dir` and for whoever keeps it elsewhere.
    try PrivateFile.write(Data((trailKey.publicKey.pemRepresentation + "\n").utf8), to: folder.checkpointKey, mode: 0o644)

    let state = SealedState(store: store, mac: RowMAC(key: partition.subkey(.settings)), hsmID: description.hsmID)
    activation = try Activation(store: state)
    lanes = Lanes(cores: cores)
    service = HSMService(
      HSMService.Parts(
        identity: identity, hsmID: description.hsmID, partitionKey: secret, access: access, directory: directory, authority: authority,
        validator: validator, issuerKeys: issuerKeys, fetchKeys: IssuerFetch.keys, keyring: keyring,
        certificates: CertificateShelf(keyring: keyring, store: store, rules: NotaryChainRules()), audit: trail,
        reader: try AuditIndex(folder: folder.audit.path), evidence: TrailEvidence(ledger: ledger), state: state,
        activation: activation, lanes: lanes, clock: clock, entropy: entropy))
  }

  /// Signs the last checkpoint, ends the lanes, closes the files. Blocks for the last flush.
  func close() async {
    await lanes.shutDown()
    ledger.close()
    store.close()
  }
}

/// State values under a MAC bound to the HSM and the value's name: settings and the activation cannot be changed from outside.
struct SealedState: StateStore {
  let store: Store
  let mac: RowMAC
  let hsmID: String

  func value(of name: String) throws(StateStoreFailure) -> [UInt8]? {
    let stored: [UInt8]?
    do { stored = try store.stateValue(of: name) } catch { throw StateStoreFailure(error.description) }
    guard let stored else { return nil }
    guard stored.count >= 32, mac.isValid(Array(stored.prefix(32)), for: fields(name, Array(stored.dropFirst(32)))) else {
      throw StateStoreFailure("the stored value '\(name)' was changed outside Hallmark")
    }
    return Array(stored.dropFirst(32))
  }

  func set(_ name: String, to value: [UInt8]) throws(StateStoreFailure) {
    do { try store.setStateValue(of: name, to: mac.tag(fields(name, value)) + value) } catch { throw StateStoreFailure(error.description) }
  }

  private func fields(_ name: String, _ value: [UInt8]) -> RowMAC.Fields {
    var fields = RowMAC.Fields(kind: "hallmark state value v1")
    fields.append(hsmID)
    fields.append(name)
    fields.append(value)
    return fields
  }
}

/// Proofs from the trail's own files.
struct TrailEvidence: AuditEvidence {
  let ledger: LedgerFileWriter

  /// Signs what is durable now, so that whoever asks gets a checkpoint over everything they could have read before. Waits for the writer.
  func checkpoint() throws(LedgerError) -> [UInt8] {
    let outcome = Mutex<Result<Checkpoint, LedgerError>?>(nil)
    let signed = DispatchSemaphore(value: 0)
    ledger.checkpoint { result in
      outcome.withLock { $0 = result }
      signed.signal()
    }
    signed.wait()
    return try outcome.withLock { $0 ?? .failure(.closed) }.get().note.serialized()
  }
}

/// Fetches issuer keys over TLS that the system, or the issuer's own CA, vouches for.
enum IssuerFetch {
  static let keys: IssuerKeyFetch = { issuer in
    let transport = if let pem = issuer.caPEM { try HTTPTransport(extraAuthoritiesPEM: pem) } else { try HTTPTransport() }
    var policy = RetryPolicy()
    policy.maxAttempts = 2
    policy.budget = .seconds(10)
    let outcome: Result<[JWK], any Error>
    do { outcome = .success(try await IssuerKeys(exchange: RetryingExchange(transport, policy: policy)).keys(of: issuer.issuer)) } catch {
      outcome = .failure(error)
    }
    await transport.shutdown()
    return try outcome.get()
  }
}

enum Host {
  /// This machine's name, the `node` of its audit records.
  static var name: String { ProcessInfo.processInfo.hostName }
}

enum Version {
  static let text = "0.1.0"
}
