import CLibcrypto

/// What keeps key bytes inside this process: no core files, no tracing by the same user, no swap.
///
/// None of it holds against root. Apply once, first thing in `main`, before any key is loaded.
package struct ProcessHardening: Hashable, Sendable {
  /// RLIMIT_CORE is 0.
  package let noCoreFiles: Bool
  /// PR_SET_DUMPABLE is 0: no core dumps, no ptrace and no reading of /proc/<pid>/mem by the same user.
  package let noTracing: Bool
  /// All memory is locked (mlockall). Needs CAP_IPC_LOCK or an unlimited RLIMIT_MEMLOCK.
  package let allMemoryLocked: Bool
  /// The arena that holds RSA, P-521 and P-256K private integers is locked, even where not all memory is.
  package let arenaLocked: Bool

  /// Does what the machine permits and says what that was.
  package static func apply() -> ProcessHardening {
    let noCoreFiles = hallmark_forbid_core_files() == 1
    let noTracing = hallmark_forbid_tracing() == 1
    let allMemoryLocked = hallmark_lock_memory() == 1
    return ProcessHardening(
      noCoreFiles: noCoreFiles, noTracing: noTracing, allMemoryLocked: allMemoryLocked,
      arenaLocked: LibcryptoRuntime.arena == .locked)
  }

  /// One line per protection that is missing, fit for the log at start.
  package var shortcomings: [String] {
    var lines: [String] = []
    if !noCoreFiles { lines.append("core files could not be switched off") }
    if !noTracing { lines.append("processes of the same user can read this process's memory") }
    if !allMemoryLocked { lines.append("memory can be swapped to disk: give CAP_IPC_LOCK or an unlimited memlock limit") }
    if !arenaLocked { lines.append("the arena for RSA, P-521 and P-256K keys is not locked: raise the memlock limit to 8 MiB") }
    return lines
  }
}
