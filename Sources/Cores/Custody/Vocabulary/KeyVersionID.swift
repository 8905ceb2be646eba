package import Clocks

/// The identifier of one version of a key: 128 random bits, written as 32 lower-case hex digits.
package struct KeyVersionID: Hashable, Sendable, CustomStringConvertible {
  let high: UInt64
  let low: UInt64

  /// A fresh random identifier.
  package init(entropy: Entropy) {
    var words: (UInt64, UInt64) = (0, 0)
    for (index, byte) in entropy.bytes(16).enumerated() {
      if index < 8 { words.0 = words.0 << 8 | UInt64(byte) } else { words.1 = words.1 << 8 | UInt64(byte) }
    }
    (high, low) = words
  }

  /// - Parameter text: exactly 32 hex digits; either case is read, lower case is written.
  package init?(_ text: String) {
    var words: (UInt64, UInt64) = (0, 0)
    var count = 0
    for byte in text.utf8 {
      let digit: UInt8
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
      default: return nil
      }
      if count < 16 { words.0 = words.0 << 4 | UInt64(digit) } else { words.1 = words.1 << 4 | UInt64(digit) }
      count += 1
      if count > 32 { return nil }
    }
    guard count == 32 else { return nil }
    (high, low) = words
  }

  package var text: String {
    String(unsafeUninitializedCapacity: 32) { buffer in
      for index in 0..<32 {
        let word = index < 16 ? high : low
        let digit = UInt8(truncatingIfNeeded: word >> (60 - 4 * UInt64(index % 16))) & 15
        buffer[index] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
      }
      return 32
    }
  }
  package var description: String { text }
}

/// One version of one key.
package struct KeyIdentity: Hashable, Sendable, CustomStringConvertible {
  package let name: KeyName
  package let version: KeyVersionID

  package init(name: KeyName, version: KeyVersionID) {
    self.name = name
    self.version = version
  }

  /// `keys/<name>/<version>`: a key identifier without its host, which nothing stored ever contains.
  package var path: String { "keys/\(name.text)/\(version.text)" }
  package var description: String { path }
}
