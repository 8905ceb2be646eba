import Clocks
import Crypto
import Encodings
import Estate
import Foundation
import KubernetesFormats
import OCI
import Outbound
import Synchronization
import Telemetry
import Trust

/// One sweep over the estate: tenants side by side, then their stores, directories, registries and clusters. Units that a journal holds are not
/// read again.
final class EstateSync: Sendable {
  private let configuration: EstateConfiguration
  private let environment: [String: String]
  private let clock: TimeSource
  private let journal: Mutex<SyncJournal?>
  private let done: [String: EstateFragment]
  private let failure = Mutex<(any Error)?>(nil)

  init(_ configuration: EstateConfiguration, journal: consuming sending SyncJournal?, environment: [String: String], clock: TimeSource = .system) {
    self.configuration = configuration
    self.environment = environment
    self.clock = clock
    done = journal?.done ?? [:]
    self.journal = Mutex(journal)
  }

  /// A unit's result: from the journal, or read now and kept.
  private func unit(_ name: String, _ read: () async -> EstateFragment) async -> EstateFragment {
    if let held = done[name] { return held }
    let fragment = await read()
    journal.withLock { journal in
      do { try journal?.record(name, fragment) } catch { failure.withLock { $0 = error } }
    }
    return fragment
  }

  func run() async throws -> EstateFragment {
    var parts = EstateFragment()
    let azure = try await tenants()
    parts.add(azure.fragment)
    for hsm in await BoundedGroup.map(configuration.hsms, limit: configuration.tenantsAtOnce, { await self.hsm($0) }) { parts.add(hsm) }
    parts.add(await directories(azure.access, parts.grants))
    parts.narrow()
    RoleReading.work(out: &parts.grants, roles: parts.roles, stores: parts.stores)
    let keys = parts.publicKeys.compactMap { try? PublicKey(spki: $0) }
    for cluster in await BoundedGroup.map(configuration.clusters, limit: configuration.tenantsAtOnce, { await self.cluster($0) }) { parts.add(cluster) }
    for list in configuration.lists { parts.add(try Self.list(list)) }
    let running = Self.running(parts.artifacts)
    for registry in await BoundedGroup.map(configuration.registries, limit: configuration.tenantsAtOnce, { await self.registry($0, keys, running) }) {
      parts.add(registry)
    }
    if let logs = configuration.logs { parts.gaps += await LogMirror(logs, access: azure.access).fetch() }
    for transport in azure.transports { await transport.shutdown() }
    if let error = failure.withLock({ $0 }) { throw error }
    return parts
  }

  // MARK: Azure

  private struct Tenants {
    var fragment = EstateFragment()
    var access: [String: AzureAccess] = [:]
    var transports: [HTTPTransport] = []
  }

  private func tenants() async throws -> Tenants {
    var result = Tenants()
    guard !configuration.tenants.isEmpty else { return result }
    let transport = try HTTPTransport(extraAuthorities: configuration.ca)
    result.transports = [transport]
    let exchange = RetryingExchange(transport, policy: AzureAccess.sweepPolicy)
    var ready: [(EstateConfiguration.Tenant, AzureAccess)] = []
    for tenant in configuration.tenants {
      var own = environment
      if let file = tenant.federatedTokenFile { own["AZURE_FEDERATED_TOKEN_FILE"] = file }
      var settings = ConnectionSettings(environment: own)
      settings.clientID = tenant.clientID
      settings.certificate = tenant.certificate
      settings.credential = tenant.credential
      let credential = try configuration.cloud.credential(tenant: tenant.id, settings: settings, exchange: exchange)
      let access = AzureAccess(cloud: configuration.cloud, tenant: tenant.id, credential: credential, exchange: exchange)
      result.access[tenant.id.lowercased()] = access
      ready.append((tenant, access))
    }
    let bar = ProgressBar("reading tenants", total: ready.count, environment: environment)
    let controls = await BoundedGroup.map(ready, limit: configuration.tenantsAtOnce) { [self] tenant, access in
      let fragment = await unit("tenant/\(tenant.id)") {
        await TenantReader(access, subscriptions: tenant.subscriptions, clock: clock, concurrency: configuration.storesAtOnce).read()
      }
      bar.step(failed: !fragment.gaps.isEmpty)
      return (access, fragment)
    }
    bar.finish()
    result.fragment = await stores(controls)
    return result
  }

