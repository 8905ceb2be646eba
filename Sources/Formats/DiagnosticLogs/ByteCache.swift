/// Values by the exact bytes they were read from: most members of a log are the same on thousands of lines.
///
/// Direct-mapped and of fixed size, so that a log cannot make it grow: a new text takes the place of one with the same index.
struct ByteCache<Value: Sendable>: Sendable {
  private struct Slot: Sendable {
    var hash: UInt64
    var bytes: [UInt8]
    var value: Value
  }

  private static var capacity: Int { 1024 }
  /// Longer texts are not kept.
  private static var longest: Int { 4096 }
  private var slots: [Slot?]

  init() { slots = Array(repeating: nil, count: Self.capacity) }

  /// The value of these bytes, made by `make` when it is not known. nil is not kept.
  mutating func value(_ bytes: UnsafeRawBufferPointer, _ make: (UnsafeRawBufferPointer) -> Value?) -> Value? {
    guard bytes.count <= Self.longest else { return make(bytes) }
    let hash = Self.hash(bytes)
    let index = Int(truncatingIfNeeded: (hash ^ hash >> 32) & UInt64(Self.capacity - 1))
    if let slot = slots[index], slot.hash == hash, Self.equal(slot.bytes, bytes) { return slot.value }
    guard let value = make(bytes) else { return nil }
    slots[index] = Slot(hash: hash, bytes: Array(bytes), value: value)
    return value
  }

  private static func equal(_ kept: [UInt8], _ bytes: UnsafeRawBufferPointer) -> Bool {
    guard kept.count == bytes.count else { return false }
    return kept.withUnsafeBytes { kept in
      var index = 0
      while index + 8 <= bytes.count {
        if kept.loadUnaligned(fromByteOffset: index, as: UInt64.self) != bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self) { return false }
        index += 8
      }
      while index < bytes.count {
        if kept[index] != bytes[index] { return false }
        index += 1
      }
      return true
    }
  }

  /// Spreads texts over the slots; equality is decided by the bytes.
  private static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var hash = UInt64(truncatingIfNeeded: bytes.count) &* 0x9E37_79B9_7F4A_7C15
    var index = 0
    while index + 8 <= bytes.count {
      hash = (hash ^ bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)) &* 0x9E37_79B9_7F4A_7C15
      hash ^= hash >> 29
      index += 8
    }
    while index < bytes.count {
      hash = (hash ^ UInt64(bytes[index])) &* 0x9E37_79B9_7F4A_7C15
      index += 1
    }
    return hash ^ hash >> 31
  }
}
