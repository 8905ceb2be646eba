import Clocks
import DiagnosticLogs
import Testing

@testable import Estate

/// Uses from diagnostic logs and audit lines: what they prove, and what they leave open.
@Suite struct LoggedUseTests {
  private typealias S = InventorySnapshot
  private static let now = Instant(seconds: 1_795_154_400)
  private static let estate = S(
    takenAt: now, stores: [S.Store(id: "hsm", kind: .managedHsm, rbacMode: .local, visibility: .full)],
    keys: [S.Key(store: "hsm", name: "fw", version: "1"), S.Key(store: "hsm", name: "disk", version: "1")],
    grants: [S.Grant(id: "g", store: "hsm", principal: "P", via: .localRbac, scope: "/keys", role: "21dbd100-6940-42c2-9190-5d6cb909625b")],
    identities: [S.Identity(objectId: "P", clientId: "APP", kind: .userAssigned, name: "id-build")])

  private static func record(
    _ operation: LogOperation = .sign, key: String? = "fw", days: Int64 = 0, status: Int? = 200, oid: String? = "p", app: String? = nil, sequence: Int64? = nil
  ) -> LogRecord {
    var record = LogRecord(
      time: now.advanced(bySeconds: -days * 86_400).nanoseconds, operation: operation, operationName: "x", place: LogPlace(source: "log", line: 1))
    record.store = "HSM"
    record.key = key
    record.status = status
    record.identity.objectId = oid
    record.identity.appId = app
    record.sequence = sequence
    return record
  }

  private static func facts(_ records: [LogRecord], until: Instant? = nil) -> UseFacts {
    var use = LoggedUse(estate)
    for record in records { use.add(record) }
    return use.facts(until: until)
  }

  private static func verdicts(_ facts: UseFacts, days: Int64 = 90) -> [String: String] {
    let answer = EstateQuestions(estate).keyUsage(facts, since: now.advanced(bySeconds: -days * 86_400))
    return Dictionary(uniqueKeysWithValues: answer.rows.map { ($0.key, $0.verdict.word) })
  }

  @Test func aKeyThatALogOverTheWholeTimeDoesNotNameIsUnused() {
    #expect(Self.verdicts(Self.facts([Self.record(days: 100), Self.record()])) == ["fw": "used", "disk": "unused"])
  }

  @Test(arguments: [[100, 1], [80, 0], [0]] as [[Int64]])
  func aLogThatBeginsLaterOrEndsSoonerLeavesItOpen(_ days: [Int64]) {
    #expect(Self.verdicts(Self.facts(days.map { Self.record(days: $0) }))["disk"] == "not known")
  }

  @Test func whoKnowsThatTheLogIsCompleteMaySaySo() {
    let records = [Self.record(days: 100), Self.record(days: 2)]
    #expect(Self.verdicts(Self.facts(records, until: Self.now))["disk"] == "unused")
    #expect(Self.verdicts(Self.facts(records, until: Self.now.advanced(bySeconds: -86_400)))["disk"] == "not known")
  }

  @Test func aStoreThatNoLogNamesIsOpen() {
    #expect(Self.verdicts(Self.facts([])) == ["fw": "not known", "disk": "not known"])
  }

  @Test(arguments: [401, 403, 429, 500, nil] as [Int?])
  func aRequestThatFailedIsNoUse(_ status: Int?) {
    #expect(Self.verdicts(Self.facts([Self.record(days: 100), Self.record(key: "disk", days: 3, status: status), Self.record()]))["disk"] == "unused")
  }

  @Test func readingThePublicHalfIsNoUse() {
    #expect(Self.verdicts(Self.facts([Self.record(days: 100), Self.record(.keyRead, key: "disk", days: 3), Self.record()]))["disk"] == "unused")
  }

  @Test func brokenPiecesLeaveEverythingOpenThatWasNotSeenUsed() {
    var use = LoggedUse(Self.estate)
    for record in [Self.record(days: 100), Self.record()] { use.add(record) }
    use.breakOff("3 lines are no records")
    #expect(Self.verdicts(use.facts()) == ["fw": "used", "disk": "not known"])
  }

  @Test func aHoleInSequenceNumbersOfOurOwnAuditLeavesItOpen() {
    #expect(Self.verdicts(Self.facts([Self.record(days: 100, sequence: 1), Self.record(sequence: 2)]))["disk"] == "unused")
    #expect(Self.verdicts(Self.facts([Self.record(days: 100, sequence: 1), Self.record(sequence: 3)]))["disk"] == "not known")
  }

  @Test func theApplicationNamesTheIdentityWhereTheRecordHasNoObjectId() {
    let facts = Self.facts([Self.record(days: 100, oid: nil, app: "app"), Self.record(oid: nil, app: "app")])
    let rows = EstateQuestions(Self.estate).rightUsage(facts, since: Self.now.advanced(bySeconds: -90 * 86_400)).rows
    #expect(rows.first { $0.capability == .sign }?.verdict.word == "used")
    #expect(rows.first { $0.capability == .decrypt }?.verdict.word == "unused")
  }

