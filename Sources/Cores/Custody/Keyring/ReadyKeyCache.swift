import Synchronization

/// The loaded keys, bounded by count; the least recently used one goes first.
///
/// A key that changes is forgotten before the change's reply leaves. A load that began before such a change must not put the old
/// state back afterwards: `begin` hands out the epoch at its start, and `keep` drops what comes from an earlier epoch.
final class ReadyKeyCache: Sendable {
  struct Slot: Hashable {
    let name: KeyName
    /// Nil: whatever version is the latest.
    let version: KeyVersionID?
  }

  private struct Entry {
    let slot: Slot
    let key: ReadyKey
    /// Neighbours in order of use, as indices; -1 at the ends.
    var newer: Int
    var older: Int
  }

  private struct State: ~Copyable {
    var index: [Slot: Int] = [:]
    var entries: [Entry?] = []
    var free: [Int] = []
    var newest = -1
    var oldest = -1
    var epoch: UInt64 = 0
  }

  let capacity: Int
  private let state: Mutex<State>

  init(capacity: Int) {
    precondition(capacity > 0, "a cache holds at least one key")
    self.capacity = capacity
    state = Mutex(State())
  }

  var count: Int { state.withLock { $0.index.count } }

  func find(_ slot: Slot) -> ReadyKey? {
    state.withLock { state in
      guard let position = state.index[slot] else { return nil }
      if state.newest != position {
        Self.unlink(position, &state)
        Self.linkNewest(position, &state)
      }
      return state.entries[position]?.key
    }
  }

  func begin() -> UInt64 { state.withLock { $0.epoch } }

  func keep(_ key: ReadyKey, at slot: Slot, begunAt epoch: UInt64) {
    // Dropped outside the lock: freeing a key handle wipes memory.
    let dropped: [ReadyKey] = state.withLock { state in
      guard state.epoch == epoch, state.index[slot] == nil else { return [] }
      var dropped: [ReadyKey] = []
      if state.index.count >= capacity, let key = Self.remove(state.oldest, &state) { dropped.append(key) }
      let position: Int
      if let free = state.free.popLast() { position = free } else {
        position = state.entries.count
        state.entries.append(nil)
      }
      state.entries[position] = Entry(slot: slot, key: key, newer: -1, older: -1)
      state.index[slot] = position
      Self.linkNewest(position, &state)
      return dropped
    }
    _ = dropped
  }

  /// Forgets every version of a name. Costs one pass over the cache; changes are rare.
  func forget(_ name: KeyName) {
    let dropped: [ReadyKey] = state.withLock { state in
      state.epoch += 1
      let positions = state.index.filter { $0.key.name == name }.map(\.value)
      return positions.compactMap { Self.remove($0, &state) }
    }
    _ = dropped
  }

  private static func unlink(_ position: Int, _ state: inout State) {
    guard let entry = state.entries[position] else { return }
    if entry.newer >= 0 { state.entries[entry.newer]?.older = entry.older } else { state.newest = entry.older }
    if entry.older >= 0 { state.entries[entry.older]?.newer = entry.newer } else { state.oldest = entry.newer }
  }

  private static func linkNewest(_ position: Int, _ state: inout State) {
    state.entries[position]?.newer = -1
    state.entries[position]?.older = state.newest
    if state.newest >= 0 { state.entries[state.newest]?.newer = position }
    state.newest = position
    if state.oldest < 0 { state.oldest = position }
  }

  private static func remove(_ position: Int, _ state: inout State) -> ReadyKey? {
    guard position >= 0, let entry = state.entries[position] else { return nil }
    unlink(position, &state)
    state.index[entry.slot] = nil
    state.entries[position] = nil
    state.free.append(position)
    return entry.key
  }
}
