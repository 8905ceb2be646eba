import Plans

/// ZIP archives of stored members, each part of which can be told a lie.
struct ArchiveFixture {
  struct Member {
    var name: String
    var bytes: [UInt8]
    var method = 0
    var flags = 0
    /// Sizes, checksum and place as the directory states them; nil for the truth.
    var packed: Int?
    var size: Int?
    var checksum: UInt32?
    var offset: Int?
    /// The name in front of the contents; nil for the same.
    var localName: String?
    var localMethod: Int?
    var localFlags = 0

    init(_ name: String, _ text: String = "") { self.init(name, bytes: Array(text.utf8)) }
    init(_ name: String, bytes: [UInt8]) {
      self.name = name
      self.bytes = bytes
    }
  }

  var members: [Member]
  /// Entries as the end record states them; nil for the truth.
  var count: Int?
  var countOnDisk: Int?
  var directorySize: Int?
  var directoryStart: Int?
  var comment: [UInt8] = []
  var commentLength: Int?

  static let plan = Member("tfplan", "opaque")

  static func plan(_ files: [String: String], modules: String? = nil) -> ArchiveFixture {
    ArchiveFixture(members: [plan] + (modules.map { [Member("tfconfig/modules.json", $0)] } ?? []) + files.sorted { $0.key < $1.key }.map { Member("tfconfig/\($0.key)", $0.value) })
  }

  private static func little(_ value: Int, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }

  /// CRC-32 as ZIP has it (APPNOTE.TXT 4.4.7), bit by bit.
  static func checksum(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(UInt32.max) { sum, byte in (0..<8).reduce(sum ^ UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 } }
  }

  var bytes: [UInt8] {
    var result: [UInt8] = []
    var directory: [UInt8] = []
    for member in members {
      let offset = result.count
      let local = Array((member.localName ?? member.name).utf8)
      let name = Array(member.name.utf8)
      let checksum = Int(member.checksum ?? Self.checksum(member.bytes))
      let sizes = Self.little(member.packed ?? member.bytes.count, 4) + Self.little(member.size ?? member.bytes.count, 4)
      result += Self.little(0x0403_4B50, 4) + Self.little(20, 2) + Self.little(member.localFlags, 2) + Self.little(member.localMethod ?? member.method, 2) + Self.little(0, 4) + Self.little(checksum, 4)
      result += sizes + Self.little(local.count, 2) + Self.little(0, 2) + local + member.bytes
      directory += Self.little(0x0201_4B50, 4) + Self.little(20, 2) + Self.little(20, 2) + Self.little(member.flags, 2) + Self.little(member.method, 2) + Self.little(0, 4) + Self.little(checksum, 4)
      directory += sizes + Self.little(name.count, 2) + Self.little(0, 2) + Self.little(0, 2) + Self.little(0, 8) + Self.little(member.offset ?? offset, 4) + name
    }
    let start = result.count
    result += directory
    result += Self.little(0x0605_4B50, 4) + Self.little(0, 4) + Self.little(countOnDisk ?? count ?? members.count, 2) + Self.little(count ?? members.count, 2) + Self.little(directorySize ?? directory.count, 4)
    return result + Self.little(directoryStart ?? start, 4) + Self.little(commentLength ?? comment.count, 2) + comment
  }
}
