internal import Encodings

/// What kind of document a predicate file is, found out before it is signed: a wrong file under a right predicate type misleads every
/// verifier that trusts the type.
package struct RecognisedPredicate: Sendable, Hashable {
  package var type: PredicateType
  /// The version the document gives itself, `2.3` or `1.6`; empty where the type says it already.
  package var version: String

  package init(type: PredicateType, version: String) {
    self.type = type
    self.version = version
  }

  /// SPDX versions that are accepted as JSON.
  package static let spdxVersions = ["2.2", "2.3", "3.0"]
  /// CycloneDX versions that are accepted as JSON.
  package static let cycloneDXVersions = ["1.2", "1.3", "1.4", "1.5", "1.6", "1.7"]

  /// Recognises an SBOM: SPDX JSON or CycloneDX JSON.
  ///
  /// - Throws: `.unfit` for JSON that is neither, `.unsupported` for a version that is not known, `.malformed` for what is no JSON object or
  ///   lacks what its format demands.
  /// - Complexity: one pass, no tree.
  package static func sbom(_ bytes: some Sequence<UInt8>) throws(DocumentError) -> RecognisedPredicate {
    try contiguous(bytes) { (text) throws(DocumentError) in
      let raw: RawObject
      do throws(BundleError) { raw = try RawObject(text, limits: Statement.predicateLimits, path: "") } catch { throw .malformed(.predicate, error) }
      if raw.field("bomFormat") != nil { return try cycloneDX(raw) }
      if raw.field("spdxVersion") != nil { return try spdx2(raw) }
      if raw.field("@context") != nil { return try spdx3(raw) }
      throw .unfit(
        .predicate, "it has neither bomFormat (CycloneDX) nor spdxVersion or @context (SPDX): not an SBOM in JSON; use --predicate FILE --type URI for other documents")
    }
  }

  private static func cycloneDX(_ raw: RawObject) throws(DocumentError) -> RecognisedPredicate {
    let format: String
    let version: String
    do throws(BundleError) {
      format = try raw.string("bomFormat", maxBytes: 64)
      version = try raw.string("specVersion", maxBytes: 64)
      if let count = raw.field("version"), count.kind != .number { throw .badMember(path: "version", wanted: "a number") }
      for name in ["components", "services", "dependencies"] {
        if let field = raw.field(name), field.kind != .array { throw .badMember(path: name, wanted: "an array") }
      }
    } catch { throw .malformed(.cycloneDX, error) }
    guard format == "CycloneDX" else { throw .unsupported(.cycloneDX, "bomFormat \"\(format)\" is not CycloneDX") }
    guard cycloneDXVersions.contains(version) else { throw unknown(.cycloneDX, version, cycloneDXVersions) }
    return RecognisedPredicate(type: .cycloneDX, version: version)
  }

  private static func spdx2(_ raw: RawObject) throws(DocumentError) -> RecognisedPredicate {
    let version: String
    do throws(BundleError) {
      version = try raw.string("spdxVersion", maxBytes: 64)
      guard try raw.string("SPDXID", maxBytes: 256) == "SPDXRef-DOCUMENT" else {
        throw .badMember(path: "SPDXID", wanted: "SPDXRef-DOCUMENT")
      }
      for name in ["name", "documentNamespace", "dataLicense"] { _ = try raw.string(name, maxBytes: 4096) }
      guard raw.field("creationInfo")?.kind == .object else { throw .badMember(path: "creationInfo", wanted: "an object") }
    } catch { throw .malformed(.spdx, error) }
    guard version.hasPrefix("SPDX-"), spdxVersions.contains(String(version.dropFirst(5))) else { throw unknown(.spdx, version, spdxVersions) }
    return RecognisedPredicate(type: .spdx, version: String(version.dropFirst(5)))
  }

  /// SPDX 3 is JSON-LD: the version stands in the context's address.
  private static func spdx3(_ raw: RawObject) throws(DocumentError) -> RecognisedPredicate {
    let prefix = "https://spdx.org/rdf/"
    let context: String
    do throws(BundleError) {
      context = try raw.string("@context", maxBytes: 512)
      guard context.hasPrefix(prefix) else { throw .badMember(path: "@context", wanted: "\(prefix)VERSION/spdx-context.jsonld") }
      guard raw.field("@graph")?.kind == .array else { throw .badMember(path: "@graph", wanted: "an array") }
    } catch { throw .malformed(.spdx, error) }
    let version = String(context.dropFirst(prefix.count).prefix { $0 != "/" })
    guard spdxVersions.contains(where: { $0.hasPrefix("3.") && (version == $0 || version.hasPrefix($0 + ".")) }) else {
      throw unknown(.spdx, version, spdxVersions)
    }
    return RecognisedPredicate(type: .spdx, version: version)
  }

  private static func unknown(_ document: SigstoreDocument, _ version: String, _ known: [String]) -> DocumentError {
    .unsupported(document, "version \"\(version.prefix(40))\" is not one of \(known.joined(separator: ", "))")
  }
}
