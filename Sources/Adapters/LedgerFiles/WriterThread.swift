import Ledger

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Starts one thread of its own for work that blocks for the life of a log.
struct ThreadStart {
  private final class Body {
    let run: () -> Void
    init(_ run: @escaping () -> Void) { self.run = run }
  }
  private let body: Body

  init(_ run: sending @escaping () -> Void) { body = Body(run) }

  func launch() throws(LedgerError) {
    let argument = Unmanaged.passRetained(body)
    #if canImport(Glibc)
      var thread = pthread_t()
    #else
      var thread: pthread_t?
    #endif
    let code = pthread_create(
      &thread, nil,
      { argument in
        #if canImport(Glibc)
          Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue().run()
        #else
          Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
        #endif
        return nil
      }, argument.toOpaque())
    guard code == 0 else {
      argument.release()
      throw .writeFailed(operation: "start a thread", errno: code)
    }
    #if canImport(Glibc)
      pthread_detach(thread)
    #else
      if let thread { pthread_detach(thread) }
    #endif
  }
}

/// A flag that is set once and waited for.
///
/// `@unchecked Sendable` is sound because `isSet` is only touched between `lock` and `unlock` of the mutex, whose address is fixed.
final class ThreadEnd: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t> = .allocate(capacity: 1)
  private let condition: UnsafeMutablePointer<pthread_cond_t> = .allocate(capacity: 1)
  private var isSet = false

  init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  func signal() {
    pthread_mutex_lock(mutex)
    isSet = true
    pthread_cond_broadcast(condition)
    pthread_mutex_unlock(mutex)
  }

  func wait() {
    pthread_mutex_lock(mutex)
    while !isSet { pthread_cond_wait(condition, mutex) }
    pthread_mutex_unlock(mutex)
  }
}
