import Clocks
import Synchronization

/// Makes `x-ms-request-id` values: version-1 UUIDs (RFC 9562 §5.1), as the live service's are.
///
/// The node is random with the multicast bit set (§6.10), so it names no machine; the timestamp never repeats within a process.
final class RequestIDSource: Sendable {
  private let last = Atomic<UInt64>(0)
  private let clock: TimeSource
  private let suffix: String
  private static let digits = Array("0123456789abcdef".utf8)
  /// 100-ns intervals between 1582-10-15 and the Unix epoch.
  private static let epochOffset: UInt64 = 0x01B2_1DD2_1381_4000

  init(clock: TimeSource, entropy: Entropy) {
    self.clock = clock
    var bytes = entropy.bytes(8)
    bytes[0] = bytes[0] & 0x3F | 0x80
    bytes[2] |= 0x01
    var text: [UInt8] = []
    for (index, byte) in bytes.enumerated() {
      if index == 2 { text.append(UInt8(ascii: "-")) }
      text.append(Self.digits[Int(byte >> 4)])
      text.append(Self.digits[Int(byte & 15)])
    }
    suffix = String(decoding: text, as: UTF8.self)
  }

  func next() -> String {
    let now = UInt64(bitPattern: clock.now().nanoseconds / 100) &+ Self.epochOffset
    var previous = last.load(ordering: .relaxed)
    var stamp = max(now, previous &+ 1)
    while true {
      let (done, seen) = last.weakCompareExchange(expected: previous, desired: stamp, ordering: .relaxed)
      if done { break }
      previous = seen
      stamp = max(now, previous &+ 1)
    }
    return String(unsafeUninitializedCapacity: 36) { out in
      var at = 0
      func put(_ value: UInt64, nibbles: Int) {
        for shift in stride(from: (nibbles - 1) * 4, through: 0, by: -4) {
          out[at] = Self.digits[Int((value >> UInt64(shift)) & 15)]
          at += 1
        }
        out[at] = UInt8(ascii: "-")
        at += 1
      }
      put(stamp & 0xFFFF_FFFF, nibbles: 8)
      put((stamp >> 32) & 0xFFFF, nibbles: 4)
      put((stamp >> 48) & 0x0FFF | 0x1000, nibbles: 4)
      for byte in suffix.utf8 {
        out[at] = byte
        at += 1
      }
      return at
    }
  }
}
