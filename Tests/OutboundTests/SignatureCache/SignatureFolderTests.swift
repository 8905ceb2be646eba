import Foundation
import Outbound
import Signing
import Testing

@Suite("Signature folder")
struct SignatureFolderTests {
  let home: String
  var folder: String { "\(home)/hallmark/signatures" }

  init() throws {
    home = "\(NSTemporaryDirectory())signatures-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
  }

  private static func name(_ number: Int) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 64 - digits.utf8.count) + digits
  }

  private func mode(_ path: String) throws -> Int {
    try #require(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
  }

  @Test("an entry is found again, in files that only this user can read")
  func keeps() async throws {
    let store = SignatureFolder(folder: folder)
    #expect(try await store.read(Self.name(1)) == nil)
    try await store.write(Self.name(1), [1, 2, 3])
    #expect(try await store.read(Self.name(1)) == [1, 2, 3])
    #expect(try mode(folder) == 0o700)
    #expect(try mode("\(folder)/\(Self.name(1))") == 0o600)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 1, "nothing temporary is left")
    try await store.remove(Self.name(1))
    #expect(try await store.read(Self.name(1)) == nil)
    try await store.remove(Self.name(1))
  }

  @Test("names that are no digests are refused", arguments: ["", "a", "../../../etc/passwd", String(repeating: "A", count: 64), String(repeating: "/", count: 64)])
  func names(_ name: String) async throws {
    let store = SignatureFolder(folder: folder)
    await #expect(throws: SignatureFolder.Unusable.self) { try await store.read(name) }
    await #expect(throws: SignatureFolder.Unusable.self) { try await store.write(name, [1]) }
    await #expect(throws: SignatureFolder.Unusable.self) { try await store.remove(name) }
  }

  @Test("a folder or an entry that others may touch is not used")
  func strangers() async throws {
    let store = SignatureFolder(folder: folder)
    try await store.write(Self.name(1), [1])
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: "\(folder)/\(Self.name(1))")
    await #expect(throws: SignatureFolder.Unusable.self) { try await store.read(Self.name(1)) }
    try FileManager.default.createSymbolicLink(atPath: "\(folder)/\(Self.name(2))", withDestinationPath: "\(folder)/\(Self.name(1))")
    await #expect(throws: (any Error).self) { try await store.read(Self.name(2)) }
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder)
    await #expect(throws: SignatureFolder.Unusable.self) { try await store.write(Self.name(3), [1]) }
    await #expect(throws: SignatureFolder.Unusable.self) { try await store.read(Self.name(3 - 2)) }
  }

  @Test("beyond its limit, what was used longest ago goes")
  func room() async throws {
    let store = SignatureFolder(folder: folder, maxBytes: 10_000)
    for i in 0..<10 {
      try await store.write(Self.name(i), [UInt8](repeating: 1, count: 1000))
      try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSince1970: 1_000_000 + Double(i))], ofItemAtPath: "\(folder)/\(Self.name(i))")
    }
    _ = try await store.read(Self.name(0))
    try await store.write(Self.name(10), [UInt8](repeating: 1, count: 1000))
    for kept in [0, 10] { #expect(try await store.read(Self.name(kept)) != nil) }
    for gone in [1, 2] { #expect(try await store.read(Self.name(gone)) == nil) }
    try await store.write(Self.name(11), [UInt8](repeating: 1, count: 10_001))
    #expect(try await store.read(Self.name(11)) == nil)
  }

  @Test("many writers leave whole entries")
  func together() async throws {
    let folder = folder
    try await withThrowingTaskGroup(of: Void.self) { group in
      for i in 0..<64 {
        group.addTask {
          let store = SignatureFolder(folder: folder)
          try await store.write(Self.name(i % 4), [UInt8](repeating: UInt8(i), count: 5000))
          let found = try await store.read(Self.name(i % 4)) ?? []
          #expect(found.count == 5000 && Set(found).count == 1)
        }
      }
      try await group.waitForAll()
    }
  }
}
