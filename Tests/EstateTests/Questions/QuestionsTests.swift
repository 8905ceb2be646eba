import Clocks
import Testing

@testable import Estate

/// Questions about an estate, and what may not be answered.
@Suite struct QuestionsTests {
  private typealias S = InventorySnapshot
  private static let cryptoUser = "21dbd100-6940-42c2-9190-5d6cb909625b"
  private static let day: Int64 = 86_400
  private static let now = Instant(seconds: 1_795_154_400)
  private static let a = String(repeating: "a", count: 64)
  private static let b = String(repeating: "b", count: 64)

  private static func ago(_ days: Int64) -> Instant { now.advanced(bySeconds: -days * day) }

  private static func estate(
    visibility: S.Visibility = .full, grants: [S.Grant] = [], artifacts: [S.Artifact] = [], federated: [S.Federated]? = [
      S.Federated(issuer: "https://token.actions.githubusercontent.com", subject: "repo:o/r:pull_request")
    ]
  ) -> S {
    S(
      takenAt: now, stores: [S.Store(id: "hsm", kind: .managedHsm, rbacMode: .local, visibility: visibility)],
      keys: [
        S.Key(store: "hsm", name: "fw", version: "1", keyOps: ["sign"], enabled: true, created: ago(400), rotationPolicy: .init(every: "P1Y"), spkiSha256: a),
        S.Key(store: "hsm", name: "fw", version: "2", keyOps: ["sign"], enabled: false, created: ago(10)),
        S.Key(store: "hsm", name: "disk", version: "1", keyOps: ["wrapKey"], enabled: true, created: ago(5)),
        S.Key(store: "hsm", name: "old", version: "1", keyOps: ["sign"], enabled: true, created: ago(900), spkiSha256: b, deleted: true),
      ],
      grants: grants, identities: [S.Identity(objectId: "P", kind: .userAssigned, name: "id-build", federated: federated)],
      groups: [S.Group(objectId: "G", name: "builders", members: ["P"])], artifacts: artifacts)
  }

  private static func grant(_ principal: String = "P", scope: String = "/keys/fw", via: S.Via = .localRbac, latent: Bool = false) -> S.Grant {
    S.Grant(id: "g-\(principal)-\(scope)", store: "hsm", principal: principal, via: via, scope: scope, role: cryptoUser, latent: latent)
  }

  // MARK: Bindings

  @Test(arguments: [
    ("P", "/keys/fw", InventorySnapshot.Via.localRbac, false, Set<KeyBinding.How>([.direct, .federation])),
    ("P", "/keys", .localRbac, false, [.direct, .broadScope, .federation]), ("G", "/keys/fw", .localRbac, false, [.group, .federation]),
    ("P", "/keys/fw", .pim, true, [.pim, .federation]), ("G", "/", .localRbac, false, [.group, .broadScope, .federation]),
  ] as [(String, String, InventorySnapshot.Via, Bool, Set<KeyBinding.How>)])
  func aBindingSaysByWhichPathItIs(_ row: (String, String, InventorySnapshot.Via, Bool, Set<KeyBinding.How>)) {
    let found = EstateQuestions(Self.estate(grants: [Self.grant(row.0, scope: row.1, via: row.2, latent: row.3)])).bindings()
    #expect(found.rows.map(\.key) == ["fw"])
    #expect(found.rows.first?.how == row.4)
    #expect(found.rows.first?.latent == row.3)
    #expect(found.rows.first?.risks == [.pullRequest])
    #expect(found.isComplete)
  }

  @Test func anIdentityThatNoPlatformCanBecomeIsNotBound() {
    #expect(EstateQuestions(Self.estate(grants: [Self.grant()], federated: [])).bindings().rows.isEmpty)
  }

  @Test func aRightToAnotherKeyIsNoBinding() {
    #expect(EstateQuestions(Self.estate(grants: [Self.grant(scope: "/keys/disk")])).bindings().rows.isEmpty)
  }

