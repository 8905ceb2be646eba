import Encodings
import SigstoreFormats
import Testing

/// Which files may be signed under which predicate type.
@Suite("Predicates")
struct PredicateTests {
  static let spdx: JSONObject = [
    "spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "name": "n", "documentNamespace": "https://h/d", "dataLicense": "CC0-1.0",
    "creationInfo": ["created": "2026-01-01T00:00:00Z", "creators": ["Tool: t"]], "packages": [],
  ]
  static let cdx: JSONObject = ["bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": []]
  static let slsa: JSONObject = [
    "buildDefinition": ["buildType": "https://h/build/v1", "externalParameters": [:], "resolvedDependencies": [["uri": "git+https://h/r"]]],
    "runDetails": ["builder": ["id": "https://h/builder"], "metadata": ["startedOn": "2026-01-01T00:00:00Z"]],
  ]

  static func bytes(_ object: JSONObject, _ change: (inout JSONObject) -> Void = { _ in }) -> [UInt8] {
    var object = object
    change(&object)
    return JSONValue.object(object).serialized()
  }

  @Test("SPDX 2 and 3 and CycloneDX are told apart, with their versions")
  func sboms() throws {
    #expect(try RecognisedPredicate.sbom(Self.bytes(Self.spdx)) == RecognisedPredicate(type: .spdx, version: "2.3"))
    #expect(try RecognisedPredicate.sbom(Self.bytes(Self.cdx)) == RecognisedPredicate(type: .cycloneDX, version: "1.6"))
    let three = #"{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[]}"#
    #expect(try RecognisedPredicate.sbom(three.utf8) == RecognisedPredicate(type: .spdx, version: "3.0.1"))
  }

  @Test("An unknown version is refused by name")
  func versions() {
    #expect(throws: DocumentError.unsupported(.cycloneDX, "version \"2.0\" is not one of 1.2, 1.3, 1.4, 1.5, 1.6, 1.7")) {
      try RecognisedPredicate.sbom(Self.bytes(Self.cdx) { $0["specVersion"] = "2.0" })
    }
    #expect(throws: DocumentError.unsupported(.spdx, "version \"SPDX-1.2\" is not one of 2.2, 2.3, 3.0")) {
      try RecognisedPredicate.sbom(Self.bytes(Self.spdx) { $0["spdxVersion"] = "SPDX-1.2" })
    }
    for context in ["https://spdx.org/rdf/4.0/spdx-context.jsonld", "https://spdx.org/rdf/3.01/x", "https://spdx.org/rdf/"] {
      #expect(throws: DocumentError.self) { try RecognisedPredicate.sbom(Self.bytes(["@context": .string(context), "@graph": []])) }
    }
  }

  @Test("An SBOM without what its format demands is refused")
  func incomplete() {
    for name in ["SPDXID", "name", "documentNamespace", "dataLicense", "creationInfo"] {
      #expect(throws: DocumentError.self) { try RecognisedPredicate.sbom(Self.bytes(Self.spdx) { $0[name] = nil }) }
      #expect(throws: DocumentError.self) { try RecognisedPredicate.sbom(Self.bytes(Self.spdx) { $0[name] = 1 }) }
    }
    #expect(throws: DocumentError.self) { try RecognisedPredicate.sbom(Self.bytes(Self.cdx) { $0["specVersion"] = nil }) }
    #expect(throws: DocumentError.self) { try RecognisedPredicate.sbom(Self.bytes(Self.cdx) { $0["bomFormat"] = "cyclonedx" }) }
    #expect(throws: DocumentError.self) { try RecognisedPredicate.sbom(Self.bytes(Self.cdx) { $0["components"] = [:] }) }
    #expect(throws: DocumentError.self) { try RecognisedPredicate.sbom(Self.bytes(Self.cdx) { $0["version"] = "1" }) }
  }

  @Test("What is no SBOM is refused with the way out", arguments: ["{}", #"{"packages":[]}"#])
  func noSBOM(_ text: String) throws {
    let error = try #require(throws: DocumentError.self) { try RecognisedPredicate.sbom(text.utf8) }
    #expect(error.description.contains("--predicate"))
  }

  @Test("What is no JSON object is refused", arguments: ["", "[]", "SPDXVersion: SPDX-2.3", "<bom/>", "{\"bomFormat\":\"CycloneDX\","])
  func noJSON(_ text: String) { #expect(throws: DocumentError.self) { try RecognisedPredicate.sbom(text.utf8) } }

  @Test("SLSA provenance needs the members its specification requires")
  func provenance() throws {
    #expect(try RecognisedPredicate.slsaProvenance(Self.bytes(Self.slsa)).type == .slsaProvenance1)
    let changes: [(inout JSONObject) -> Void] = [
      { $0["buildDefinition"] = nil }, { $0["runDetails"] = nil }, { $0["runDetails"] = ["builder": [:]] }, { $0["runDetails"] = ["builder": ["id": "no uri"]] },
      { $0["buildDefinition"] = ["buildType": "https://h/b"] }, { $0["buildDefinition"] = ["externalParameters": [:]] },
      { $0["buildDefinition"] = ["buildType": "https://h/b", "externalParameters": [:], "resolvedDependencies": [["name": "n"]]] },
      { $0["runDetails"] = ["builder": ["id": "https://h/b"], "metadata": ["startedOn": "yesterday"]] },
    ]
    for change in changes { #expect(throws: DocumentError.self) { try RecognisedPredicate.slsaProvenance(Self.bytes(Self.slsa, change)) } }
  }

  @Test("A whole statement is not taken for its predicate")
  func wholeStatement() throws {
    let text = Self.bytes(["_type": "https://in-toto.io/Statement/v1", "subject": [], "predicateType": "x", "predicate": .object(Self.slsa)])
    let error = try #require(throws: DocumentError.self) { try RecognisedPredicate.slsaProvenance(text) }
    #expect(error.description.contains("whole statement"))
  }

  @Test("cosign's words for predicate types")
  func words() {
    #expect(PredicateType.named("spdxjson") == .spdx)
    #expect(PredicateType.named("slsaprovenance") == .slsaProvenance02)
    #expect(PredicateType.named("slsaprovenance1") == .slsaProvenance1)
    #expect(PredicateType.named("custom") == nil)
    for type in PredicateType.allCases { #expect(PredicateType.isURI(type.rawValue)) }
  }
}
