import NIOPosix
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// Where work runs that an event loop must not do, each lane bounded: a full lane answers 503 instead of growing.
///
/// - `crypto`: RSA, and making keys. As many threads as cores.
/// - `state`: everything that waits for the database or a file.
/// - `network`: asking another host (issuer keys), as child tasks of `run()`.
package final class Lanes: Sendable {
  package enum Lane: Sendable { case crypto, state }

  private let crypto: NIOThreadPool
  private let state: NIOThreadPool
  private let cryptoWaiting = Atomic<Int>(0)
  private let stateWaiting = Atomic<Int>(0)
  private let network: AsyncStream<@Sendable () async -> Void>
  private let networkInput: AsyncStream<@Sendable () async -> Void>.Continuation

  /// Jobs that may wait in a thread lane.
  static let limit = 4096
  /// Outgoing requests that may wait.
  static let networkLimit = 64

  package init(cores: Int) {
    crypto = NIOThreadPool(numberOfThreads: max(1, cores))
    state = NIOThreadPool(numberOfThreads: 2)
    crypto.start()
    state.start()
    (network, networkInput) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.networkLimit))
  }

  /// - Returns: false when the lane is full; the job will not run.
  func run(on lane: Lane, _ job: @escaping @Sendable () -> Void) -> Bool {
    switch lane {
    case .crypto: submit(job, to: crypto, waiting: cryptoWaiting)
    case .state: submit(job, to: state, waiting: stateWaiting)
    }
  }

  private func submit(_ job: @escaping @Sendable () -> Void, to pool: NIOThreadPool, waiting: borrowing Atomic<Int>) -> Bool {
    guard waiting.add(1, ordering: .relaxed).newValue <= Self.limit else {
      waiting.subtract(1, ordering: .relaxed)
      return false
    }
    let lane: Lane = pool === crypto ? .crypto : .state
    pool.submit { [self] _ in
      ended(lane)
      if lane == .crypto { LanePriority.lower() }
      job()
    }
    return true
  }

  private func ended(_ lane: Lane) {
    switch lane {
    case .crypto: cryptoWaiting.subtract(1, ordering: .relaxed)
    case .state: stateWaiting.subtract(1, ordering: .relaxed)
    }
  }

  /// - Returns: false when too many outgoing requests wait already, or the server is stopping.
  func runOnNetwork(_ job: @escaping @Sendable () async -> Void) -> Bool {
    if case .enqueued = networkInput.yield(job) { return true }
    return false
  }

  /// Performs the network lane's jobs until `shutDown`.
  package func run() async {
    await withDiscardingTaskGroup { group in
      for await job in network { group.addTask { await job() } }
    }
  }

  /// Takes no more outgoing requests; `run()` returns when the last one ended.
  package func finishNetwork() { networkInput.finish() }

  package func shutDown() async {
    finishNetwork()
    try? await crypto.shutdownGracefully()  // fails only when already shut down
    try? await state.shutdownGracefully()
  }
}

/// Event loops go before RSA: a P-256 signature must not wait behind a pool that works through thousands of RSA signatures.
enum LanePriority {
  /// How much nicer the crypto lane's threads are than the rest (setpriority(2): on Linux, of the calling thread alone).
  static let niceness: Int32 = 10

  /// Costs a tenth of a microsecond, so it is simply said before each job. Where it is not permitted, nothing changes but the order.
  static func lower() {
    #if os(Linux)
      _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness)
    #endif
  }
}
