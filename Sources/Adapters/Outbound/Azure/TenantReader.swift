package import Clocks
internal import Encodings
package import Estate

/// Reads one tenant's control plane: its key stores with locks, diagnostic sinks and access policies, Azure role assignments and PIM instances,
/// managed identities with their federated credentials. Needs Reader only.
package struct TenantReader: Sendable {
  let access: AzureAccess
  /// Only these subscriptions; empty for all that the tenant's reader sees.
  let only: Set<String>
  let clock: TimeSource
  let concurrency: Int

  package init(_ access: AzureAccess, subscriptions: [String] = [], clock: TimeSource = .system, concurrency: Int = 4) {
    self.access = access
    only = Set(subscriptions.map { $0.lowercased() })
    self.clock = clock
    self.concurrency = concurrency
  }

  static let keyVaultVersion = "2026-02-01"
  static let query = """
    resources | where type in~ ('microsoft.keyvault/managedhsms', 'microsoft.keyvault/vaults') | project id, name, type, tenantId, subscriptionId, location | order by id asc
    """

  private var place: String { "tenant \(access.tenant)" }
  func arm(_ version: String) -> AzureEndpoint { .resourceManager(access, version: version) }

  /// Everything but the data planes. Stores stay `partial` until those have been read.
  package func read() async -> EstateFragment {
    var result = EstateFragment()
    let subscriptions: [String]
    do throws(OutboundError) { subscriptions = try await self.subscriptions() } catch {
      result.gaps.append(EstateGap(place, error.gapKind == .denied ? .denied : .failed, why: error.description))
      return result
    }
    for missing in only.subtracting(subscriptions.map { $0.lowercased() }).sorted() {
      result.gaps.append(EstateGap("\(place) subscription \(missing)", .denied, why: "the configuration names it and the tenant's reader does not see it"))
    }
    if subscriptions.isEmpty { result.gaps.append(EstateGap(place, .denied, why: "its reader sees no subscription: it needs Reader at the root management group")) }
    var ids: [String: InventorySnapshot.StoreKind] = [:]
    await graphed(subscriptions, &ids, &result)
    result.add(await ContainerHosts.read(arm("2022-10-01"), place: place, only: only))
    var scopes: [SubscriptionReader.Answer] = []
    let readers = subscriptions.map { SubscriptionReader(tenant: self, id: $0) }
    for answer in await BoundedGroup.map(readers, limit: concurrency, { await $0.read() }) {
      ids.merge(answer.stores) { first, _ in first }
      result.add(answer.fragment)
      scopes.append(answer)
    }
    await stores(ids, scopes.flatMap(\.locks), locksSeen: scopes.allSatisfy(\.locksSeen), &result)
    let byId = Dictionary(result.stores.compactMap { store in store.armId.map { ($0.lowercased(), store.id) } }, uniquingKeysWith: { first, _ in first })
    var seen: Set<String> = []
    for answer in scopes {
      let below = "/subscriptions/\(answer.subscription.lowercased())/"
      let own = byId.filter { $0.key.hasPrefix(below) }
      if !answer.rightsSeen { result.unseenRights.formUnion(own.keys) }
      for grant in answer.grants(stores: byId, own: own.values.sorted(), roles: result.roles)
      where seen.insert("\(grant.id)\u{0}\(grant.latent)\u{0}\(grant.store ?? "")").inserted { result.grants.append(grant) }
    }
    return result
  }

  /// Subscriptions of the tenant that are enabled, or at least readable.
  func subscriptions() async throws(OutboundError) -> [String] {
    try await arm("2022-12-01").list("/subscriptions").compactMap { item in
      guard let id = item["subscriptionId"]?.string, item["state"]?.string?.lowercased() != "deleted" else { return nil }
      return only.isEmpty || only.contains(id.lowercased()) ? id : nil
    }.sorted()
  }

  /// What Resource Graph lists. It lags by minutes: every store is confirmed by its own GET.
  private func graphed(_ subscriptions: [String], _ ids: inout [String: InventorySnapshot.StoreKind], _ result: inout EstateFragment) async {
    do throws(OutboundError) {
      let (rows, isWhole) = try await arm("2022-10-01").resourceGraph(Self.query)
      let wanted = Set(subscriptions.map { $0.lowercased() })
      for row in rows {
        guard let id = row["id"]?.string, id.hasPrefix("/"), let kind = row["type"]?.string.flatMap(StoreReading.kind(type:)) else { continue }
        if let subscription = row["subscriptionId"]?.string, !wanted.contains(subscription.lowercased()), !only.isEmpty { continue }
        ids[id.lowercased()] = kind
      }
      if !isWhole { result.gaps.append(EstateGap("\(place) Resource Graph", .incomplete, why: "it says that its list of stores is cut short")) }
    } catch {
      result.gaps.append(EstateGap("\(place) Resource Graph", error.gapKind, why: error.description))
    }
  }

  private struct Confirmed: Sendable {
    var store: InventorySnapshot.Store?
    var grants: [InventorySnapshot.Grant] = []
    var gaps: [EstateGap] = []
  }

  private func stores(
    _ ids: [String: InventorySnapshot.StoreKind], _ locks: [JSONValue], locksSeen: Bool, _ result: inout EstateFragment
  ) async {
    let listed = ids.sorted { $0.key < $1.key }.map { (id: $0.key, kind: $0.value) }
    for confirmed in await BoundedGroup.map(listed, limit: concurrency, { await confirm($0.id, $0.kind) }) {
      result.gaps += confirmed.gaps
      result.grants += confirmed.grants
      guard var store = confirmed.store else { continue }
      if locksSeen, let id = store.armId { store.locks = StoreReading.locks(locks, over: id) }
      result.stores.append(store)
    }
  }

  /// The store's own object. One that is listed and gone is left out; one that is refused stays, with what the list told.
  private func confirm(_ id: String, _ kind: InventorySnapshot.StoreKind) async -> Confirmed {
    var result = Confirmed()
    let name = RoleReading.lastSegment(id)
    do throws(OutboundError) {
      let value = try await arm(Self.keyVaultVersion).get(id)
      guard var store = StoreReading.store(value, at: clock.now()) else {
        throw .badAnswer(url: access.cloud.resourceManager + id, why: "it is no Managed HSM and no vault")
      }
      if store.tenantId == nil { store.tenantId = access.tenant }
      result.grants = StoreReading.policies(value, store: store)
      do throws(OutboundError) {
        store.diagnosticSinks = StoreReading.sinks(try await arm("2021-05-01-preview").list("\(id)/providers/Microsoft.Insights/diagnosticSettings"))
      } catch {
        result.gaps.append(EstateGap("\(name) diagnostic settings", error.gapKind, why: error.description))
      }
      result.store = store
    } catch {
      if error.isNotFound { return result }
      result.gaps.append(EstateGap("\(name) (ARM)", error.gapKind, why: error.description))
      result.store = InventorySnapshot.Store(
        id: name, kind: kind, armId: id, tenantId: access.tenant, rbacMode: kind == .managedHsm ? .local : nil, visibility: .denied, observedAt: clock.now())
    }
    return result
  }
}
