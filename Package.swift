// swift-tools-version: 6.2
import PackageDescription

/// The floors of docs/architecture.md. A target's folder is `Sources/<Floor>/<Target>/`.
enum Floor: String {
  case ground = "Ground"
  case formats = "Formats"
  case cores = "Cores"
  case adapters = "Adapters"
  case surfaces = "Surfaces"
  case products = "Products"
}

let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .treatAllWarnings(as: .error),
]

func library(_ floor: Floor, _ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, path: "Sources/\(floor.rawValue)/\(name)", swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
  .testTarget(
    name: name, dependencies: dependencies, path: "Tests/\(name)", resources: resources, swiftSettings: strict)
}

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")
let x509: Target.Dependency = .product(name: "X509", package: "swift-certificates")
let asn1: Target.Dependency = .product(name: "SwiftASN1", package: "swift-asn1")
let collections: Target.Dependency = .product(name: "Collections", package: "swift-collections")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")

let package = Package(
  name: "hallmark",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "hallmark", targets: ["hallmark"]),
    .executable(name: "notation-hallmark", targets: ["notation-hallmark"]),
    .executable(name: "sigstore-kms-hallmark", targets: ["sigstore-kms-hallmark"]),
    .library(name: "HallmarkVerify", targets: ["HallmarkVerify"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
    .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: ["YAML"]),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    // MARK: Ground
    .systemLibrary(
      name: "CZlib", path: "Sources/Ground/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
    library(.ground, "Clocks"),
    library(.ground, "Encodings"),
    library(.ground, "Merkle", [crypto]),
    library(.ground, "Secrets", ["Encodings", crypto, cryptoExtras]),

    // MARK: Formats
    library(.formats, "DiagnosticLogs", ["Encodings"]),
    library(.formats, "KubernetesFormats", ["Encodings"]),
    library(.formats, "JOSE", ["Encodings", "Secrets", "Clocks", crypto, cryptoExtras, x509, asn1]),
    library(.formats, "ManagedHSMWire", ["Encodings", "JOSE"]),
    library(.formats, "NotaryFormats", ["Encodings", "JOSE", crypto, cryptoExtras, x509, asn1]),
    library(.formats, "OCI", ["Encodings", crypto]),
    library(.formats, "Plans", ["Encodings", "CZlib"]),
    library(.formats, "SigstoreFormats", ["Encodings", crypto]),

    // MARK: Cores
    library(.cores, "Access", ["Encodings", "Clocks", "JOSE", "Secrets", crypto]),
    library(.cores, "Audit", ["Ledger", "Merkle", "Encodings", "Clocks"]),
    library(.cores, "Custody", ["Access", "JOSE", "Encodings", "Secrets", "Clocks", crypto, collections]),
    library(
      .cores, "Estate",
      ["Audit", "Access", "Custody", "Trust", "SigstoreFormats", "NotaryFormats", "OCI", "DiagnosticLogs", "KubernetesFormats", "Encodings", "Clocks"]),
    library(.cores, "Gates", ["Access", "Estate", "Plans", "Encodings", "Clocks", crypto]),
    library(.cores, "Issuance", ["Trust", "NotaryFormats", "Encodings", "Clocks", crypto, cryptoExtras, x509, asn1]),
    library(.cores, "Ledger", ["Merkle", "Encodings", "Clocks", "Secrets", crypto]),
    library(.cores, "SecurityDomain", ["Custody", "JOSE", "Secrets", "Encodings", "Clocks", crypto, cryptoExtras, x509, asn1]),
    library(
      .cores, "Signing", ["Trust", "SigstoreFormats", "NotaryFormats", "OCI", "Merkle", "Encodings", "Clocks", crypto, cryptoExtras, x509, asn1]),
    library(
      .cores, "Trust", ["SigstoreFormats", "NotaryFormats", "OCI", "JOSE", "Merkle", "Encodings", "Clocks", crypto, cryptoExtras, x509, asn1]),

    library(.cores, "Watch", ["Audit", "Estate", "DiagnosticLogs", "Encodings", "Clocks", crypto]),

    // MARK: Adapters
    .systemLibrary(
      name: "CLibcrypto", path: "Sources/Adapters/CLibcrypto", pkgConfig: "libcrypto",
      providers: [.apt(["libssl-dev"]), .brew(["openssl@3"])]),
    library(.adapters, "LedgerFiles", ["Ledger", "Merkle", "Audit", "Clocks", "Encodings", .product(name: "GRDB", package: "GRDB.swift")]),
    library(
      .adapters, "Outbound",
      [
        "JOSE", "Encodings", "Secrets", "Clocks", "Signing", "SigstoreFormats", "NotaryFormats", "OCI", "Issuance", "Trust",
        "Estate", "Watch", "DiagnosticLogs", "KubernetesFormats", "Telemetry",
        .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"), .product(name: "NIOFoundationCompat", package: "swift-nio"), crypto, cryptoExtras, x509, asn1,
      ]),
    library(.adapters, "SQLiteStore", ["Custody", "Access", "Estate", "Trust", "Clocks", "Encodings", .product(name: "GRDB", package: "GRDB.swift")]),
    library(
      .adapters, "SoftwareEngine", ["Custody", "JOSE", "Secrets", "Encodings", "CLibcrypto", crypto, cryptoExtras, x509, asn1]),
    library(.adapters, "Telemetry", [logging]),

    // MARK: Surfaces
    library(
      .surfaces, "ConsoleService",
      [
        "Estate", "Trust", "OCI", "KubernetesFormats", "Encodings", "Clocks", "Telemetry", logging,
        .product(name: "Hummingbird", package: "hummingbird"), .product(name: "HummingbirdTLS", package: "hummingbird"),
        .product(name: "HTTPTypes", package: "swift-http-types"), .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ]),
    library(
      .surfaces, "ManagedHSMService",
      [
        "ManagedHSMWire", "JOSE", "Access", "Custody", "SecurityDomain", "Audit", "Ledger", "Estate", "Encodings", "Secrets",
        "Clocks", "Telemetry", crypto, cryptoExtras, x509, asn1, collections, logging,
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"), .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "NIOHTTP2", package: "swift-nio-http2"), .product(name: "NIOTLS", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ]),

    // MARK: Products
    library(.products, "HallmarkVerify", ["Trust", "SigstoreFormats", "NotaryFormats", "OCI", "Encodings", "Clocks"]),
    .executableTarget(
      name: "notation-hallmark",
      dependencies: ["Outbound", "Signing", "Issuance", "Trust", "NotaryFormats", "SigstoreFormats", "Encodings", "Clocks"],
      path: "Sources/Products/notation-hallmark", swiftSettings: strict),
    .executableTarget(
      name: "sigstore-kms-hallmark",
      dependencies: ["Outbound", "Signing", "Trust", "SigstoreFormats", "Encodings", "Clocks", crypto],
      path: "Sources/Products/sigstore-kms-hallmark", swiftSettings: strict),
    .executableTarget(
      name: "hallmark",
      dependencies: [
        "ManagedHSMService", "ManagedHSMWire", "SoftwareEngine", "SQLiteStore", "LedgerFiles", "Outbound", "Telemetry",
        "Custody", "Access", "SecurityDomain", "Audit", "Ledger", "Estate", "Signing", "Trust", "Issuance", "SigstoreFormats", "NotaryFormats",
        "OCI", "JOSE", "Encodings", "Merkle", "Secrets", "Clocks", crypto, cryptoExtras, x509, asn1, logging,
        "Plans", "Gates", "Watch", "DiagnosticLogs", "KubernetesFormats", "ConsoleService",
        .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "SystemPackage", package: "swift-system"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Configuration", package: "swift-configuration"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
        .product(name: "Yams", package: "Yams"),
      ],
      path: "Sources/Products/hallmark", swiftSettings: strict),

    // MARK: Tests
    tests("AccessTests", ["Access", "Encodings", "Clocks", "JOSE", "Secrets", crypto]),
    tests("ArchitectureTests", []),
    tests("AuditTests", ["Audit", "Ledger", "Clocks"]),
    tests("CustodyTests", ["Custody", "Access", "Clocks", "Secrets"]),
    tests("EncodingsTests", ["Encodings"]),
    tests(
      "ConsoleServiceTests",
      [
        "ConsoleService", "Estate", "Trust", "SigstoreFormats", "OCI", "KubernetesFormats", "Encodings", "Clocks", crypto, logging,
        .product(name: "Hummingbird", package: "hummingbird"), .product(name: "HummingbirdTesting", package: "hummingbird"),
        .product(name: "NIOCore", package: "swift-nio"),
      ]),
    tests("DiagnosticLogsTests", ["DiagnosticLogs", "Encodings"]),
    tests("EstateTests", ["Estate", "Trust", "SigstoreFormats", "OCI", "DiagnosticLogs", "KubernetesFormats", "Encodings", "Clocks", crypto]),
    .target(
      name: "FuzzTargets",
      dependencies: ["Encodings", "Merkle", "JOSE", "ManagedHSMWire", "SigstoreFormats", "NotaryFormats", "OCI", "Access", "Ledger", "Audit", "SecurityDomain", "Issuance", "Trust", "Signing", "Clocks", "Plans", "DiagnosticLogs", "KubernetesFormats", "Estate", "Gates", "Watch"],
      path: "Fuzz/Targets", swiftSettings: strict),
    tests("FuzzReplayTests", ["FuzzTargets"]),
    tests("GatesTests", ["Gates", "Estate", "Plans", "Access", "Encodings", "Clocks"]),
    tests("HallmarkVerifyTests", ["HallmarkVerify"]),
    tests("IssuanceTests", ["Issuance", "Trust", "NotaryFormats", "Encodings", "Clocks", crypto, cryptoExtras, x509, asn1]),
    tests("JOSETests", ["JOSE", "Secrets", "Encodings", "Clocks", crypto, cryptoExtras, x509, asn1]),
    tests("KubernetesFormatsTests", ["KubernetesFormats", "Encodings"]),
    tests("LedgerFilesTests", ["LedgerFiles", "Audit", "Ledger", "Merkle", "Clocks", crypto]),
    tests("LedgerTests", ["Ledger", "Merkle", "Encodings", crypto]),
    tests(
      "ManagedHSMServiceTests",
      [
        "ManagedHSMService", "ManagedHSMWire", "Access", "Audit", "Ledger", "Custody", "SoftwareEngine", "SecurityDomain", "JOSE", "Encodings",
        "Secrets", "Clocks", crypto, cryptoExtras, x509, asn1,
        .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "NIOHTTP2", package: "swift-nio-http2"),
      ]),
    tests("ManagedHSMWireTests", ["ManagedHSMWire", "Encodings"]),
    tests("MerkleTests", ["Merkle", "Encodings", crypto]),
    tests("NotaryFormatsTests", ["NotaryFormats", "JOSE", "Encodings", crypto, cryptoExtras, x509, asn1]),
    tests("OCITests", ["OCI", "Encodings", crypto]),
    tests("OutboundTests", ["Outbound", "Estate", "Watch", "DiagnosticLogs", "KubernetesFormats", "Signing", "Issuance", "Trust", "SigstoreFormats", "NotaryFormats", "OCI", "Clocks", "Encodings", crypto]),
    tests("PlansTests", ["Plans", "Encodings"]),
    tests("SQLiteStoreTests", ["SQLiteStore", "Access", "Custody", "Estate", "Trust", "Clocks", "Encodings", .product(name: "GRDB", package: "GRDB.swift")]),
    tests("SecretsTests", ["Secrets", "Encodings", crypto]),
    tests("SecurityDomainTests", ["SecurityDomain", "JOSE", "Secrets", "Encodings", "Clocks", crypto, cryptoExtras, x509, asn1]),
    tests("SigningTests", ["Signing", "Trust", "SigstoreFormats", "NotaryFormats", "OCI", "Merkle", "Clocks", "Encodings", crypto, cryptoExtras, x509, asn1]),
    tests("SigstoreFormatsTests", ["SigstoreFormats", "Encodings", crypto]),
    tests("SoftwareEngineTests", ["SoftwareEngine", "CLibcrypto", "Custody", "Access", "Clocks", "Secrets", crypto, cryptoExtras]),
    tests("TelemetryTests", ["Telemetry", logging]),
    tests("TrustTests", ["Trust", "SigstoreFormats", "NotaryFormats", "OCI", "Merkle", "Clocks", "Encodings", crypto, cryptoExtras, x509, asn1]),
    tests("WatchTests", ["Watch", "Estate", "Audit", "DiagnosticLogs", "Encodings", "Clocks"]),
  ],
  swiftLanguageModes: [.v6]
)
