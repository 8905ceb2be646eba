import Encodings
import Estate
import Plans

/// Which keys are signing keys, and which stores hold any: the question behind gates 2 and 3 (estate-and-gates §3.9, §3.10).
struct SigningMaterial {
  /// Whether a store holds signing material.
  enum Holds: Equatable {
    /// With the reason, for people.
    case yes(String)
    case no
    /// Nothing is known of what lies in it.
    case unknown
  }

  private let change: EstateChange
  /// Names of planned signing keys by store.
  private var planned: [String: Set<String>] = [:]
  /// Keys that identities meant for signing may sign with, by store.
  private var granted: [String: Set<String>] = [:]
  /// Stores that hold certificates of custodians of a security domain.
  private var wrapping: Set<String> = []

  init(_ change: EstateChange) {
    self.change = change
    for grant in change.inventory?.grants ?? [] where grant.capabilities?.contains(.sign) == true {
      let parts = grant.scope.split(separator: "/")
      guard parts.count >= 2, parts[parts.count - 2].lowercased() == "keys", let name = parts.last, let store = grant.store else { continue }
      granted[store.lowercased(), default: []].insert(name.lowercased())
    }
    for resource in change.resources where !resource.change.isData && !resource.change.isDrift {
      switch resource.after ?? resource.before {
      case .key(let key)?:
        guard isSigning(key, handle: change.store(key.store, kind: key.kind)), let store = change.store(key.store, kind: key.kind) else { continue }
        planned[store.id, default: []].insert(key.name.value ?? resource.address)
      case .certificate(let certificate)?:
        guard change.isSigningKey(name: certificate.name.value, tags: certificate.tags.value, subject: certificate.subject.value),
          let store = change.store(certificate.store, kind: .vault)
        else { continue }
        planned[store.id, default: []].insert(certificate.name.value ?? resource.address)
      case .managedHSM(let hsm)?:
        for word in hsm.domainCertificates.value ?? [] { if let store = certificateStore(word) { wrapping.insert(store.id) } }
      default: continue
      }
    }
  }

  /// The vault that a certificate id or a reference to a planned certificate names.
  func certificateStore(_ value: Planned<String>) -> StoreHandle? {
    for resource in change.resources(behind: value) {
      if case .certificate(let certificate)? = resource.after { return change.store(certificate.store, kind: .vault) }
    }
    return change.store(value, kind: .vault)
  }

  /// A planned key: by the register, its tags, its operations, or what the inventory knows of the key of that name.
  func isSigning(_ key: PlannedKey, handle: StoreHandle?) -> Bool {
    if change.isSigningKey(name: key.name.value, tags: key.tags.value) || Self.isTagged(key.tags.value) { return true }
    let ops = key.ops.words()
    if !ops.known.isEmpty { return ops.unknown == nil && Self.isForSigning(ops.known) }
    guard let handle, let name = key.name.value?.lowercased() else { return false }
    return signingKeys(in: handle).contains { $0.name.lowercased() == name }
  }

  func isSigning(_ key: InventorySnapshot.Key) -> Bool {
    if change.isSigningKey(name: key.name, tags: key.tags) || Self.isTagged(key.tags) { return true }
    if let ops = key.keyOps, !ops.isEmpty { return Self.isForSigning(ops) }
    return granted[key.store.lowercased()]?.contains(key.name.lowercased()) == true
  }

  /// Signing keys that the inventory lists in a store.
  func signingKeys(in handle: StoreHandle) -> [InventorySnapshot.Key] { change.inventoryKeys(handle).filter(isSigning) }

  func holds(_ handle: StoreHandle, tags: [String: String]? = nil) -> Holds {
    if Self.isTagged(tags) || tags.map({ change.isSigningKey(name: nil, tags: $0) }) == true { return .yes("it is tagged for signing") }
    if let names = planned[handle.id]?.sorted(), let first = names.first { return .yes("it holds signing key \(first)" + (names.count > 1 ? " and \(names.count - 1) more" : "")) }
    if wrapping.contains(handle.id) { return .yes("it holds the certificates of a security domain") }
    let keys = signingKeys(in: handle).map(\.name)
    if let first = Set(keys).sorted().first { return .yes("it holds signing key \(first)" + (Set(keys).count > 1 ? " and \(Set(keys).count - 1) more" : "")) }
    guard let store = change.inventoryStore(handle) else { return .unknown }
    switch store.visibility {
    case .full: return .no
    case .denied: return .yes("its keys could not be read, so that it must be taken to hold signing keys")
    case .partial: return .yes("its keys could not all be read, so that it must be taken to hold signing keys")
    }
  }

  static func isTagged(_ tags: [String: String]?) -> Bool {
    tags?.contains { ["hallmark.purpose", "purpose"].contains($0.key.lowercased()) && $0.value.lowercased() == "signing" } == true
  }

  private static func isForSigning(_ ops: [String]) -> Bool {
    let words = Set(ops.map { $0.lowercased() })
    return words.contains("sign") && words.isSubset(of: ["sign", "verify"])
  }
}
