import Foundation
import FuzzTargets
import Testing

/// Replays what the fuzzer starts from and what it once found, so that a failure that was fixed stays fixed.
@Suite("Fuzz inputs")
struct FuzzReplayTests {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Fuzz").standardizedFileURL

  private func files(in folder: URL) throws -> [URL] {
    try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil).filter { !$0.lastPathComponent.hasPrefix(".") }
  }

  private func run(_ target: FuzzTarget, _ file: URL) throws {
    try Data(contentsOf: file).withUnsafeBytes(target.run)
  }

  @Test("Every seed of a parser passes through it", arguments: FuzzTarget.allCases)
  func seeds(of target: FuzzTarget) throws {
    let seeds = try files(in: Self.folder.appending(path: "seeds/\(target.rawValue)"))
    #expect(!seeds.isEmpty, "a target without a seed finds little")
    for seed in seeds { try run(target, seed) }
  }

  @Test("No input that once failed fails again")
  func failures() throws {
    for file in try files(in: Self.folder.appending(path: "failures")) {
      let target = FuzzTarget.allCases.filter { file.lastPathComponent.hasPrefix($0.rawValue + "-") }.max { $0.rawValue.count < $1.rawValue.count }
      try run(#require(target, "\(file.lastPathComponent) names no target"), file)
    }
  }

  @Test("Every parser meets every seed of the others without harm", arguments: FuzzTarget.allCases)
  func foreignSeeds(into target: FuzzTarget) throws {
    for folder in try files(in: Self.folder.appending(path: "seeds")) {
      for seed in try files(in: folder) { try run(target, seed) }
    }
  }
}
