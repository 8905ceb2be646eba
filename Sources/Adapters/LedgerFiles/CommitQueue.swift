import Ledger

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A leaf that waits for the medium, with the answer it owes.
struct PendingLeaf: Sendable {
  let leaf: LeafDraft
  let completion: @Sendable (Result<UInt64, LedgerError>) -> Void
}

/// Leaves on their way to the one writer thread: bounded, and emptied as a whole.
///
/// `@unchecked Sendable` is sound because every stored property below the mutex is only touched between `pthread_mutex_lock` and
/// `unlock`, and the mutex and condition live at fixed addresses from `init` to `deinit`. (Synchronization's `Mutex` has no
/// condition to wait on.)
final class CommitQueue: @unchecked Sendable {
  enum Command: Sendable { case checkpoint(@Sendable (Result<Checkpoint, LedgerError>) -> Void) }
  enum State { case open, closing, failed(LedgerError) }

  /// What woke the writer.
  struct Work {
    var commands: [Command] = []
    var closing = false
    var timedOut = false
  }

  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>
  private let limit: Int

  // Under the mutex.
  private var pending: [PendingLeaf] = []
  private var commands: [Command] = []
  private var state = State.open
  private var writerWaits = false

  init(limit: Int) {
    self.limit = limit
    mutex = .allocate(capacity: 1)
    condition = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    #if canImport(Glibc)
      pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    #endif
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
    pending.reserveCapacity(256)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  /// Adds a leaf, or says at once why not.
  func add(_ leaf: PendingLeaf) -> LedgerError? {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    if let refusal { return refusal }
    guard pending.count < limit else { return .queueFull(limit: limit) }
    pending.append(leaf)
    wake()
    return nil
  }

  func add(_ command: Command) -> LedgerError? {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    if let refusal { return refusal }
    commands.append(command)
    wake()
    return nil
  }

  /// Takes nothing more; the writer finishes what is queued.
  func close() {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    if case .open = state { state = .closing }
    wake()
  }

  /// Takes nothing more and gives back what is queued, to be answered with `error`.
  func fail(_ error: LedgerError) -> (leaves: [PendingLeaf], commands: [Command]) {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    state = .failed(error)
    defer {
      pending = []
      commands = []
    }
    return (pending, commands)
  }

  /// Blocks until there is something to do, then takes all of it.
  ///
  /// - Parameters:
  ///   - leaves: must be empty; is exchanged for the queue's array.
  ///   - seconds: gives up after this time with `timedOut`; nil waits for ever.
  func take(into leaves: inout [PendingLeaf], timeoutSeconds seconds: Int?) -> Work {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    var work = Work()
    var deadline = timespec()
    if let seconds {
      clock_gettime(CLOCK_MONOTONIC, &deadline)
      deadline.tv_sec += seconds
    }
    while pending.isEmpty, commands.isEmpty, case .open = state, !work.timedOut {
      writerWaits = true
      if seconds == nil {
        pthread_cond_wait(condition, mutex)
      } else {
        work.timedOut = pthread_cond_timedwait(condition, mutex, &deadline) == ETIMEDOUT
      }
      writerWaits = false
    }
    swap(&pending, &leaves)
    swap(&commands, &work.commands)
    if case .closing = state { work.closing = true }
    return work
  }

  /// Leaves that wait now.
  var depth: Int {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return pending.count
  }

  /// Caller holds the mutex.
  private var refusal: LedgerError? {
    switch state {
    case .open: nil
    case .closing: .closed
    case .failed(let error): error
    }
  }

  /// Caller holds the mutex.
  private func wake() {
    if writerWaits { pthread_cond_signal(condition) }
  }
}