  /// The data planes of every tenant's stores, side by side over all tenants.
  private func stores(_ controls: [(AzureAccess, EstateFragment)]) async -> EstateFragment {
    var result = EstateFragment()
    var wanted: [(AzureAccess, InventorySnapshot.Store)] = []
    var seen: Set<String> = []
    for (access, control) in controls {
      for store in control.stores where seen.insert(store.armId?.lowercased() ?? store.id).inserted { wanted.append((access, store)) }
    }
    let bar = ProgressBar("reading stores", total: wanted.count, environment: environment)
    let read = await BoundedGroup.map(wanted, limit: configuration.storesAtOnce * configuration.tenantsAtOnce) { [self] access, store in
      let fragment = await unit("store/\(store.armId ?? store.id)") { await Self.store(store, access) }
      bar.step(failed: !fragment.gaps.isEmpty)
      return fragment
    }
    bar.finish()
    // The stores as their data planes showed them stand before those that only ARM told about.
    for fragment in read { result.add(fragment) }
    for (_, control) in controls { result.add(control) }
    result.narrow()
    return result
  }

  private static func store(_ store: InventorySnapshot.Store, _ access: AzureAccess) async -> EstateFragment {
    var refused = EstateFragment()
    guard let uri = store.uri else {
      refused.stores = [store]
      return refused
    }
    do throws(OutboundError) {
      return await KeyStoreReader(try AzureEndpoint.store(access, uri: uri), store: store).read()
    } catch {
      var denied = store
      denied.visibility = .denied
      refused.stores = [denied]
      refused.gaps = [EstateGap(store.id, .denied, why: error.description)]
      return refused
    }
  }

  private func directories(_ access: [String: AzureAccess], _ grants: [InventorySnapshot.Grant]) async -> EstateFragment {
    var result = EstateFragment()
    let mark = Self.mark(grants.map { "\($0.store ?? "") \($0.id) \($0.principal)" })
    let wanted = configuration.tenants.filter(\.readsDirectory).compactMap { tenant in access[tenant.id.lowercased()].map { (tenant.id, $0) } }
    for part in await BoundedGroup.map(wanted, limit: configuration.tenantsAtOnce, { [self] id, access in
      await unit("directory/\(id)/\(mark)") { await DirectoryReader(access, concurrency: configuration.storesAtOnce).read(grants) }
    }) { result.add(part) }
    // A principal is in one of the tenants: its absence from the others says nothing.
    let known = Set(result.identities.map { $0.objectId.lowercased() } + result.groups.map { $0.objectId.lowercased() })
    result.notes.removeAll { note in note.contains("is not in the directory") && known.contains(String(note.prefix(36)).lowercased()) }
    return result
  }

  // MARK: Others

  private func hsm(_ hsm: EstateConfiguration.HSM) async -> EstateFragment {
    await unit("hsm/\(hsm.name)") {
      var settings = ConnectionSettings(environment: environment)
      settings.url = hsm.url
      settings.ca = hsm.ca
      settings.credential = hsm.credential
      settings.tokenFile = hsm.tokenFile
      settings.profile = hsm.profile
      settings.clientID = hsm.clientID
      settings.certificate = hsm.certificate
      settings.authority = hsm.authority
      settings.tenant = hsm.tenant
      do throws(OutboundError) {
        let connection = try ServiceConnection(settings, store: hsm.url)
        let fragment = await OwnServiceReader(ManagedHSMEndpoint(connection.client), name: hsm.name, clock: clock).read()
        await connection.close()
        return fragment
      } catch {
        return Self.failed("HSM \(hsm.name)", error.description)
      }
    }
  }

