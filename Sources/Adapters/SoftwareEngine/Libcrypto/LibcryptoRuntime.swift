import CLibcrypto

/// libcrypto as this process uses it: its secure arena, set up once before the first key exists.
enum LibcryptoRuntime {
  /// Room for some 2000 RSA-4096 keys, twice what a keyring keeps loaded by default. Reserved, locked page by page as it is used, guarded on both sides, not dumped.
  static let arenaBytes = 4 * 1024 * 1024

  enum Arena: Sendable { case locked, unlocked, missing }

  /// What became of the arena; evaluated once.
  static let arena: Arena =
    switch CRYPTO_secure_malloc_init(arenaBytes, 32) {
    case 1: .locked
    // Usable, but a limit (RLIMIT_MEMLOCK) kept it from being locked.
    case 2: .unlocked
    default: CRYPTO_secure_malloc_initialized() == 1 ? .unlocked : .missing
    }

  static func start() { _ = arena }
}
