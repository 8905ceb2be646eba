package import Encodings
internal import SigstoreFormats

/// One line of a batch manifest (`hallmark sign batch`): a JSON object, unknown members refused.
///
/// ```
/// {"kind":"blob","artifact":"dist/app.tar.gz"}
/// {"kind":"image","artifact":"registry.example/app:1.2","formats":["bundle","notary-jws"],"annotations":{"build":"77"}}
/// {"kind":"attestation","artifact":"registry.example/app:1.2","sbom":"app.spdx.json"}
/// ```
package struct BatchItem: Sendable, Hashable {
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    case blob
    case image
    case attestation
  }

  /// Where the predicate of an attestation comes from.
  package enum PredicateSource: Sendable, Hashable {
    case sbom(path: String)
    case provenance(path: String)
    /// `type`: a URI, or one of the words cosign knows.
    case file(path: String, type: String)

    package var path: String {
      switch self {
      case .sbom(let path), .provenance(let path), .file(let path, _): path
      }
    }
  }

  package var kind: Kind
  /// A path, or an image reference.
  package var artifact: String
  /// Empty: the default of the kind.
  package var formats: [SignatureFormat] = []
  package var annotations: [SigningJob.Annotation] = []
  /// Images: every manifest of an index as well.
  package var recursive = false
  package var predicate: PredicateSource?
  /// Blobs: where the bundle and the plain signature go; nil for the default place.
  package var bundle: String?
  package var signature: String?

  package init(kind: Kind, artifact: String) {
    self.kind = kind
    self.artifact = artifact
  }

  /// One line: 64 KiB, 4 levels, 1 000 values.
  package static let limits = JSONLimits(maxBytes: 64 << 10, maxDepth: 4, maxElements: 1_000)

  /// Reads one line. Fuzz entry point.
  package static func parse(_ line: some Sequence<UInt8>) throws(BatchError) -> BatchItem {
    let value: JSONValue
    do { value = try JSONValue.parse(line, limits: limits) } catch { throw .notJSON(error.description) }
    guard let object = value.object else { throw .badMember("(the whole)", wanted: "an object") }
    let names = ["kind", "artifact", "formats", "annotations", "recursive", "sbom", "provenance", "predicate", "type", "bundle", "signature"]
    if let unknown = object.firstName(notIn: names) { throw .unknownMember(String(unknown.prefix(80))) }
    guard let kind = object["kind"]?.string.flatMap(Kind.init(rawValue:)) else {
      throw .badMember("kind", wanted: "one of \(Kind.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    guard let artifact = try text(object, "artifact") else { throw .badMember("artifact", wanted: "a path or an image reference") }
    var item = BatchItem(kind: kind, artifact: artifact)
    item.formats = try formats(object)
    item.annotations = try annotations(object)
    if let flag = object["recursive"] {
      guard let flag = flag.bool else { throw .badMember("recursive", wanted: "true or false") }
      item.recursive = flag
    }
    item.bundle = try text(object, "bundle")
    item.signature = try text(object, "signature")
    item.predicate = try predicate(object)
    try item.checkTogether()
    return item
  }

  private static func text(_ object: JSONObject, _ name: String) throws(BatchError) -> String? {
    guard let value = object[name] else { return nil }
    guard let text = value.string, (1...4096).contains(text.utf8.count), text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
      throw .badMember(name, wanted: "a text of 1 to 4096 bytes without control characters")
    }
    return text
  }

  private static func formats(_ object: JSONObject) throws(BatchError) -> [SignatureFormat] {
    guard let value = object["formats"] else { return [] }
    let wanted = "a list of different ones of \(SignatureFormat.allCases.map(\.rawValue).joined(separator: ", "))"
    guard let list = value.array, !list.isEmpty else { throw .badMember("formats", wanted: wanted) }
    var formats: [SignatureFormat] = []
    for entry in list {
      guard let format = entry.string.flatMap(SignatureFormat.init(rawValue:)), !formats.contains(format) else {
        throw .badMember("formats", wanted: wanted)
      }
      formats.append(format)
    }
    return formats
  }

  private static func annotations(_ object: JSONObject) throws(BatchError) -> [SigningJob.Annotation] {
    guard let value = object["annotations"] else { return [] }
    guard let members = value.object else { throw .badMember("annotations", wanted: "an object of texts") }
    var annotations: [SigningJob.Annotation] = []
    for member in members.members {
      guard let text = member.value.string else { throw .badMember("annotations.\(member.name.prefix(80))", wanted: "a text") }
      annotations.append(.init(name: member.name, value: text))
    }
    return annotations
  }

  private static func predicate(_ object: JSONObject) throws(BatchError) -> PredicateSource? {
    let type = try text(object, "type")
    var sources: [PredicateSource] = []
    if let path = try text(object, "sbom") { sources.append(.sbom(path: path)) }
    if let path = try text(object, "provenance") { sources.append(.provenance(path: path)) }
    if let path = try text(object, "predicate") {
      guard let type else { throw .badMember("type", wanted: "the predicate type, since there is a predicate") }
      sources.append(.file(path: path, type: type))
    } else if type != nil {
      throw .badMember("type", wanted: "nothing without a predicate")
    }
    guard sources.count <= 1 else { throw .badMember("predicate", wanted: "only one of sbom, provenance, predicate") }
    return sources.first
  }

  /// What one kind has and another has not.
  private func checkTogether() throws(BatchError) {
    guard (predicate != nil) == (kind == .attestation) else {
      throw kind == .attestation
        ? .badMember("predicate", wanted: "one of sbom, provenance, predicate") : .badMember("predicate", wanted: "nothing, since this is no attestation")
    }
    if kind != .image {
      if !annotations.isEmpty { throw .badMember("annotations", wanted: "nothing, since this is no image") }
      if recursive { throw .badMember("recursive", wanted: "nothing, since this is no image") }
    } else if bundle != nil || signature != nil {
      throw .badMember("bundle", wanted: "nothing: what is signed about an image goes into its repository")
    }
    if kind == .attestation, signature != nil { throw .badMember("signature", wanted: "nothing, since this is an attestation") }
  }
}

