import Synchronization

/// Whether the HSM is activated: its security domain was downloaded to a quorum of custodians at least once.
package final class Activation: Sendable {
  static let stateName = "activation"
  private let active: Atomic<Bool>
  private let store: any StateStore
  /// Held while a download runs, so that two cannot race for the first one.
  let downloading = Mutex<Void>(())

  package init(store: any StateStore) throws(StateStoreFailure) {
    self.store = store
    active = Atomic(try store.value(of: Self.stateName) == Array("active".utf8))
  }

  package var isActive: Bool { active.load(ordering: .acquiring) }

  /// Durable before it is visible. Repeating it changes nothing.
  func activate() throws(StateStoreFailure) {
    guard !isActive else { return }
    try store.set(Self.stateName, to: Array("active".utf8))
    active.store(true, ordering: .releasing)
  }
}
