import Clocks
import Encodings
import Estate
import GRDB
import Testing

@testable import SQLiteStore

@Suite struct EstateTraceTests {
  typealias Fixture = EstateFixture

  @Test(arguments: [Fixture.index, Fixture.manifest, Fixture.index.uppercased()])
  func aSignatureWithRequestRecordGrantAndIdentityIsOursByAnyDigestOfTheImage(digest: String) throws {
    let trace = try Fixture.filled().trace(digest: digest)
    #expect(trace.verdict == .ours)
    let chain = try #require(trace.json["chains"]?[0])
    #expect(chain["key"]?["version"]?.string == "v1" && chain["key"]?["store"]?.string == "nw-hsm")
    #expect(chain["event"]?["join"]?.string == "exact" && chain["event"]?["correlationId"]?.string == "r-1")
    #expect(chain["grant"]?["assignmentId"]?.string == Fixture.grantID && chain["grant"]?["reconstructed"]?.bool == false)
    #expect(chain["grant"]?["roleName"]?.string == "signer")
    #expect(chain["identity"]?["name"]?.string == "id-build-eu")
    #expect(chain["deployments"]?[0]?["workload"]?.string == "deployment/web")
    #expect(chain.texts("gaps").isEmpty)
  }

  @Test func recordsThatCameBeforeTheInventoryAreTiedToo() throws {
    let store = try EstateStore()
    _ = try store.add([Fixture.record(), Fixture.record("r-2", digest: Fixture.manifest)])
    _ = try store.add(Fixture.snapshot { $0.artifacts[1].signatures = [Fixture.signature(nil)] })
    #expect(try store.trace(digest: Fixture.index).json["chains"]?.array?.compactMap { $0["event"]?["correlationId"]?.string }.sorted() == ["r-1", "r-2"])
  }

  @Test func theDigestTiesASignatureWithoutRequestUnlessTwoStoriesAreTold() throws {
    let change = { (s: inout InventorySnapshot) in s.artifacts[0].signatures = [Fixture.signature(nil)] }
    let one = try Fixture.filled(change, records: [Fixture.record("r-8", digest: Fixture.index)])
    #expect(try one.trace(digest: Fixture.index).verdict == .ours)
    let two = try Fixture.filled(change, records: [Fixture.record("r-8", digest: Fixture.index), Fixture.record("r-9", principal: "else", digest: Fixture.index)])
    let trace = try two.trace(digest: Fixture.index)
    #expect(trace.verdict == .oursProbable && trace.json["chains"]?[0]?["event"]?["candidates"]?.array?.count == 2)
  }

  struct Row: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var verdict: TraceVerdict
    var change: @Sendable (inout InventorySnapshot) -> Void = { _ in }
    var records = [Fixture.record()]
  }

  @Test(arguments: [
    Row(testDescription: "no record", verdict: .oursKeyUnlogged, records: []),
    Row(testDescription: "no record and a store that was denied", verdict: .oursProbable, change: { $0.stores[0].visibility = .denied }, records: []),
    Row(testDescription: "a record near in time that names no digest", verdict: .oursProbable, records: [Fixture.record("r-7")]),
    Row(testDescription: "a record an hour later", verdict: .oursKeyUnlogged, records: [Fixture.record("r-7", at: 1)]),
    Row(testDescription: "a record of another version under the request", verdict: .oursKeyUnlogged, records: [Fixture.record(version: "v2", at: 2)]),
    Row(testDescription: "a record that was refused", verdict: .oursKeyUnlogged, records: [Fixture.record(allowed: false)]),
    Row(testDescription: "a record with status 403", verdict: .oursKeyUnlogged, records: [Fixture.record(status: 403)]),
    Row(testDescription: "a record of another operation", verdict: .oursKeyUnlogged, records: [Fixture.record(operation: "decrypt")]),
    Row(testDescription: "an assignment that nobody saw", verdict: .oursProbable, records: [Fixture.record(assignment: Fixture.role)]),
    Row(testDescription: "an assignment of somebody else", verdict: .oursProbable, change: { $0.grants[0].principal = "else" }),
    Row(testDescription: "an assignment for another key", verdict: .oursProbable, change: { $0.grants[0].scope = "/keys/other" }),
    Row(testDescription: "no assignment in the record", verdict: .oursProbable, records: [Fixture.record(assignment: nil)]),
    Row(testDescription: "nobody verified", verdict: .unknown, change: { $0.artifacts[0].signatures = [Fixture.signature(verified: nil)] }),
    Row(testDescription: "did not verify", verdict: .invalid, change: { $0.artifacts[0].signatures = [Fixture.signature(verified: false)] }),
    Row(testDescription: "a key of somebody else", verdict: .foreign, change: { $0.artifacts[0].signatures = [Fixture.signature(nil, spki: String(repeating: "9f", count: 32))] }),
    Row(
      testDescription: "a key that may be in the store that was denied", verdict: .unknown,
      change: {
        $0.stores[0].visibility = .denied
        $0.artifacts[0].signatures = [Fixture.signature(nil, spki: String(repeating: "9f", count: 32))]
      }),
    Row(testDescription: "no signatures", verdict: .unsigned, change: { $0.artifacts[0].signatures = [] }),
    Row(
      testDescription: "nobody could look for signatures", verdict: .unknown,
      change: { s in for i in s.artifacts.indices { s.artifacts[i].signatures = nil } }),
    Row(testDescription: "an artifact nobody saw", verdict: .unknown, change: { $0.artifacts = [] }),
  ])
  func whatIsMissingOrContradictsIsNotOurs(row: Row) throws {
    let trace = try Fixture.filled(row.change, records: row.records).trace(digest: Fixture.index)
    #expect(trace.verdict == row.verdict, "\(trace.json.text(pretty: true))")
  }

  @Test func anAssignmentThatTheLogDoesNotNameIsReconstructedThroughAGroupAndSaidToBe() throws {
    let group = "9a9a0000-0000-4000-8000-000000000001"
    let store = try Fixture.filled(
      {
        $0.grants[0].principal = group
        $0.groups = [.init(objectId: group, name: "builders", members: [Fixture.build])]
      }, records: [Fixture.record(assignment: nil)])
    let chain = try #require(try store.trace(digest: Fixture.index).json["chains"]?[0])
    #expect(chain["grant"]?["reconstructed"]?.bool == true && chain["grant"]?["principal"]?.string == group)
    #expect(chain.texts("gaps").contains { $0.contains("reconstructed from 1") })
  }

  @Test func noStatementOfATraceReadsAWholeTable() throws {
    let store = try Fixture.filled()
    let tables: Set<String> = ["fact", "artifact", "a", "closure", "c", "signature", "s", "event", "e", "key_version", "k", "material", "m", "running", "r", "place", "principal", "p", "key_material", "km"]
    try store.read { database in
      for sql in [EstateStore.traceQuery, EstateStore.placesQuery] {
        let plan = try GRDB.Row.fetchAll(database, sql: "EXPLAIN QUERY PLAN \(sql)", arguments: [Fixture.index]).map { $0["detail"] as String }
        #expect(!plan.isEmpty)
        for step in plan where step.hasPrefix("SCAN ") {
          let name = step.split(separator: " ")[1]
          #expect(!tables.contains(String(name)), "\(step)")
        }
        #expect(plan.contains { $0.hasPrefix("SEARCH a ") || $0.hasPrefix("SEARCH place ") })
      }
    }
  }
}
