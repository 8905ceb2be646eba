// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "EmbedVerify",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "hallmark", path: "../..")],
  targets: [
    .executableTarget(name: "EmbedVerify", dependencies: [.product(name: "HallmarkVerify", package: "hallmark")])
  ]
)
