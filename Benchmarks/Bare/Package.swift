// swift-tools-version: 6.2
import PackageDescription

// The bare signature, without server, token, policy or audit: what the benchmark divides the server's CPU time by.
let package = Package(
  name: "bare",
  platforms: [.macOS(.v15)],
  dependencies: [.package(url: "https://github.com/apple/swift-crypto", from: "4.5.2")],
  targets: [.executableTarget(name: "bare", dependencies: [.product(name: "Crypto", package: "swift-crypto")])],
  swiftLanguageModes: [.v6]
)
