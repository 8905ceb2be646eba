// swift-tools-version: 6.2
import PackageDescription

// Fuzz targets for every parser of outside bytes. A package of its own, because its code is compiled with coverage instrumentation; the
// sources are the repository's, by symbolic link, so that `package` symbols are in reach. See README.md.

let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]
let instrumented = strict + [.unsafeFlags(["-sanitize=fuzzer"])]

func library(_ floor: String, _ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, path: "Sources/\(floor)/\(name)", swiftSettings: instrumented)
}

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")
let x509: Target.Dependency = .product(name: "X509", package: "swift-certificates")
let asn1: Target.Dependency = .product(name: "SwiftASN1", package: "swift-asn1")
let collections: Target.Dependency = .product(name: "Collections", package: "swift-collections")

let package = Package(
  name: "fuzz",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
    .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
  ],
  targets: [
    .systemLibrary(name: "CZlib", path: "Sources/Ground/CZlib", pkgConfig: "zlib"),
    library("Ground", "Clocks"),
    library("Ground", "Encodings"),
    library("Ground", "Merkle", [crypto]),
    library("Ground", "Secrets", ["Encodings", crypto, cryptoExtras]),
    library("Formats", "DiagnosticLogs", ["Encodings"]),
    library("Formats", "KubernetesFormats", ["Encodings"]),
    library("Formats", "Plans", ["Encodings", "CZlib"]),
    library("Formats", "JOSE", ["Encodings", "Secrets", "Clocks", crypto, cryptoExtras, x509, asn1]),
    library("Formats", "ManagedHSMWire", ["Encodings", "JOSE"]),
    library("Formats", "NotaryFormats", ["Encodings", "JOSE", crypto, cryptoExtras, x509, asn1]),
    library("Formats", "OCI", ["Encodings", crypto]),
    library("Formats", "SigstoreFormats", ["Encodings", crypto]),
    library("Cores", "Access", ["Encodings", "Clocks", "JOSE", "Secrets", crypto]),
    library("Cores", "Ledger", ["Merkle", "Encodings", "Clocks", "Secrets", crypto]),
    library("Cores", "Audit", ["Ledger", "Merkle", "Encodings", "Clocks"]),
    library("Cores", "Custody", ["Access", "JOSE", "Encodings", "Secrets", "Clocks", crypto, collections]),
    library("Cores", "SecurityDomain", ["Custody", "JOSE", "Secrets", "Encodings", "Clocks", crypto, cryptoExtras, x509, asn1]),
    library("Cores", "Trust", ["SigstoreFormats", "NotaryFormats", "OCI", "JOSE", "Merkle", "Encodings", "Clocks", crypto, cryptoExtras, x509, asn1]),
    library("Cores", "Issuance", ["Trust", "NotaryFormats", "Encodings", "Clocks", crypto, cryptoExtras, x509, asn1]),
    library("Cores", "Signing", ["Trust", "SigstoreFormats", "NotaryFormats", "OCI", "Merkle", "Encodings", "Clocks", crypto, cryptoExtras, x509, asn1]),
    library(
      "Cores", "Estate",
      ["Audit", "Access", "Custody", "Trust", "SigstoreFormats", "NotaryFormats", "OCI", "DiagnosticLogs", "KubernetesFormats", "Encodings", "Clocks"]),
    library("Cores", "Gates", ["Access", "Estate", "Plans", "Encodings", "Clocks", crypto]),
    library("Cores", "Watch", ["Audit", "Estate", "DiagnosticLogs", "Encodings", "Clocks", crypto]),
    .target(
      name: "FuzzTargets",
      dependencies: ["Encodings", "Merkle", "JOSE", "ManagedHSMWire", "SigstoreFormats", "NotaryFormats", "OCI", "Access", "Ledger", "Audit", "SecurityDomain", "Issuance", "Trust", "Signing", "Clocks", "Plans", "DiagnosticLogs", "KubernetesFormats", "Estate", "Gates", "Watch"],
      path: "Targets", swiftSettings: strict),
    .executableTarget(name: "fuzz", dependencies: ["FuzzTargets"], path: "Driver", swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)
