/// The state of one key name, as its row holds it.
struct KeyRecord: Hashable {
  /// In the spelling of its creation.
  var name: KeyName
  var ordinal: Int64
  var revision: Int64
  /// Authenticated here so that hiding the newest version row does not bring an older one back.
  var latest: KeyVersionID
  var versionCount: Int
  var deletion: Deletion?
  var rotation: RotationPolicy?

  struct Deletion: Hashable {
    var deletedAt: UnixTime
    var scheduledPurge: UnixTime
  }

  private static let format: UInt8 = 1

  var payload: [UInt8] {
    var writer = RowWriter()
    writer.byte(Self.format)
    writer.text(name.text)
    writer.text(latest.text)
    writer.integer(Int64(versionCount))
    writer.optional(deletion?.deletedAt.seconds)
    writer.optional(deletion?.scheduledPurge.seconds)
    writer.byte(rotation == nil ? 0 : 1)
    rotation?.write(to: &writer)
    return writer.bytes
  }

  /// - Throws: if the payload is not one that `payload` writes for this row.
  init(payload: [UInt8], of row: KeyRow) throws(RowReader.Malformed) {
    var reader = RowReader(payload)
    guard try reader.byte() == Self.format, let name = KeyName(try reader.text()), name.folded == row.name,
      let latest = KeyVersionID(try reader.text())
    else { throw RowReader.Malformed() }
    self.name = name
    self.ordinal = row.ordinal
    self.revision = row.revision
    self.latest = latest
    versionCount = Int(try reader.integer())
    switch (try reader.optional(), try reader.optional()) {
    case (nil, nil): deletion = nil
    case (let deletedAt?, let purge?):
      deletion = Deletion(deletedAt: UnixTime(seconds: deletedAt), scheduledPurge: UnixTime(seconds: purge))
    default: throw RowReader.Malformed()
    }
    switch try reader.byte() {
    case 0: rotation = nil
    case 1: rotation = try RotationPolicy(from: &reader)
    default: throw RowReader.Malformed()
    }
    try reader.end()
    guard (deletion != nil) == row.deleted else { throw RowReader.Malformed() }
  }

  init(name: KeyName, ordinal: Int64, latest: KeyVersionID) {
    self.name = name
    self.ordinal = ordinal
    self.revision = 1
    self.latest = latest
    self.versionCount = 1
  }
}