/// Why a line of a batch manifest cannot be used.
package enum BatchError: Error, Equatable, Sendable, CustomStringConvertible {
  case notJSON(String)
  case badMember(String, wanted: String)
  case unknownMember(String)
  /// Of the manifest or the journal as a whole.
  case tooLong(what: String, limit: Int)
  /// A line of the journal that is not its last cannot be read.
  case badJournal(line: Int, why: String)

  package var description: String {
    switch self {
    case .notJSON(let why): "not a JSON object on one line: \(why)"
    case .badMember(let name, let wanted): "member \(name): \(wanted) expected"
    case .unknownMember(let name): "member \(name) is not known"
    case .tooLong(let what, let limit): "\(what) is longer than \(limit) bytes"
    case .badJournal(let line, let why): "line \(line) of the journal cannot be read: \(why)"
    }
  }
}

/// The lines of a batch manifest, each read or with the reason why not; empty lines are passed over.
package enum BatchManifest {
  /// 256 MiB: a million lines of ordinary length.
  package static let maxBytes = 256 << 20

  /// - Returns: line numbers from 1.
  package static func parse(_ bytes: [UInt8]) throws(BatchError) -> [(line: Int, item: Result<BatchItem, BatchError>)] {
    guard bytes.count <= maxBytes else { throw .tooLong(what: "the manifest", limit: maxBytes) }
    var result: [(line: Int, item: Result<BatchItem, BatchError>)] = []
    for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
      guard line.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) else { continue }
      do throws(BatchError) { result.append((index + 1, .success(try BatchItem.parse(line)))) } catch {
        result.append((index + 1, .failure(error)))
      }
    }
    return result
  }
}
