package import Clocks
internal import Encodings
package import Estate

/// Reads one of our own HSMs through its endpoints: keys, roles and assignments as of any Managed HSM, and the identities of its directory.
package struct OwnServiceReader: Sendable {
  let endpoint: any EstateEndpoint
  let name: String
  let clock: TimeSource
  let concurrency: Int

  /// - Parameter name: what the store is called in the inventory.
  package init(_ endpoint: any EstateEndpoint, name: String, clock: TimeSource = .system, concurrency: Int = 4) {
    self.endpoint = endpoint
    self.name = name
    self.clock = clock
    self.concurrency = concurrency
  }

  package func read() async -> EstateFragment {
    let store = InventorySnapshot.Store(
      id: name, kind: .managedHsm, uri: endpoint.base, sku: nil, rbacMode: .local, visibility: .partial, observedAt: clock.now())
    var result = await KeyStoreReader(endpoint, store: store, concurrency: concurrency).read()
    // Only an activated HSM answers about keys.
    if !result.keys.isEmpty || result.stores.first?.visibility == .full { result.stores[0].activation = "Active" }
    do throws(OutboundError) { result.identities = try await identities() } catch {
      result.gaps.append(EstateGap("\(name) identities", error.gapKind, why: error.description))
      if result.stores[0].visibility == .full { result.stores[0].visibility = .partial }
    }
    if result.stores[0].visibility == .denied, result.gaps.contains(where: { $0.kind == .unreachable }) {
      result.gaps = [EstateGap(name, .failed, why: result.gaps[0].why)]
    }
    return result
  }

  private func identities() async throws(OutboundError) -> [InventorySnapshot.Identity] {
    let principals = try await endpoint.list("/graph/v1.0/servicePrincipals")
    var result: [InventorySnapshot.Identity] = []
    let applications = Dictionary(
      try await endpoint.list("/graph/v1.0/applications").compactMap { item in item["appId"]?.string.map { ($0, item) } }, uniquingKeysWith: { first, _ in first })
    for principal in principals {
      guard let objectId = principal["id"]?.string else { continue }
      var identity = InventorySnapshot.Identity(
        objectId: objectId, clientId: principal["appId"]?.string, kind: .servicePrincipal, name: principal["displayName"]?.string)
      if let application = identity.clientId.flatMap({ applications[$0] }), let id = application["id"]?.string {
        // Identities of our own directory have no passwords.
        identity.secrets = 0
        identity.certificates = DirectoryReading.credentials(of: application).certificates
        identity.federated = try await endpoint.list("/graph/v1.0/applications/\(URLText.component(id))/federatedIdentityCredentials")
          .compactMap(DirectoryReading.federated)
      }
      result.append(identity)
    }
    return result
  }
}