  private static func failed(_ place: String, _ why: String) -> EstateFragment {
    var fragment = EstateFragment()
    fragment.gaps = [EstateGap(place, .failed, why: why)]
    return fragment
  }

  /// Digests that run, by the full name of the repository.
  private static func running(_ artifacts: [InventorySnapshot.Artifact]) -> [String: [ContentDigest]] {
    var result: [String: [ContentDigest]] = [:]
    for artifact in artifacts where artifact.running?.isEmpty == false {
      guard let digest = try? ContentDigest(Substring(artifact.digest)) else { continue }
      for name in artifact.names { result[name, default: []].append(digest) }
    }
    return result
  }

  /// What a unit's result depends on besides the configuration, for its name in the journal: after a restart more may be known, and then a unit
  /// that was read with less is read again.
  private static func mark(_ texts: some Sequence<String>) -> String {
    var hash = SHA256()
    for text in texts.sorted() { hash.update(data: Array(text.utf8) + [0]) }
    return String(Hex.encode(hash.finalize()).prefix(16))
  }

  private func registry(
    _ registry: EstateConfiguration.Registry, _ keys: [PublicKey], _ running: [String: [ContentDigest]]
  ) async -> EstateFragment {
    let known = keys.map(\.fingerprintHex) + running.flatMap { name, digests in digests.map { "\(name)@\($0.text)" } }
    return await unit("registry/\(registry.host)/\(Self.mark(known))") {
      let connection = ConnectionSettings(environment: environment)
      var settings = RegistrySettings(lockFolder: connection.stateFolder + "/locks")
      if registry.plainHTTP { settings.plainHTTPHosts = [registry.host.lowercased()] }
      do {
        let transport = try HTTPTransport(extraAuthorities: registry.ca)
        let client = try RegistryClient(
          transport: transport, settings: settings, environment: environment, dockerConfig: registry.credentials,
          azure: try connection.azureIdentity(exchange: RetryingExchange(transport)))
        let fragment = await RegistrySweep(client: client, registry: registry, keys: keys, running: running).read()
        await transport.shutdown()
        return fragment
      } catch {
        return Self.failed("registry \(registry.host)", String(describing: error))
      }
    }
  }

  private func cluster(_ cluster: EstateConfiguration.Cluster) async -> EstateFragment {
    await unit("cluster/\(cluster.name)") {
      do throws(OutboundError) {
        let transport: HTTPTransport
        if let certificate = cluster.clientCertificate, let key = cluster.clientKey {
          transport = try HTTPTransport(extraAuthorities: cluster.ca, clientCertificate: certificate, key: key)
        } else {
          transport = try HTTPTransport(extraAuthorities: cluster.ca)
        }
        let address = ClusterAddress(name: cluster.name, server: cluster.server, tokenFile: cluster.tokenFile)
        let fragment = await ClusterReader(address, exchange: RetryingExchange(transport, policy: AzureAccess.sweepPolicy)).read()
        await transport.shutdown()
        return fragment
      } catch {
        return Self.failed("cluster \(cluster.name)", error.description)
      }
    }
  }

  private static func list(_ list: EstateConfiguration.List) throws -> EstateFragment {
    var result = EstateFragment()
    let images: [RunningImage]
    do { images = try WorkloadListFile.parse(LocalFile.bytes(list.file, maxBytes: WorkloadListFile.maxBytes)) } catch let error as WorkloadListError {
      throw CommandFailure.usage("cannot read the list \(list.file)", why: error.description)
    }
    let (artifacts, withoutDigest) = RunningArtifacts.artifacts(images, cluster: list.environment)
    result.artifacts = artifacts
    if withoutDigest > 0 { result.gaps.append(EstateGap("list \(list.file)", .incomplete, why: "\(withoutDigest) entries name a tag only: which content they mean is not known")) }
    return result
  }
}
