#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif
package import Crypto

/// A fixed number of secret bytes in pages of their own.
///
/// The pages are locked out of swap when the process may lock memory, left out of core dumps (Linux), and wiped before they are given
/// back. There is no description of the content; it leaves only through `withUnsafeBytes`.
///
/// Cost: three system calls to make, two to free; at least one page each. Do not make one per request when one per key will do.
package final class SecretBytes: Sendable {
  package let count: Int
  /// Whether the pages are locked; false means the limit on locked memory (RLIMIT_MEMLOCK) was reached.
  package let isLocked: Bool
  // Proof for `nonisolated(unsafe)`: the pointer never changes, the bytes are written only inside `init`, before any other thread
  // can hold a reference, and in `deinit`, when none does any more.
  private nonisolated(unsafe) let pages: UnsafeMutableRawPointer
  private let mapped: Int

  /// Makes the bytes by writing them in place. The buffer starts as zeros.
  package init<E: Error>(count: Int, initializing write: (UnsafeMutableRawBufferPointer) throws(E) -> Void) throws(E) {
    precondition(count >= 0, "a negative number of secret bytes is a defect of the caller")
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    mapped = max(1, (count + page - 1) / page) * page
    self.count = count
    let memory = mmap(nil, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    // Running out of address space is not an error a caller could answer; the allocator traps likewise.
    guard let memory, memory != MAP_FAILED else { fatalError("no memory for secret bytes") }
    pages = memory
    isLocked = mlock(memory, mapped) == 0
    #if canImport(Glibc)
      _ = madvise(memory, mapped, MADV_DONTDUMP)
      _ = madvise(memory, mapped, MADV_WIPEONFORK)
    #endif
    try write(UnsafeMutableRawBufferPointer(start: memory, count: count))
  }

  deinit {
    wipeMemory(pages, mapped)
    if isLocked { munlock(pages, mapped) }
    munmap(pages, mapped)
  }

  /// Moves bytes in: the array is wiped and left empty. (Copies of the array made earlier cannot be wiped.)
  package convenience init(wiping bytes: inout [UInt8]) {
    self.init(count: bytes.count) { target in bytes.withUnsafeBytes { target.copyMemory(from: $0) } }
    wipe(&bytes)
  }

  package convenience init(copying bytes: UnsafeRawBufferPointer) {
    self.init(count: bytes.count) { target in target.copyMemory(from: bytes) }
  }

  /// Fresh random bytes from `entropy`, which is asked once.
  package convenience init(random count: Int, entropy: (Int) -> [UInt8]) {
    var bytes = entropy(count)
    precondition(bytes.count == count, "an entropy source returns as many bytes as asked")
    self.init(wiping: &bytes)
  }

  /// Takes over a key of swift-crypto.
  package convenience init(_ key: SymmetricKey) {
    self.init(count: key.bitCount / 8) { target in key.withUnsafeBytes { target.copyMemory(from: $0) } }
  }

  /// Lends the bytes for the duration of `body`, which must not let the pointer escape.
  package func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
    try withExtendedLifetime(self) { () throws(E) -> R in try body(UnsafeRawBufferPointer(start: pages, count: count)) }
  }

  /// The bytes as a key of swift-crypto, which wipes its own copy.
  package var symmetricKey: SymmetricKey { withUnsafeBytes { SymmetricKey(data: $0) } }

  /// Whether two secrets are equal, in time that depends only on their lengths.
  package func isEqual(to other: SecretBytes) -> Bool {
    withUnsafeBytes { a in other.withUnsafeBytes { b in constantTimeEqual(a, b) } }
  }
}

extension SecretBytes: CustomStringConvertible, CustomReflectable {
  package var description: String { "SecretBytes(\(count))" }
  package var customMirror: Mirror { Mirror(self, children: [(label: String?, value: Any)]()) }
}

/// Overwrites the array's bytes and empties it. Call it on the only copy.
package func wipe(_ bytes: inout [UInt8]) {
  bytes.withUnsafeMutableBytes { wipeMemory($0) }
  bytes = []
}

/// Overwrites memory in a way the compiler may not remove.
func wipeMemory(_ start: UnsafeMutableRawPointer, _ count: Int) {
  #if canImport(Glibc)
    explicit_bzero(start, count)
  #else
    _ = memset_s(start, count, 0, count)
  #endif
}

func wipeMemory(_ buffer: UnsafeMutableRawBufferPointer) {
  if let start = buffer.baseAddress { wipeMemory(start, buffer.count) }
}

/// Whether two byte strings are equal, in time that depends only on their lengths. Different lengths are unequal.
package func constantTimeEqual(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
  guard a.count == b.count else { return false }
  var difference: UInt8 = 0
  for i in 0..<a.count { difference |= a[i] ^ b[i] }
  return difference == 0
}

package func constantTimeEqual(_ a: [UInt8], _ b: [UInt8]) -> Bool {
  a.withUnsafeBytes { a in b.withUnsafeBytes { b in constantTimeEqual(a, b) } }
}
