internal import Clocks

extension InventorySnapshot {
  /// One snapshot of several, such as one per tenant. Of a store that several saw, the newer view with its keys, local roles and grants counts,
  /// but a view that was refused never replaces one that was not. Keys that only an older view had stay as deleted ones. nil when there is none to merge.
  package static func merged(_ snapshots: [InventorySnapshot]) -> InventorySnapshot? {
    guard let latest = snapshots.map(\.takenAt).max() else { return nil }
    var fragment = EstateFragment()
    var taken: [String: Int] = [:]
    let newestFirst = snapshots.sorted { $0.takenAt > $1.takenAt }
    for (index, snapshot) in newestFirst.enumerated() {
      for store in snapshot.stores {
        let id = store.id.lowercased()
        guard let known = taken[id] else {
          taken[id] = index
          continue
        }
        let shown = newestFirst[known].stores.first { $0.id.lowercased() == id }
        if shown?.visibility == .denied, store.visibility != .denied { taken[id] = index }
      }
    }
    for (index, snapshot) in newestFirst.enumerated() {
      func counts(_ store: String?) -> Bool { store.map { (taken[$0.lowercased()] ?? index) == index } ?? true }
      fragment.stores += snapshot.stores.filter { counts($0.id) }
      fragment.keys += snapshot.keys.filter { counts($0.store) }
      fragment.roles += snapshot.roles.filter { counts($0.store) }
      fragment.grants += snapshot.grants.filter { counts($0.store) }
      fragment.identities += snapshot.identities
      fragment.groups += snapshot.groups
      fragment.artifacts += snapshot.artifacts
    }
    var result = InventorySnapshot(fragment, takenAt: latest)
    for earlier in newestFirst.dropFirst() { result.keepPurged(of: earlier) }
    return result
  }
}