  @Test func aDeniedStoreMakesTheAnswerIncomplete() {
    let found = EstateQuestions(Self.estate(visibility: .denied)).bindings()
    #expect(found.rows.isEmpty)
    #expect(!found.isComplete)
  }

  @Test func unseenFederationMakesTheAnswerIncomplete() {
    #expect(!EstateQuestions(Self.estate(grants: [Self.grant()], federated: nil)).bindings().isComplete)
  }

  @Test func theRegisterSaysWhichKeysSign() {
    let register = IntentRegister(signingKeys: .init(names: ["disk"]))
    let found = EstateQuestions(Self.estate(grants: [Self.grant(scope: "/keys")]), intent: register).bindings()
    #expect(found.rows.map(\.key) == ["disk"])
  }

  // MARK: Rotation

  @Test func theLastRotationIsTheNewestEnabledVersion() throws {
    let row = try #require(EstateQuestions(Self.estate()).rotation().rows.first { $0.key == "fw" })
    #expect(row.lastRotated == Self.ago(400))
    #expect(row.current == "2")
    #expect(row.currentEnabled == false)
    #expect(row.isOverdue(at: Self.now))
  }

  @Test func deletedKeysHaveNoRotation() { #expect(EstateQuestions(Self.estate()).rotation().rows.map(\.key) == ["disk", "fw"]) }

  @Test(arguments: [InventorySnapshot.Visibility.partial, .denied])
  func ofAStoreThatWasNotWhollyReadTheLastRotationIsNotKnown(_ visibility: InventorySnapshot.Visibility) {
    let found = EstateQuestions(Self.estate(visibility: visibility)).rotation()
    #expect(found.rows.allSatisfy { $0.lastRotated == nil && $0.notKnown != nil })
    #expect(!found.isComplete)
  }

  // MARK: Artifacts

  private static func artifact(_ signatures: [S.Signature]?, closure: [String] = [], digest: String = "sha256:01") -> S.Artifact {
    S.Artifact(digest: digest, closure: closure, signatures: signatures, running: [S.Running(cluster: "c", workload: "deployment/web")])
  }

  @Test func anArtifactThatRunsNamesTheKeyVersionThatSignedIt() {
    let found = EstateQuestions(Self.estate(artifacts: [Self.artifact([S.Signature(format: .sigstore, spkiSha256: Self.a, verified: true)])])).artifacts()
    #expect(found.rows.map(\.state) == [.signed])
    #expect(found.rows[0].signers.map(\.version) == ["1"])
    #expect(found.isComplete)
  }

  @Test func aKeyThatIsDeletedStillSigned() {
    let found = EstateQuestions(Self.estate(artifacts: [Self.artifact([S.Signature(format: .notary, spkiSha256: Self.b, verified: true)])])).artifacts()
    #expect(found.rows[0].signers.map(\.deleted) == [true])
    #expect(found.rows[0].state == .signed)
  }

  @Test func aSignatureOfTheIndexCountsForTheManifestThatRuns() {
    let index = S.Artifact(digest: "sha256:02", closure: ["sha256:01"], signatures: [S.Signature(format: .sigstore, spkiSha256: Self.a, verified: true)])
    let found = EstateQuestions(Self.estate(artifacts: [Self.artifact([]), index])).artifacts()
    #expect(found.rows.map(\.digest) == ["sha256:01"])
    #expect(found.rows[0].state == .signed)
  }

  @Test func withoutAKeyItIsForeignAndWithoutSignaturesUnsigned() {
    let foreign = S.Signature(format: .sigstore, spkiSha256: String(repeating: "c", count: 64), verified: true)
    #expect(EstateQuestions(Self.estate(artifacts: [Self.artifact([foreign])])).artifacts().rows[0].state == .foreign)
    #expect(EstateQuestions(Self.estate(artifacts: [Self.artifact([])])).artifacts().rows[0].state == .unsigned)
  }

  @Test func whatCouldNotBeSeenIsNeitherForeignNorUnsigned() {
    let foreign = S.Signature(format: .sigstore, spkiSha256: String(repeating: "c", count: 64), verified: true)
    #expect(EstateQuestions(Self.estate(visibility: .denied, artifacts: [Self.artifact([foreign])])).artifacts().rows[0].state == .unknown)
    let unseen = EstateQuestions(Self.estate(artifacts: [Self.artifact(nil)])).artifacts()
    #expect(unseen.rows[0].state == .unknown)
    #expect(!unseen.isComplete)
    #expect(EstateQuestions(Self.estate(artifacts: [Self.artifact([S.Signature(format: .sigstore, spkiSha256: Self.a, verified: false)])])).artifacts().rows[0].state == .unknown)
  }

  // MARK: Use

  private static func facts(_ uses: [KeyUse], from days: Int64 = 100, broken: String? = nil) -> UseFacts {
    UseFacts(uses: uses, coverage: [UseCoverage(store: "hsm", from: ago(days), to: now, broken: broken)])
  }

  private static func use(_ capability: Capability = .sign, key: String = "fw", daysAgo: Int64 = 5) -> KeyUse {
    KeyUse(principal: "P", store: "HSM", key: key, capability: capability, last: ago(daysAgo))
  }

  private func verdict(_ facts: UseFacts, key: String = "fw") -> String? {
    EstateQuestions(Self.estate()).keyUsage(facts, since: Self.ago(90)).rows.first { $0.key == key }?.verdict.word
  }

  @Test func aKeyThatWasUsedIsUsedEvenWhenTheLogHasHoles() {
    #expect(verdict(Self.facts([Self.use()])) == "used")
    #expect(verdict(Self.facts([Self.use()], from: 10, broken: "records 3 to 5 are missing")) == "used")
  }

  @Test func aKeyIsUnusedOnlyWhenTheLogCoversTheTime() {
    #expect(verdict(Self.facts([])) == "unused")
    #expect(verdict(Self.facts([Self.use(daysAgo: 95)])) == "unused")
    #expect(verdict(Self.facts([], from: 80)) == "not known")
    #expect(verdict(Self.facts([], broken: "records 3 to 5 are missing")) == "not known")
    #expect(verdict(UseFacts()) == "not known")
  }

  @Test func readingTheKeyIsNotUsingIt() { #expect(verdict(Self.facts([Self.use(.read)])) == "unused") }

  @Test func coverageInPiecesMustJoin() {
    func span(_ from: Int64, _ to: Int64) -> UseCoverage { UseCoverage(store: "hsm", from: Self.ago(from), to: Self.ago(to)) }
    #expect(UseFacts(coverage: [span(50, 0), span(100, 50)]).gap(store: "hsm", since: Self.ago(90), until: Self.now) == nil)
    #expect(UseFacts(coverage: [span(40, 0), span(100, 50)]).gap(store: "hsm", since: Self.ago(90), until: Self.now) != nil)
    #expect(UseFacts(coverage: [span(100, 1)]).gap(store: "hsm", since: Self.ago(90), until: Self.now) != nil)
    #expect(UseFacts(coverage: [span(100, 0)]).gap(store: "other", since: Self.ago(90), until: Self.now) != nil)
  }

  @Test func ofARightEachCapabilityIsAskedForItself() {
    let questions = EstateQuestions(Self.estate(grants: [Self.grant()]))
    let rows = questions.rightUsage(Self.facts([Self.use()]), since: Self.ago(90)).rows
    #expect(rows.first { $0.capability == .sign }?.verdict.word == "used")
    #expect(rows.first { $0.capability == .decrypt }?.verdict.word == "unused")
    let unseen = questions.rightUsage(UseFacts(), since: Self.ago(90)).rows
    #expect(unseen.allSatisfy { $0.verdict.word == "not known" })
  }

  @Test func aUseOfAnotherKeyIsNoUseOfARightToOneKey() {
    let rows = EstateQuestions(Self.estate(grants: [Self.grant()])).rightUsage(Self.facts([Self.use(key: "disk")]), since: Self.ago(90)).rows
    #expect(rows.first { $0.capability == .sign }?.verdict.word == "unused")
    let wide = EstateQuestions(Self.estate(grants: [Self.grant(scope: "/")])).rightUsage(Self.facts([Self.use(key: "disk")]), since: Self.ago(90)).rows
    #expect(wide.first { $0.capability == .sign }?.verdict.word == "used")
  }

  @Test func aLedgerWithAHoleDoesNotCover() {
    func record(_ sequence: Int64?, _ time: Int64, allowed: Bool = true) -> OperationRecord {
      OperationRecord(sequence: sequence, time: time, objectID: "P", operation: "sign", store: "hsm", key: "fw", allowed: allowed)
    }
    #expect(UseFacts(records: [record(1, 10), record(2, 20)]).coverage.map(\.broken) == [nil])
    #expect(UseFacts(records: [record(1, 10), record(3, 20)]).coverage.first?.broken != nil)
    #expect(UseFacts(records: [record(nil, 10)]).coverage.first?.broken != nil)
    #expect(UseFacts(records: [record(1, 10), record(2, 20)]).uses.map(\.count) == [2])
    #expect(UseFacts(records: [record(1, 10, allowed: false)]).uses.isEmpty, "a refused request used nothing")
  }

  @Test(arguments: [("sign", Capability.sign), ("KeySign", .sign), ("unwrapKey", .unwrap), ("KeyDecrypt", .decrypt), ("KeyGet", .read), ("wrapKey", .wrap)])
  func operationsOfRecordsStandForCapabilities(_ operation: String, _ capability: Capability) { #expect(Capability(operation: operation) == capability) }

  @Test(arguments: ["", "login", "SecretGet", "key", "VaultGet"])
  func otherOperationsUseNoKey(_ operation: String) { #expect(Capability(operation: operation) == nil) }

  @Test func theSnapshotOfATimeIsTheNewestNotLater() {
    let times = [Self.ago(3), Self.ago(1), Self.ago(2)]
    #expect(EstateQuestions.asOf(Self.ago(1), times) == Self.ago(1))
    #expect(EstateQuestions.asOf(Self.ago(1).advanced(bySeconds: -1), times) == Self.ago(2))
    #expect(EstateQuestions.asOf(Self.ago(4), times) == nil)
  }

  // MARK: Permissions

  @Test func theRolesASyncNeedsOnlyRead() throws {
    for need in ReaderPermissions(tenant: "t").needs {
      guard let guid = need.guid, let role = BuiltInRoleTable.role(id: guid) else { continue }
      #expect(role.dataCapabilities(.vault).capabilities.union(role.dataCapabilities(.managedHsm).capabilities).isSubset(of: [.read]), "\(need.name)")
      #expect(role.powers.isEmpty, "\(need.name)")
      #expect(role.name == need.name)
    }
  }

  @Test func theNeedsNameTheStoresThatAreKnown() {
    let stores = [
      S.Store(id: "hsm", kind: .managedHsm, tenantId: "T", visibility: .full), S.Store(id: "kv", kind: .vault, tenantId: "T", rbacMode: .accessPolicy, visibility: .full),
      S.Store(id: "other", kind: .managedHsm, tenantId: "U", visibility: .full),
    ]
    let scopes = ReaderPermissions(tenant: "t", stores: stores).needs.map(\.scope)
    #expect(scopes.contains("hsm /"))
    #expect(scopes.contains("kv"))
    #expect(!scopes.contains("other /"))
    #expect(scopes.contains("/providers/Microsoft.Management/managementGroups/t"))
  }
}
