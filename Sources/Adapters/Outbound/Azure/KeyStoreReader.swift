internal import Encodings
package import Estate

/// Reads one store's data plane: keys with every version, rotation policies, deleted keys and, on a Managed HSM, local roles and assignments.
///
/// What is refused becomes a gap, and the store's visibility says so: `denied` when nothing of it could be read, `partial` when
/// something was missing. Cost: one list and, for each key, one list of versions, one bundle a version and one policy; one list of assignments for each scope.
package struct KeyStoreReader: Sendable {
  let endpoint: any EstateEndpoint
  let store: InventorySnapshot.Store
  let concurrency: Int

  package init(_ endpoint: any EstateEndpoint, store: InventorySnapshot.Store, concurrency: Int = 4) {
    self.endpoint = endpoint
    self.store = store
    self.concurrency = concurrency
  }

  private struct KeyPart: Sendable {
    var keys: [InventorySnapshot.Key] = []
    var publicKeys: [[UInt8]] = []
    var gaps: [EstateGap] = []
  }

  package func read() async -> EstateFragment {
    var result = EstateFragment()
    var store = store
    var names: [String] = []
    var keysSeen = true
    var hiddenVersions = false
    do throws(OutboundError) {
      let items = try await endpoint.list("/keys", [("maxresults", "25")])
      names = Self.names(items)
      let parts = await BoundedGroup.map(names, limit: concurrency) { await key($0) }
      for part in parts {
        result.keys += part.keys
        result.publicKeys.formUnion(part.publicKeys)
        result.gaps += part.gaps
      }
      hiddenVersions = parts.contains { !$0.gaps.isEmpty }
    } catch {
      keysSeen = false
      result.gaps.append(gap("/keys", error))
    }
    var deletedNames: [String] = []
    var restSeen = true
    // Without the list of keys there is no point in asking for what is deleted in a vault; an HSM's roles may be readable all the same.
    if keysSeen {
      do throws(OutboundError) {
        let items = try await endpoint.list("/deletedkeys", [("maxresults", "25")])
        deletedNames = Self.names(items)
        for part in await BoundedGroup.map(items, limit: concurrency, { await deleted($0) }) {
          result.keys += part.keys
          result.publicKeys.formUnion(part.publicKeys)
          result.gaps += part.gaps
          if !part.gaps.isEmpty { restSeen = false }
        }
      } catch {
        restSeen = false
        result.gaps.append(gap("/deletedkeys", error))
      }
    }
    if store.kind == .managedHsm {
      let rights = await LocalRightsReader(endpoint: endpoint, store: store.id, concurrency: concurrency).read(keys: names + deletedNames)
      restSeen = restSeen && rights.gaps.isEmpty
      result.add(rights)
      await settings(&result)
    }
    let nothing = !keysSeen && result.roles.isEmpty && result.grants.isEmpty
    if nothing { result.gaps.removeAll { $0.place != "\(store.id) /keys" } }
    store.visibility = nothing ? .denied : !keysSeen ? .partial : restSeen && !hiddenVersions ? .full : .partial
    result.stores = [store]
    return result
  }

  private func gap(_ path: String, _ error: OutboundError) -> EstateGap { EstateGap("\(store.id) \(path)", error.gapKind, why: error.description) }

  private static func names(_ items: [JSONValue]) -> [String] {
    var seen: Set<String> = []
    return items.compactMap { $0["kid"]?.string.flatMap(KeyReading.parts)?.name }.filter { seen.insert($0).inserted }
  }

  private func key(_ name: String) async -> KeyPart {
    var part = KeyPart()
    var rotation: InventorySnapshot.RotationPolicy?
    do throws(OutboundError) { rotation = KeyReading.rotation(try await endpoint.get("/keys/\(name)/rotationpolicy")) } catch {
      // No policy is not a secret one.
      if !error.isNotFound { part.gaps.append(gap("/keys/\(name)/rotationpolicy", error)) }
    }
    let items: [JSONValue]
    do throws(OutboundError) { items = try await endpoint.list("/keys/\(name)/versions", [("maxresults", "25")]) } catch {
      part.gaps.append(gap("/keys/\(name)/versions", error))
      return part
    }
    for item in items {
      guard let version = item["kid"]?.string.flatMap(KeyReading.parts)?.version, KeyReading.isName(version) else { continue }
      do throws(OutboundError) {
        let bundle = try await endpoint.get("/keys/\(name)/\(version)")
        if let key = KeyReading.key(bundle, store: store.id, rotation: rotation, deleted: false) { part.keys.append(key) }
        if let publicKey = KeyReading.publicKey(bundle) { part.publicKeys.append(publicKey) }
      } catch {
        part.gaps.append(gap("/keys/\(name)/\(version)", error))
        if let key = KeyReading.listed(item, store: store.id, deleted: false) { part.keys.append(key) }
      }
    }
    return part
  }

  private func deleted(_ item: JSONValue) async -> KeyPart {
    var part = KeyPart()
    guard let name = item["kid"]?.string.flatMap(KeyReading.parts)?.name, KeyReading.isName(name) else { return part }
    do throws(OutboundError) {
      let bundle = try await endpoint.get("/deletedkeys/\(name)")
      if let key = KeyReading.key(bundle, store: store.id, rotation: nil, deleted: true) { part.keys.append(key) }
      if let publicKey = KeyReading.publicKey(bundle) { part.publicKeys.append(publicKey) }
    } catch {
      part.gaps.append(gap("/deletedkeys/\(name)", error))
      if let key = KeyReading.listed(item, store: store.id, deleted: true) { part.keys.append(key) }
    }
    return part
  }

  /// The one setting that hands key creation to ARM; and whether somebody is moving the security domain right now. Absence of the right to
  /// read them takes nothing from the inventory.
  private func settings(_ result: inout EstateFragment) async {
    if let value = try? await endpoint.get("/settings/AllowKeyManagementOperationsThroughARM"), value["value"]?.string?.lowercased() == "true" {
      result.notes.append("\(store.id): keys can be managed through ARM (AllowKeyManagementOperationsThroughARM), so whoever may write ARM resources may create keys")
    }
    for way in ["download", "upload"] {
      guard let value = try? await endpoint.get("/securitydomain/\(way)/pending"), let status = value["status"]?.string else { continue }
      if status.lowercased() == "inprogress" { result.notes.append("\(store.id): a security domain \(way) is in progress") }
    }
  }
}
