import Testing

/// The readers these rules rest on: a rule that finds nothing because it cannot read would always be kept.
struct ReaderTests {
  @Test(
    "An import is found behind access words, attributes and kinds",
    arguments: [
      ("import Encodings", "Encodings"), ("package import Custody", "Custody"), ("  internal import JOSE", "JOSE"),
      ("@testable import Access", "Access"), ("@preconcurrency package import X509", "X509"), ("import struct Foundation.URL", "Foundation"),
      ("public import class NIOCore.ByteBuffer", "NIOCore"),
    ])
  func found(_ line: String, _ module: String) { #expect(SourceFile.module(importedBy: line[...]) == module) }

  @Test("What only looks like an import is none", arguments: ["// import Foundation", "let text = \"import X\"", "importKey(name)", "", "import"])
  func notFound(_ line: String) { #expect(SourceFile.module(importedBy: line[...]) == nil) }

  @Test("The manifest's forms are read: floors, aliases, products, paths, comments")
  func manifest() throws {
    let manifest = try Manifest(
      parsing: """
        let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
        let package = Package(
          targets: [
            // MARK: Ground, "quoted"
            library(.ground, "Clocks"),
            library(
              .cores, "Custody", ["Clocks", crypto, .product(name: "GRDB", package: "GRDB.swift")]),  // why
            .systemLibrary(name: "CLib", path: "Sources/Adapters/CLib", providers: [.apt(["libssl-dev"])]),
            .executableTarget(
              name: "tool",
              dependencies: ["Custody"],
              path: "Sources/Products/tool", swiftSettings: strict),
            .target(name: "FuzzTargets", dependencies: ["Custody"], path: "Fuzz/Targets"),
            tests("ArchitectureTests", []),
          ],
          swiftLanguageModes: [.v6]
        )
        """)
    #expect(manifest.targets.map(\.name) == ["Clocks", "Custody", "CLib", "tool"])
    #expect(manifest.targets.map(\.floor) == [.ground, .cores, .adapters, .products])
    #expect(manifest["Custody"]?.dependencies == ["Clocks", "Crypto", "GRDB"])
  }

  @Test(
    "A form the parser does not know stops it",
    arguments: [
      "mystery(.ground, \"Clocks\"),", "library(.attic, \"Clocks\"),", "library(.ground, \"Clocks\", [unknownAlias]),", "library(\"Clocks\"),",
      ".executableTarget(name: \"tool\", path: \"Elsewhere/tool\"),",
    ])
  func unknownForms(_ line: String) {
    #expect(throws: Manifest.Unreadable.self) { try Manifest(parsing: "let package = Package(\n  targets: [\n    \(line)\n  ]\n)\n") }
  }

  @Test("Looking up and looking sideways are objected to, looking down and the listed pairs are not")
  func objections() {
    func target(_ name: String, _ floor: Floor) -> Manifest.Target { Manifest.Target(name: name, floor: floor, dependencies: []) }
    #expect(Rules.objection(to: target("Store", .adapters), in: target("Custody", .cores)) != nil)
    #expect(Rules.objection(to: target("Trust", .cores), in: target("Custody", .cores)) != nil)
    #expect(Rules.objection(to: target("Custody", .cores), in: target("Access", .cores)) != nil)
    #expect(Rules.objection(to: target("Access", .cores), in: target("Custody", .cores)) == nil)
    #expect(Rules.objection(to: target("Encodings", .ground), in: target("Custody", .cores)) == nil)
    #expect(Rules.objection(to: target("Telemetry", .adapters), in: target("Outbound", .adapters)) == nil)
    #expect(Rules.objection(to: target("Outbound", .adapters), in: target("Telemetry", .adapters)) != nil)
  }
}
