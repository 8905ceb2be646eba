internal import Encodings

extension OwnStatement {
  /// A statement of ours is small: 64 KiB, 8 levels, 256 values.
  static let limits = JSONLimits(maxBytes: 64 << 10, maxDepth: 8, maxElements: 256)

  /// The statement's text, members in the one order they are written in.
  static func bytes(subject name: String, digest: (name: String, hex: String), predicateType: String, predicate: JSONObject) -> [UInt8] {
    JSONValue.object([
      "_type": .string(type),
      "subject": [["name": .string(name), "digest": [digest.name: .string(digest.hex)]]],
      "predicateType": .string(predicateType), "predicate": .object(predicate),
    ]).serialized()
  }

  /// The in-toto payload of a bundle, its DSSE envelope unopened otherwise.
  static func payload(of bundle: SigstoreBundle) throws(ExtensionError) -> [UInt8] {
    guard case .envelope(let envelope) = bundle.content else { throw .noStatement(found: "a message signature") }
    guard envelope.payloadType == UnsignedEnvelope.statementType else { throw .noStatement(found: "another payload type") }
    return envelope.payload
  }

  /// Reads the outline of one statement of ours: type, kind, and a single subject with a single digest of 32 bytes.
  static func read(
    _ payload: [UInt8], predicateType: String, subject: String, digestName: String
  ) throws(ExtensionError) -> (digest: [UInt8], predicate: MemberReader) {
    let value: JSONValue
    do { value = try JSONValue.parse(payload, limits: limits) } catch { throw .form(.notJSON(error.description)) }
    let reader = MemberReader(value, path: "")
    let found: String
    do throws(BundleError) {
      found = try reader.string("predicateType", maxBytes: 512)
    } catch { throw .form(error) }
    guard found == predicateType else { throw .otherStatement(wanted: predicateType, found: found) }
    do throws(BundleError) {
      try reader.allow(["_type", "subject", "predicateType", "predicate"])
      guard try reader.string("_type", maxBytes: 128) == type else { throw .badMember(path: "_type", wanted: type) }
      guard let subjects = try reader.array("subject", limit: 1), let first = subjects.first else {
        throw .badMember(path: "subject", wanted: "exactly one subject")
      }
      let only = MemberReader(first, path: "subject[0]")
      try only.allow(["name", "digest"])
      guard try only.string("name", maxBytes: 128) == subject else { throw .badMember(path: "subject[0].name", wanted: "\"\(subject)\"") }
      let digests = try only.object("digest")
      try digests.allow([digestName])
      let hex = try digests.string(digestName, maxBytes: 64)
      guard let digest = try? Hex.decode(hex), digest.count == 32, Hex.encode(digest) == hex else {
        throw .badMember(path: "subject[0].digest.\(digestName)", wanted: "32 bytes in lower-case hexadecimal")
      }
      return (digest, try reader.object("predicate"))
    } catch { throw .form(error) }
  }
}
