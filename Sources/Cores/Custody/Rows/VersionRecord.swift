/// One key version with what only Custody sees: the sealed key and its place in creation order.
struct VersionRecord: Hashable {
  var version: KeyVersion
  var ordinal: Int64
  let engine: String
  let sealed: [UInt8]

  private static let format: UInt8 = 1

  func binding(in hsm: HSMIdentity) -> KeyBinding {
    KeyBinding(
      hsm: hsm, identity: version.identity, spec: version.spec, exportable: version.attributes.exportable,
      created: version.attributes.created)
  }

  var payload: [UInt8] {
    var writer = RowWriter()
    writer.byte(Self.format)
    writer.text(version.identity.name.text)
    writer.spec(version.spec)
    writer.publicKey(version.publicKey)
    writer.integer(Int64(version.operations.rawValue))
    let attributes = version.attributes
    writer.byte(attributes.enabled ? 1 : 0)
    writer.optional(attributes.notBefore?.seconds)
    writer.optional(attributes.expires?.seconds)
    writer.byte(attributes.exportable ? 1 : 0)
    writer.integer(attributes.created.seconds)
    writer.integer(attributes.updated.seconds)
    writer.integer(Int64(version.tags.pairs.count))
    for (name, value) in version.tags.pairs.sorted(by: { Array($0.key.utf8).lexicographicallyPrecedes(Array($1.key.utf8)) }) {
      writer.text(name)
      writer.text(value)
    }
    writer.text(version.origin.rawValue)
    writer.text(version.createdBy)
    writer.text(version.createdUnder)
    writer.text(engine)
    writer.blob(sealed)
    return writer.bytes
  }

  init(version: KeyVersion, ordinal: Int64, engine: String, sealed: [UInt8]) {
    self.version = version
    self.ordinal = ordinal
    self.engine = engine
    self.sealed = sealed
  }

  /// - Throws: if the payload is not one that `payload` writes for this row.
  init(payload: [UInt8], of row: KeyVersionRow, recovery: RecoveryPolicy) throws(RowReader.Malformed) {
    var reader = RowReader(payload)
    guard try reader.byte() == Self.format, let name = KeyName(try reader.text()), name.folded == row.name,
      let id = KeyVersionID(row.version), id.text == row.version
    else { throw RowReader.Malformed() }
    let spec = try reader.spec()
    let publicKey = try reader.publicKey()
    guard let rawOperations = UInt16(exactly: try reader.integer()) else { throw RowReader.Malformed() }
    let attributes = KeyAttributes(
      enabled: try reader.flag(), notBefore: try reader.optional().map(UnixTime.init), expires: try reader.optional().map(UnixTime.init),
      exportable: try reader.flag(), created: UnixTime(seconds: try reader.integer()), updated: UnixTime(seconds: try reader.integer()))
    let tagCount = try reader.integer()
    guard (0...Int64(KeyTags.countLimit)).contains(tagCount) else { throw RowReader.Malformed() }
    var pairs: [String: String] = [:]
    for _ in 0..<tagCount {
      let tag = try reader.text()
      pairs[tag] = try reader.text()
    }
    guard let tags = try? KeyTags(pairs), let origin = KeyOrigin(rawValue: try reader.text()) else { throw RowReader.Malformed() }
    version = KeyVersion(
      identity: KeyIdentity(name: name, version: id), spec: spec, publicKey: publicKey,
      operations: KeyOperations(rawValue: rawOperations), attributes: attributes, tags: tags, recovery: recovery, origin: origin,
      createdBy: try reader.text(), createdUnder: try reader.text())
    ordinal = row.ordinal
    engine = try reader.text()
    sealed = try reader.blob()
    try reader.end()
  }
}

extension RowWriter {
  mutating func spec(_ spec: KeySpec) {
    text(spec.type.rawValue)
    switch spec {
    case .rsa(let bits, let exponent):
      integer(Int64(bits))
      integer(Int64(bitPattern: exponent))
    case .ec(let curve): text(curve.rawValue)
    case .oct(let bits): integer(Int64(bits))
    }
  }

  mutating func publicKey(_ key: PublicKey) {
    switch key {
    case .rsa(let modulus, let exponent):
      byte(1)
      blob(modulus)
      blob(exponent)
    case .ec(let curve, let x, let y):
      byte(2)
      text(curve.rawValue)
      blob(x)
      blob(y)
    case .oct: byte(3)
    }
  }
}

extension RowReader {
  mutating func flag() throws(Malformed) -> Bool {
    switch try byte() {
    case 0: false
    case 1: true
    default: throw Malformed()
    }
  }

  mutating func curve() throws(Malformed) -> Curve {
    guard let curve = Curve(rawValue: try text()) else { throw Malformed() }
    return curve
  }

  mutating func spec() throws(Malformed) -> KeySpec {
    guard let type = KeyType(rawValue: try text()) else { throw Malformed() }
    switch type {
    case .rsa: return .rsa(bits: Int(try integer()), publicExponent: UInt64(bitPattern: try integer()))
    case .ec: return .ec(try curve())
    case .oct: return .oct(bits: Int(try integer()))
    }
  }

  mutating func publicKey() throws(Malformed) -> PublicKey {
    switch try byte() {
    case 1: return .rsa(modulus: try blob(), exponent: try blob())
    case 2: return .ec(try curve(), x: try blob(), y: try blob())
    case 3: return .oct
    default: throw Malformed()
    }
  }
}
