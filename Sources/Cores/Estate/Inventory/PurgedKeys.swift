extension InventorySnapshot {
  /// Keeps key versions that an earlier snapshot listed and the stores no longer have: purged ones, and older versions of deleted keys, which a
  /// store lists no more. They stand with `deleted` true, since signatures that they made are still around (guard-formats §2).
  ///
  /// Only stores that were seen whole now: of another, what is not listed may still be there.
  ///
  /// - Returns: the stores, in lower case, that the earlier snapshot had seen whole; only of these an older one tells nothing more.
  @discardableResult
  package mutating func keepPurged(of earlier: InventorySnapshot) -> Set<String> {
    let whole = Set(stores.filter { $0.visibility == .full }.map { $0.id.lowercased() })
    func id(_ key: Key) -> String { "\(key.store)\u{0}\(key.name)\u{0}\(key.version ?? "")".lowercased() }
    var known = Set(keys.map(id))
    let names = Set(keys.map { "\($0.store)\u{0}\($0.name)".lowercased() })
    for var key in earlier.keys where whole.contains(key.store.lowercased()) {
      // A row without a version is the name only, which newer rows tell better.
      if key.version == nil, names.contains("\(key.store)\u{0}\(key.name)".lowercased()) { continue }
      guard known.insert(id(key)).inserted else { continue }
      key.deleted = true
      keys.append(key)
    }
    self = canonical
    return Set(earlier.stores.filter { $0.visibility == .full }.map { $0.id.lowercased() })
  }
}
