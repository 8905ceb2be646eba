import Encodings
import Estate
import Plans

/// Keys that leave Managed HSMs and keys that arrive in vaults, each with what can link them.
struct KeyMoves {
  struct Key {
    var resource: PlannedResource?
    var address: String
    var name: String
    var store: StoreHandle?
    var storeName: String
    var algorithm: String?
    var tags: [String: String]
    var isSigning: Bool
    var how: String

    var isImport: Bool { resource?.change.isImport == true }
  }

  var leaving: [Key] = []
  var arriving: [Key] = []
  /// Signing keys that stay in Managed HSMs, by skeleton of the name.
  var staying: [String: (name: String, store: String)] = [:]

  init(_ change: EstateChange, _ material: SigningMaterial) {
    var left: Set<String> = []
    for resource in change.resources where !resource.change.isData && !resource.change.isDrift {
      if case .key(let key)? = resource.before, key.kind == .managedHsm, resource.leaves {
        let handle = change.store(key.store, kind: .managedHsm)
        let how = resource.action == .forget ? "is left unmanaged" : resource.action == .replace ? "is destroyed and made anew" : "is deleted"
        leaving.append(Self.key(key, resource, handle, material.isSigning(key, handle: handle), how))
        if let handle, let name = key.name.value { left.insert("\(handle.id)/\(name.lowercased())") }
      }
      if case .key(let key)? = resource.after, key.kind == .vault, resource.arrives || resource.change.isImport {
        let handle = change.store(key.store, kind: .vault)
        arriving.append(Self.key(key, resource, handle, material.isSigning(key, handle: handle), resource.change.isImport ? "is imported" : "is created"))
      }
    }
    leaving += Self.droppedByCompleteMode(change, material, left)
    let gone = left.union(leaving.compactMap { key in key.store.map { "\($0.id)/\(key.name.lowercased())" } })
    for store in change.inventory?.stores ?? [] where store.kind == .managedHsm {
      let handle = StoreHandle(id: store.id.lowercased(), name: store.id, kind: .managedHsm, armId: store.armId)
      for key in material.signingKeys(in: handle) where !gone.contains("\(handle.id)/\(key.name.lowercased())") {
        staying[NameSkeleton.of(key.name)] = (key.name, store.id)
      }
    }
    for resource in change.resources where !resource.change.isDrift && !resource.leaves {
      guard case .key(let key)? = resource.after, key.kind == .managedHsm, let name = key.name.value else { continue }
      let handle = change.store(key.store, kind: .managedHsm)
      if material.isSigning(key, handle: handle) { staying[NameSkeleton.of(name)] = (name, handle?.name ?? "its HSM") }
    }
  }

  private static func key(_ key: PlannedKey, _ resource: PlannedResource, _ handle: StoreHandle?, _ isSigning: Bool, _ how: String) -> Key {
    let detail = key.curve.value ?? key.size.value.map { String($0) } ?? ""
    return Key(
      resource: resource, address: resource.address, name: key.name.value ?? "", store: handle, storeName: handle?.name ?? "its store",
      algorithm: algorithm(key.kty.value, detail), tags: key.tags.value ?? [:], isSigning: isSigning, how: how)
  }

  /// `ECP-256`: the same for a key in hardware and in software.
  private static func algorithm(_ kty: String?, _ detail: String) -> String? {
    kty.map { $0.uppercased().replacing("-HSM", with: "") + detail }
  }

  /// Complete deployments take away the HSM keys of their resource groups that the template does not name (2.12).
  private static func droppedByCompleteMode(_ change: EstateChange, _ material: SigningMaterial, _ left: Set<String>) -> [Key] {
    var result: [Key] = []
    for (number, set) in change.sets.enumerated() where !set.completeModeScopes.isEmpty {
      for store in change.inventory?.stores ?? [] where store.kind == .managedHsm && StoresLeaving.isIn(set.completeModeScopes, store.armId) {
        let handle = StoreHandle(id: store.id.lowercased(), name: store.id, kind: .managedHsm, armId: store.armId)
        let named = Set(change.resources.compactMap { resource -> String? in
          guard resource.set == number, resource.change.dialect == .arm, !resource.leaves, case .key(let key)? = resource.after, key.kind == .managedHsm,
            change.store(key.store, kind: .managedHsm)?.id == handle.id
          else { return nil }
          return key.name.value?.lowercased()
        })
        for key in material.signingKeys(in: handle) where !named.contains(key.name.lowercased()) && !left.contains("\(handle.id)/\(key.name.lowercased())") {
          let detail = key.curve ?? key.bits.map { String($0) } ?? ""
          result.append(
            Key(
              resource: nil, address: "\(store.id)/\(key.name)", name: key.name, store: handle, storeName: store.id, algorithm: algorithm(key.kty, detail),
              tags: key.tags ?? [:], isSigning: true, how: "is not in the template, which is deployed in complete mode"))
        }
      }
    }
    return result
  }
}
