package import Encodings

extension Statement {
  /// The predicate alone: 128 MiB, 128 levels, sixteen million values.
  package static let predicateLimits = JSONLimits(maxBytes: Envelope.maxPayloadBytes, maxDepth: 128, maxElements: 16 << 20)
  /// Subjects: 1024 of them, each with 32 digests and some annotations.
  static let subjectLimits = JSONLimits(maxBytes: 8 << 20, maxDepth: 16, maxElements: 200_000)
  static let maxNameBytes = 4096
  static let maxDigestBytes = 256
  static let maxAnnotations = 64

  /// Reads a statement of v1 or v0.1.
  ///
  /// Members it does not name are passed over, as the attestation framework demands (parsing rules): a resource descriptor has several that
  /// do not matter here. A subject needs no name and any digests, because cosign writes such; what we write is stricter.
  /// - Throws: `.unsupported` for other `_type`s, `.malformed` beyond form and limits.
  /// - Complexity: one pass; the predicate is checked and copied, no tree of it is built.
  package static func parse(_ bytes: some Sequence<UInt8>) throws(DocumentError) -> Statement {
    try contiguous(bytes) { (text) throws(DocumentError) in
      let type: String
      let raw: RawObject
      do throws(BundleError) {
        raw = try RawObject(text, limits: predicateLimits, path: "")
        type = try raw.string("_type", maxBytes: 256)
      } catch { throw .malformed(.statement, error) }
      guard let version = Version(rawValue: type) else {
        throw .unsupported(.statement, "_type \"\(type.prefix(120))\" is neither \(Version.v1.rawValue) nor \(Version.v01.rawValue)")
      }
      do throws(BundleError) { return try statement(raw, version) } catch { throw .malformed(.statement, error) }
    }
  }

  private static func statement(_ raw: RawObject, _ version: Version) throws(BundleError) -> Statement {
    let predicateType = try raw.string("predicateType", maxBytes: 512)
    guard !predicateType.isEmpty else { throw .badMember(path: "predicateType", wanted: "a URI") }
    let list = MemberReader(.object(["subject": try raw.value("subject", limits: subjectLimits)]), path: "")
    guard let entries = try list.array("subject", limit: maxSubjects), !entries.isEmpty else {
      throw .badMember(path: "subject", wanted: "at least one subject")
    }
    var subjects: [Subject] = []
    subjects.reserveCapacity(entries.count)
    for (i, entry) in entries.enumerated() { subjects.append(try subject(MemberReader(entry, path: "subject[\(i)]"))) }
    return Statement(version: version, subjects: subjects, predicateType: predicateType, predicate: try predicate(raw))
  }

  private static func predicate(_ raw: RawObject) throws(BundleError) -> [UInt8]? {
    guard let field = raw.field("predicate"), !field.isNull else { return nil }
    guard field.kind == .object || field.kind == .array, let text = raw.text("predicate") else {
      throw .badMember(path: "predicate", wanted: "an object")
    }
    return Array(text)
  }

  private static func subject(_ reader: MemberReader) throws(BundleError) -> Subject {
    guard reader.object != nil else { throw .badMember(path: reader.path, wanted: "an object") }
    let digests = try reader.object("digest")
    guard let members = digests.object?.members, !members.isEmpty else { throw .badMember(path: digests.path, wanted: "at least one digest") }
    guard members.count <= maxDigests else { throw .tooMany(path: digests.path, limit: maxDigests) }
    var named: [Subject.Digest] = []
    for member in members {
      guard let value = member.value.string, !value.isEmpty, value.utf8.count <= maxDigestBytes, member.name.utf8.count <= 64 else {
        throw .badMember(path: "\(digests.path).\(member.name.prefix(40))", wanted: "a digest in hexadecimal")
      }
      named.append(Subject.Digest(algorithm: member.name, value: value))
    }
    var annotations: JSONObject = [:]
    if reader.has("annotations"), reader.object?["annotations"]?.isNull != true {
      annotations = try reader.object("annotations").object ?? [:]
      guard annotations.count <= maxAnnotations else { throw .tooMany(path: "\(reader.path).annotations", limit: maxAnnotations) }
    }
    let name = try reader.optionalString("name", maxBytes: maxNameBytes)
    return Subject(name: name.flatMap { $0.isEmpty ? nil : $0 }, digests: named, annotations: annotations)
  }
}
