import NIOCore
import Synchronization

/// Counts exchanges in flight so that a graceful shutdown can answer what it accepted.
///
/// `began`/`ended` are called once per exchange from any thread; `channels` is written when a connection opens and closes.
package final class DrainState: Sendable {
  private let inFlight = Atomic<Int>(0)
  private let draining = Atomic<Bool>(false)
  private let channels = Mutex<[ObjectIdentifier: any Channel]>([:])

  package init() {}

  package var isDraining: Bool { draining.load(ordering: .relaxed) }
  package var exchangesInFlight: Int { inFlight.load(ordering: .relaxed) }
  package var openConnections: Int { channels.withLock { $0.count } }

  func began() { inFlight.add(1, ordering: .relaxed) }
  func ended() { inFlight.subtract(1, ordering: .releasing) }

  func opened(_ channel: any Channel) {
    let id = ObjectIdentifier(channel)
    channels.withLock { $0[id] = channel }
    channel.closeFuture.whenComplete { [self] _ in _ = channels.withLock { $0.removeValue(forKey: id) } }
  }

  /// Marks the listener as draining and tells idle connections to close; the busy ones close after their reply.
  func begin() -> [any Channel] {
    draining.store(true, ordering: .relaxed)
    let open = channels.withLock { Array($0.values) }
    for channel in open { channel.pipeline.fireUserInboundEventTriggered(DrainEvent()) }
    return open
  }
}

/// Fired through a connection's pipeline when the server starts to drain.
struct DrainEvent: Sendable {}
