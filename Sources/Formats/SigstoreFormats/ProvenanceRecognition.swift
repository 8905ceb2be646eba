internal import Encodings

extension RecognisedPredicate {
  static let provenanceLimits = JSONLimits(maxBytes: 16 << 20, maxDepth: 64, maxElements: 500_000)

  /// Recognises SLSA provenance v1: the members that the specification requires are there and of the right type.
  ///
  /// - Throws: `.malformed` naming the member; `.unfit` for a whole statement where its predicate alone is wanted.
  package static func slsaProvenance(_ bytes: some Sequence<UInt8>) throws(DocumentError) -> RecognisedPredicate {
    let value: JSONValue
    do { value = try JSONValue.parse(bytes, limits: provenanceLimits) } catch { throw .malformed(.provenance, .notJSON(error.description)) }
    if value["_type"] != nil, value["predicate"] != nil {
      throw .unfit(.provenance, "this is a whole statement; give its predicate alone, the statement is made here")
    }
    do throws(BundleError) { try check(MemberReader(value, path: "")) } catch { throw .malformed(.provenance, error) }
    return RecognisedPredicate(type: .slsaProvenance1, version: "")
  }

  private static func check(_ whole: MemberReader) throws(BundleError) {
    let definition = try whole.object("buildDefinition")
    try uri(definition, "buildType")
    _ = try definition.object("externalParameters")
    if definition.has("internalParameters") { _ = try definition.object("internalParameters") }
    try descriptors(definition, "resolvedDependencies")
    let run = try whole.object("runDetails")
    let builder = try run.object("builder")
    try uri(builder, "id")
    if builder.has("version") { _ = try builder.object("version") }
    try descriptors(builder, "builderDependencies")
    try descriptors(run, "byproducts")
    guard run.has("metadata") else { return }
    let metadata = try run.object("metadata")
    for name in ["startedOn", "finishedOn"] {
      guard let text = try metadata.optionalString(name, maxBytes: 64) else { continue }
      guard (try? ISO8601.parse(text)) != nil else { throw .badMember(path: "\(metadata.path).\(name)", wanted: "an RFC 3339 time") }
    }
  }

  private static func uri(_ reader: MemberReader, _ name: String) throws(BundleError) {
    guard PredicateType.isURI(try reader.string(name, maxBytes: 512)) else { throw .badMember(path: "\(reader.path).\(name)", wanted: "a URI") }
  }

  /// A list of resource descriptors: each needs one of `uri`, `digest` and `content` (in-toto resource descriptor v1).
  private static func descriptors(_ reader: MemberReader, _ name: String) throws(BundleError) {
    for (i, entry) in (try reader.array(name, limit: 100_000) ?? []).enumerated() {
      let path = "\(reader.path).\(name)[\(i)]"
      guard let object = entry.object, ["uri", "digest", "content"].contains(where: { object[$0] != nil }) else {
        throw .badMember(path: path, wanted: "an object with uri, digest or content")
      }
    }
  }
}
