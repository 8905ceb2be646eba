/// Time and entropy as parameters.
///
/// Every core takes a `TimeSource` and an `Entropy` instead of asking the system, so that a test can own both.
/// This target knows nothing else and imports nothing of ours.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A point in time: nanoseconds since the Unix epoch, UTC, leap seconds ignored (POSIX).
package struct Instant: Sendable, Hashable, Comparable {
  package var nanoseconds: Int64

  package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
  package init(seconds: Int64) { self.nanoseconds = seconds.multipliedReportingOverflow(by: 1_000_000_000).partialValue }

  /// Whole seconds since the epoch, rounded towards the past: what the Managed HSM wire carries.
  package var seconds: Int64 { nanoseconds >= 0 ? nanoseconds / 1_000_000_000 : (nanoseconds - 999_999_999) / 1_000_000_000 }

  package static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }
  package func advanced(bySeconds seconds: Int64) -> Instant { Instant(nanoseconds: nanoseconds + seconds * 1_000_000_000) }
}

/// Where "now" comes from.
package struct TimeSource: Sendable {
  package let now: @Sendable () -> Instant

  package init(now: @escaping @Sendable () -> Instant) { self.now = now }

  /// The machine's wall clock.
  package static let system = TimeSource {
    var t = timespec()
    clock_gettime(CLOCK_REALTIME, &t)
    return Instant(nanoseconds: Int64(t.tv_sec) * 1_000_000_000 + Int64(t.tv_nsec))
  }

  /// Always the same instant.
  package static func fixed(_ instant: Instant) -> TimeSource { TimeSource { instant } }

  /// This clock, moved by whole seconds.
  package func shifted(bySeconds seconds: Int64) -> TimeSource { TimeSource { [now] in now().advanced(bySeconds: seconds) } }
}

/// Where random bytes come from.
package struct Entropy: Sendable {
  package let fill: @Sendable (_ count: Int) -> [UInt8]

  package init(fill: @escaping @Sendable (_ count: Int) -> [UInt8]) { self.fill = fill }

  /// The operating system's generator.
  package static let system = Entropy { count in
    var generator = SystemRandomNumberGenerator()
    var bytes = [UInt8]()
    bytes.reserveCapacity(count)
    while bytes.count < count {
      withUnsafeBytes(of: generator.next()) { bytes.append(contentsOf: $0.prefix(count - bytes.count)) }
    }
    return bytes
  }

  package func bytes(_ count: Int) -> [UInt8] { fill(count) }

  /// A random (version 4) UUID, lower case: RFC 9562 §5.4.
  package func uuid() -> String {
    var b = fill(16)
    b[6] = (b[6] & 0x0F) | 0x40
    b[8] = (b[8] & 0x3F) | 0x80
    let digits = Array("0123456789abcdef".utf8)
    var text = [UInt8]()
    text.reserveCapacity(36)
    for (i, byte) in b.enumerated() {
      if i == 4 || i == 6 || i == 8 || i == 10 { text.append(UInt8(ascii: "-")) }
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }
}
