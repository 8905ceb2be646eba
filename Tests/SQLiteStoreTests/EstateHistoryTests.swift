import Clocks
import Encodings
import Estate
import Foundation
import GRDB
import Synchronization
import Testing

@testable import SQLiteStore

@Suite struct EstateHistoryTests {
  typealias Fixture = EstateFixture

  @Test func theSameSnapshotAndRecordsAgainChangeNothing() throws {
    let store = try Fixture.filled()
    #expect(try store.add(Fixture.snapshot()).changed == false)
    let again = try store.add([Fixture.record()])
    #expect(!again.changed && again.newEvents == 0)
    #expect(try store.reach(.identity(Fixture.build)).counts.signatures == 1)
  }

  @Test func theLogFillsInWhatTheLedgerLeftOutAndTheOtherWayRound() throws {
    let store = try Fixture.filled(records: [Fixture.record(principal: nil, assignment: nil)])
    #expect(try store.trace(digest: Fixture.index).verdict == .oursProbable)
    #expect(try store.add([Fixture.record()]).completed == 1)
    #expect(try store.trace(digest: Fixture.index).verdict == .ours)
  }

  @Test func aSnapshotOlderThanTheNewestOrAnotherOfTheSameTimeIsRefusedWhole() throws {
    let store = try Fixture.filled()
    #expect(throws: EstateStoreError.self) { try store.add(Fixture.snapshot(at: -1)) }
    #expect(throws: EstateStoreError.sameTimeDiffers(taken: Fixture.time(0).seconds)) { try store.add(Fixture.snapshot { $0.keys = [] }) }
    #expect(try store.snapshotTimes() == [Fixture.time(0)])
  }

  @Test func whatWasTrueAtATimeIsReadBack() throws {
    let store = try Fixture.filled()
    _ = try store.add(Fixture.snapshot(at: 2) { $0.grants = [] })
    _ = try store.add(Fixture.snapshot(at: 4) { $0.grants[0].scope = "/keys" })
    #expect(try store.estate(at: Fixture.time(-1)) == nil)
    #expect(try store.estate(at: Fixture.time(1))?.grants.map(\.scope) == ["/keys/fw-sign"])
    #expect(try store.estate(at: Fixture.time(3))?.grants == [])
    #expect(try store.estate(at: Fixture.time(9))?.grants.map(\.scope) == ["/keys"])
    var first = Fixture.snapshot().canonical
    first.artifacts = []
    #expect(try store.estate(at: Fixture.time(0))?.canonical == first)
  }

  @Test func whatADeniedStoreDoesNotShowIsNotGone() throws {
    let store = try Fixture.filled()
    _ = try store.add(
      Fixture.snapshot(at: 2, visibility: .denied) {
        $0.keys = []
        $0.grants = []
        $0.roles = []
      })
    #expect(try store.estate(at: Fixture.time(3))?.keys.count == 2)
    #expect(try store.estate(at: Fixture.time(3))?.stores.map(\.visibility) == [.denied])
    #expect(try store.reach(.key(store: "nw-hsm", name: "fw-sign", version: nil)).gaps.contains { $0.contains("denied") })
  }

  @Test func aClusterThatWasNotReadKeepsItsPlacesAndOneThatWasReadLosesThem() throws {
    let store = try Fixture.filled { $0.artifacts[1].running?.append(.init(cluster: "edge", workload: "pod/x")) }
    _ = try store.add(
      Fixture.snapshot(at: 2) {
        $0.artifacts = [.init(digest: "sha256:" + String(repeating: "c", count: 64), signatures: [], running: [.init(cluster: "prod", workload: "deployment/else")])]
      })
    #expect(try store.reach(.key(store: "nw-hsm", name: "fw-sign", version: nil)).deployments.map { $0["cluster"]?.string } == ["edge"])
  }

  @Test func aCommitThatFailsLeavesNothingBehind() throws {
    let store = try Fixture.filled()
    store.failNextCommit.withLock { $0 = true }
    #expect(throws: EstateStoreError.self) { try store.add(Fixture.snapshot(at: 2) { $0.grants = [] }) }
    #expect(try store.snapshotTimes().count == 1)
    #expect(try store.estate(at: Fixture.time(3))?.grants.count == 1)
  }

  @Test func theFileIsWALReopensAndKeepsAnswersAndForeignFilesAreLeftAlone() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "estate-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = "\(folder)/estate.db"
    let first = try EstateStore(path: path)
    _ = try first.add(Fixture.snapshot())
    _ = try first.add([Fixture.record()])
    #expect(try first.read { try String.fetchOne($0, sql: "PRAGMA journal_mode") } == "wal")
    first.close()
    #expect(try EstateStore(path: path).trace(digest: Fixture.index).verdict == .ours)
    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    #expect(mode == 0o600)

    let text = "\(folder)/text"
    try "no database, and long enough to be looked at as one: ................................................................".write(toFile: text, atomically: true, encoding: .utf8)
    #expect(throws: StoreOpeningError.notOurs(file: text)) { try EstateStore(path: text) }
    let hsm = "\(folder)/hsm.db"
    _ = try Store(path: hsm)
    #expect(throws: StoreOpeningError.notOurs(file: hsm)) { try EstateStore(path: hsm) }
    #expect(throws: StoreOpeningError.self) { try EstateStore(path: "\(folder)/none/estate.db") }
    let newer = try DatabaseQueue(path: path)
    try newer.inDatabase { try $0.execute(sql: "PRAGMA user_version = 99") }
    try newer.close()
    #expect(throws: StoreOpeningError.newerSchema(file: path, found: 99, supported: EstateStore.schemaVersion)) { try EstateStore(path: path) }
  }
}
