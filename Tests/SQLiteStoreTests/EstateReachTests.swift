import Clocks
import Encodings
import Estate
import GRDB
import Testing

@testable import SQLiteStore

@Suite struct EstateReachTests {
  typealias Fixture = EstateFixture

  static let questions: [EstateQuestion] = [
    .key(store: "NW-HSM", name: "fw-sign", version: nil), .key(store: "nw-hsm", name: "fw-sign", version: "v1"), .identity(Fixture.build),
    .identity("id-build-eu"), .identity("7C1D0000-0000-4000-8000-000000000001"), .assignment(Fixture.grantID),
    .assignment("/providers/Microsoft.Authorization/roleAssignments/\(Fixture.grantID)"),
  ]

  @Test(arguments: questions)
  func theArtifactAndWhereItsPartsRunAreFound(question: EstateQuestion) throws {
    let reach = try Fixture.filled().reach(question)
    #expect(reach.isKnown && reach.gaps == [], "\(reach.json.text(pretty: true))")
    #expect(reach.artifacts.map { $0["digest"]?.string } == [Fixture.index])
    #expect(reach.deployments.map { $0["workload"]?.string } == ["deployment/web"])
    #expect(reach.counts == .init(signatures: 1, artifacts: 1, runningArtifacts: 1, deployments: 1, signings: 1, unmatchedSignings: 0))
    #expect(reach.exitCode(acceptGaps: false) == 0)
  }

  @Test func anotherVersionReachesNothingAndThatIsAnAnswer() throws {
    let reach = try Fixture.filled().reach(.key(store: "nw-hsm", name: "fw-sign", version: "v2"))
    #expect(reach.isKnown && reach.counts.artifacts == 0 && reach.exitCode(acceptGaps: false) == 0)
  }

  @Test(arguments: [
    EstateQuestion.key(store: "nw-hsm", name: "other", version: nil), .key(store: "nw-hsm", name: "fw-sign", version: "v9"), .key(store: "elsewhere", name: "fw-sign", version: nil),
    .identity("nobody"), .identity(""), .identity("'; DROP TABLE event; --"), .assignment("00000000-0000-4000-8000-000000000000"),
  ])
  func whatNobodySawIsNoWhenEverythingWasSeenAndUndecidedWhenNot(question: EstateQuestion) throws {
    #expect(try Fixture.filled().reach(question).exitCode(acceptGaps: true) == 1)
    #expect(try Fixture.filled({ $0.stores[0].visibility = .denied }).reach(question).exitCode(acceptGaps: true) == 3)
  }

  struct Row: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var gap: String
    var change: @Sendable (inout InventorySnapshot) -> Void = { _ in }
    var records = [Fixture.record()]
    var question = EstateQuestion.key(store: "nw-hsm", name: "fw-sign", version: nil)
  }

  @Test(arguments: [
    Row(testDescription: "denied store", gap: "visibility denied", change: { $0.stores[0].visibility = .denied }),
    Row(testDescription: "partial store", gap: "visibility partial", change: { $0.stores[0].visibility = .partial }, question: .identity(Fixture.build)),
    Row(testDescription: "signatures not looked for", gap: "could not be looked for", change: { $0.artifacts[1].signatures = nil }),
    Row(testDescription: "no cluster asked", gap: "no source of running workloads", change: { s in for i in s.artifacts.indices { s.artifacts[i].running = nil } }),
    Row(testDescription: "a signing without signature", gap: "1 signings on record belong to no signature", records: [Fixture.record(), Fixture.record("r-5")]),
    Row(testDescription: "no public key", gap: "public key of 1 versions", change: { $0.keys[1].spkiSha256 = nil }),
    Row(testDescription: "a record without version", gap: "do not name the version", records: [Fixture.record(), Fixture.record("r-5", version: nil)], question: .key(store: "nw-hsm", name: "fw-sign", version: "v1")),
    Row(testDescription: "signatures without record", gap: "1 signatures by keys that this identity may sign with", records: [], question: .identity(Fixture.build)),
    Row(testDescription: "signatures without record, assignment", gap: "1 signatures by keys that its holders may sign with", records: [], question: .assignment(Fixture.grantID)),
    Row(testDescription: "reconstructed", gap: "is reconstructed", records: [Fixture.record(assignment: nil)], question: .assignment(Fixture.grantID)),
    Row(testDescription: "an assignment only records name", gap: "only records name it", change: { $0.grants = [] }, question: .assignment(Fixture.grantID)),
  ])
  func whatCouldNotBeSeenIsSaid(row: Row) throws {
    let reach = try Fixture.filled(row.change, records: row.records).reach(row.question)
    #expect(reach.gaps.contains { $0.contains(row.gap) }, "\(reach.gaps)")
    #expect(reach.exitCode(acceptGaps: false) == 3 && reach.exitCode(acceptGaps: true) == 0)
  }

  @Test func aReconstructedAssignmentReachesThroughAGroupButNotAnotherKeysSignings() throws {
    let group = "9a9a0000-0000-4000-8000-000000000001"
    let store = try Fixture.filled(
      {
        $0.grants[0].principal = group
        $0.groups = [.init(objectId: group, name: "builders", members: [Fixture.build])]
      }, records: [Fixture.record(assignment: nil)])
    #expect(try store.reach(.assignment(Fixture.grantID)).counts.artifacts == 1)
    let narrow = try Fixture.filled({ $0.grants[0].scope = "/keys/other" }, records: [Fixture.record(assignment: nil)])
    #expect(try narrow.reach(.assignment(Fixture.grantID)).counts.artifacts == 0)
  }

  @Test func aLongAnswerIsCutAndSaysSoWhileCountsStayExact() throws {
    let store = try Fixture.filled { snapshot in
      for i in 0..<50 {
        let digest = "sha256:" + String(repeating: "0", count: 60) + String(1000 + i)
        snapshot.artifacts.append(.init(digest: digest, signatures: [Fixture.signature("q-\(i)")], running: [.init(cluster: "prod", workload: "job/\(i)")]))
      }
    }
    let reach = try store.reach(.key(store: "nw-hsm", name: "fw-sign", version: nil), limit: 7)
    #expect(reach.counts.artifacts == 51 && reach.counts.deployments == 51)
    #expect(reach.artifacts.count == 7 && reach.deployments.count == 7)
    #expect(reach.json["truncated"]?["artifacts"]?.bool == true && reach.json["truncated"]?["deployments"]?.bool == true)
  }

  @Test func atAnEarlierTimeWhatRanThenRunsAndWhatWasSignedLaterIsNotThere() throws {
    let store = try Fixture.filled()
    _ = try store.add(
      Fixture.snapshot(at: 5) {
        $0.artifacts[1].running = [.init(cluster: "prod", namespace: "shop", workload: "deployment/new")]
        $0.artifacts[0].signatures = [Fixture.signature(), Fixture.signature("r-2", at: 4)]
      })
    let question = EstateQuestion.key(store: "nw-hsm", name: "fw-sign", version: nil)
    #expect(try store.reach(question).deployments.map { $0["workload"]?.string } == ["deployment/new"])
    #expect(try store.reach(question).counts.signatures == 2)
    let then = try store.reach(question, at: Fixture.time(1))
    #expect(then.deployments.map { $0["workload"]?.string } == ["deployment/web"] && then.counts.signatures == 1)
  }
}
