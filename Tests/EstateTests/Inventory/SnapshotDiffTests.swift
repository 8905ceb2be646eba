import Clocks
import Encodings
import Testing

@testable import Estate

/// Differences of snapshots, and merging.
@Suite struct SnapshotDiffTests {
  private typealias S = InventorySnapshot

  private static func snapshot(
    at seconds: Int64 = 100, visibility: S.Visibility = .full, keys: [S.Key] = [], roles: [S.Role] = [], grants: [S.Grant] = [], groups: [S.Group] = []
  ) -> S {
    S(
      takenAt: Instant(seconds: seconds),
      stores: [S.Store(id: "hsm", kind: .managedHsm, purgeProtection: true, visibility: visibility, observedAt: Instant(seconds: seconds))], keys: keys,
      roles: roles, grants: grants, groups: groups)
  }

  @Test func equalEstatesDifferInNothingWhenever() {
    #expect(SnapshotDiff(from: Self.snapshot(at: 1), to: Self.snapshot(at: 2)).changes.isEmpty)
  }

  @Test func aChangedMemberIsNamedWithBothValues() {
    var after = Self.snapshot(keys: [S.Key(store: "hsm", name: "k", version: "1", enabled: false)])
    after.stores[0].purgeProtection = false
    let diff = SnapshotDiff(from: Self.snapshot(keys: [S.Key(store: "hsm", name: "k", version: "1", enabled: true)]), to: after)
    #expect(diff.changes.map(\.id) == ["hsm", "hsm/k/1"])
    #expect(diff.changes.map { $0.fields.map(\.name) } == [["purgeProtection"], ["enabled"]])
    #expect(diff.changes[1].fields[0].before == true)
    #expect(diff.changes[1].fields[0].after == false)
  }

  @Test func rowsAppearAndDisappear() {
    let old = Self.snapshot(grants: [S.Grant(id: "g", store: "hsm", principal: "P", via: .localRbac, scope: "/")])
    let new = Self.snapshot(grants: [S.Grant(id: "g", store: "hsm", principal: "Q", via: .localRbac, scope: "/")])
    let diff = SnapshotDiff(from: old, to: new)
    #expect(diff.count(.grants, .added) == 1)
    #expect(diff.count(.grants, .removed) == 1)
    #expect(diff.count(.grants, .changed) == 0)
  }

  @Test func whatADeniedStoreHidesIsLostAndNotRemoved() {
    let keys = [S.Key(store: "hsm", name: "k", version: "1")]
    let gone = SnapshotDiff(from: Self.snapshot(keys: keys), to: Self.snapshot(visibility: .denied))
    #expect(gone.count(.keys, .lost) == 1)
    #expect(gone.count(.keys, .removed) == 0)
    let back = SnapshotDiff(from: Self.snapshot(visibility: .denied), to: Self.snapshot(keys: keys))
    #expect(back.count(.keys, .seen) == 1)
    #expect(back.count(.keys, .added) == 0)
  }

  @Test func theOrderOfMembersIsNoChange() {
    let old = Self.snapshot(groups: [S.Group(objectId: "g", members: ["a", "b"])])
    #expect(SnapshotDiff(from: old, to: Self.snapshot(groups: [S.Group(objectId: "g", members: ["b", "a"])])).changes.isEmpty)
    #expect(SnapshotDiff(from: old, to: Self.snapshot(groups: [S.Group(objectId: "g", members: ["a"])])).changes.map { $0.fields.map(\.name) } == [["members"]])
  }

  @Test func anEntryAddedToARoleIsAnAddition() {
    let role = S.Role(store: "hsm", id: "r", custom: true, dataActions: ["a"])
    let diff = SnapshotDiff(from: Self.snapshot(roles: [role]), to: Self.snapshot(roles: [role, S.Role(store: "hsm", id: "R", custom: true, dataActions: ["b"])]))
    #expect(diff.changes.map(\.kind) == [.added])
  }

  @Test func ofAStoreThatTwoTenantsSawTheNewerViewCounts() {
    let old = Self.snapshot(at: 1, keys: [S.Key(store: "hsm", name: "old")])
    let new = Self.snapshot(at: 2, keys: [S.Key(store: "hsm", name: "new")])
    // A key that is gone was purged since: it stays, as deleted.
    #expect(S.merged([old, new])?.keys.map { "\($0.name) \($0.deleted)" } == ["new false", "old true"])
    #expect(S.merged([old, new])?.takenAt == Instant(seconds: 2))
    #expect(S.merged([]) == nil)
  }

  @Test func aViewThatWasRefusedReplacesNothing() {
    let old = Self.snapshot(at: 1, keys: [S.Key(store: "hsm", name: "old")])
    let merged = S.merged([old, Self.snapshot(at: 2, visibility: .denied)])
    #expect(merged?.keys.map(\.name) == ["old"])
    #expect(merged?.stores.map(\.visibility) == [.full])
  }

  @Test func storesOfSeveralTenantsStandSideBySide() {
    let other = S(takenAt: Instant(seconds: 3), stores: [S.Store(id: "kv", kind: .vault, visibility: .denied)])
    #expect(S.merged([Self.snapshot(), other])?.stores.map(\.id) == ["hsm", "kv"])
  }
}