  @Test func aUseThatNamesNobodyLeavesEveryRightOpen() {
    let facts = Self.facts([Self.record(days: 100, oid: nil), Self.record()])
    let rows = EstateQuestions(Self.estate).rightUsage(facts, since: Self.now.advanced(bySeconds: -90 * 86_400)).rows
    #expect(rows.first { $0.capability == .sign }?.verdict.word == "used")
    #expect(rows.filter { $0.verdict.word == "unused" }.isEmpty)
  }

  @Test func whatARecordDoesNotTellApartCountsAsEither() {
    let facts = Self.facts([Self.record(days: 100), Self.record(.deletedKey, days: 1), Self.record()])
    #expect(Set(facts.uses.map(\.capability)) == [.sign, .purge, .recover])
  }

  // MARK: Audit lines

  private static let line =
    #"{"schema":"hallmark.audit/v1","sequence":7,"time":"2026-11-20T06:00:00Z","node":"n","requestId":"r","clientRequestId":null,"principal":{"objectId":"P","claims":{"run_id":"1"}},"operation":"sign","store":"hsm","key":"fw","version":"1","kid":null,"algorithm":"ES384","digest":null,"decision":"allow","reason":null,"assignment":null,"engine":"software","status":200,"durationMs":4,"callerAddress":null,"purpose":null}"#

  @Test func aWholeLineIsRead() throws {
    let record = try OperationRecord(auditLine: Self.line.utf8, path: "line 1")
    #expect(record.sequence == 7)
    #expect(record.allowed)
    #expect(record.objectID == "P")
  }

  @Test(arguments: [
    (#""hallmark.audit/v1""#, #""hallmark.audit/v2""#), (#""schema":"hallmark.audit/v1","#, ""), (#""sequence":7"#, #""sequence":0"#), (#""sequence":7"#, #""sequence":"7""#),
    (#""node":"n""#, #""node":1"#), (#""status":200"#, #""status":"200""#), (#""purpose":null"#, #""purpose":null,"extra":1"#), (#""purpose":null"#, #""purpose":null,"purpose":"canary""#),
    (#""decision":"allow""#, #""decision":"perhaps""#), (#""time":"2026-11-20T06:00:00Z""#, #""time":"later""#), (#""principal":{"objectId":"P","claims":{"run_id":"1"}}"#, #""principal":"P""#),
    (#"{"schema""#, #"[{"schema""#), (#""purpose":null}"#, #""purpose":null"#), (#""durationMs":4"#, #""durationMs":NaN"#),
  ])
  func aLineThatIsNotOfTheFormatIsRefused(_ change: (String, String)) {
    let cut = Self.line.firstRange(of: change.0)
    #expect(cut != nil)
    var text = Self.line
    if let cut { text.replaceSubrange(cut, with: change.1) }
    #expect(throws: FactError.self) { try OperationRecord(auditLine: text.utf8, path: "line 1") }
  }

  // MARK: Purged keys

  @Test func keysThatAStoreNoLongerHasStayListedAsDeleted() {
    var now = Self.estate
    now.keys = [S.Key(store: "hsm", name: "fw", version: "2")]
    #expect(now.keepPurged(of: Self.estate) == ["hsm"])
    #expect(now.keys.map { "\($0.name)/\($0.version ?? "")/\($0.deleted)" } == ["disk/1/true", "fw/1/true", "fw/2/false"])
    let once = now
    now.keepPurged(of: Self.estate)
    #expect(now == once)
  }

  @Test(arguments: [InventorySnapshot.Visibility.denied, .partial])
  func ofAStoreThatWasNotSeenWholeNothingIsCalledDeleted(_ visibility: InventorySnapshot.Visibility) {
    var now = Self.estate
    now.keys = []
    now.stores[0].visibility = visibility
    now.keepPurged(of: Self.estate)
    #expect(now.keys.isEmpty)
  }

  @Test func anEarlierViewThatSawNothingIsNoReasonToStopLooking() {
    var blind = Self.estate
    blind.stores[0].visibility = .denied
    blind.keys = []
    var now = Self.estate
    #expect(now.keepPurged(of: blind).isEmpty)
  }

  @Test func aRowOfANameAloneIsNotKeptBesideItsVersions() {
    var earlier = Self.estate
    earlier.keys = [S.Key(store: "hsm", name: "fw"), S.Key(store: "hsm", name: "gone")]
    var now = Self.estate
    now.keepPurged(of: earlier)
    #expect(now.keys.filter { $0.version == nil }.map(\.name) == ["gone"])
  }
}
