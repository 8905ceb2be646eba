import Clocks
import Testing

@testable import Estate

/// Effective rights of a principal over a snapshot.
@Suite struct EffectiveRightsTests {
  private typealias S = InventorySnapshot
  private static let cryptoUser = "21dbd100-6940-42c2-9190-5d6cb909625b"
  private static let azureCryptoUser = "12338af0-0e69-4776-bea7-57ae8d297424"
  private static let group = "/subscriptions/s1/resourceGroups/rg"
  private static let vaultID = group + "/providers/Microsoft.KeyVault/vaults/kv"

  private static func estate(
    mode: S.RBACMode? = .azureRbac, grants: [S.Grant] = [], roles: [S.Role] = [], groups: [S.Group] = [], identities: [S.Identity] = []
  ) -> EstateRights {
    EstateRights(
      S(
        takenAt: Instant(seconds: 1_800_000_000),
        stores: [
          S.Store(id: "hsm", kind: .managedHsm, armId: group + "/providers/Microsoft.KeyVault/managedHSMs/hsm", rbacMode: .local, visibility: .full),
          S.Store(id: "kv", kind: .vault, armId: vaultID, rbacMode: mode, visibility: .full),
        ], roles: roles, grants: grants, identities: identities, groups: groups))
  }

  @Test func aLocalRoleAtAKeyReachesThatKeyOnly() {
    let estate = Self.estate(grants: [S.Grant(id: "g", store: "hsm", principal: "P", via: .localRbac, scope: "/keys/fw", role: Self.cryptoUser)])
    #expect(estate.rights(of: "p", store: "hsm", key: "FW").flatMap(\.capabilities).contains(.decrypt))
    #expect(estate.rights(of: "p", store: "hsm", key: "fw2").isEmpty)
    #expect(estate.rights(of: "other").isEmpty)
  }

  @Test func thePathNamesIdentityGroupsRoleAndScope() {
    let estate = Self.estate(
      grants: [S.Grant(id: "g", store: "hsm", principal: "G2", via: .localRbac, scope: "/keys", role: Self.cryptoUser)],
      groups: [S.Group(objectId: "G1", name: "builders", members: ["P"]), S.Group(objectId: "G2", name: "users", members: ["G1"])],
      identities: [S.Identity(objectId: "P", name: "id-build")])
    #expect(estate.rights(of: "P").map(\.path) == [["id-build", "group builders", "group users", "Managed HSM Crypto User", "/keys"]])
    #expect(estate.rights(of: "P").map(\.groups) == [["G1", "G2"]])
  }

  @Test func aCycleOfGroupsEnds() {
    let estate = Self.estate(
      grants: [S.Grant(id: "g", store: "hsm", principal: "A", via: .localRbac, scope: "/", role: Self.cryptoUser)],
      groups: [S.Group(objectId: "A", members: ["B"]), S.Group(objectId: "B", members: ["A", "P"])])
    #expect(estate.rights(of: "P").count == 1)
    #expect(estate.isMember("P", of: "a"))
    #expect(!estate.isMember("Q", of: "A"))
  }

  @Test func aRoleOfTheSnapshotCountsBeforeWhatWasObserved() {
    let role = S.Role(store: "hsm", id: "11111111-1111-4111-8111-111111111111", custom: true, dataActions: ["Microsoft.KeyVault/managedHsm/keys/*"])
    let estate = Self.estate(
      grants: [S.Grant(id: "g", store: "hsm", principal: "P", via: .localRbac, scope: "/keys/fw", role: role.id, capabilities: [.sign, .read])],
      roles: [role])
    #expect(estate.rights(of: "P")[0].capabilities.isSuperset(of: [.decrypt, .unwrap]))
  }

  @Test func anUnknownRoleGivesWhatWasObserved() {
    let estate = Self.estate(
      grants: [S.Grant(id: "g", store: "hsm", principal: "P", via: .localRbac, scope: "/keys/fw", role: "guid", capabilities: [.sign])])
    #expect(estate.rights(of: "P")[0].capabilities == [.sign])
    #expect(estate.rights(of: "P")[0].doubts.isEmpty)
  }

  @Test func anUnknownRoleOfWhichNothingWasObservedIsADoubtAndNotNothing() {
    let estate = Self.estate(grants: [S.Grant(id: "g", store: "hsm", principal: "P", via: .localRbac, scope: "/keys/fw", role: "guid")])
    #expect(estate.rights(of: "P").count == 1)
    #expect(estate.rights(of: "P")[0].doubts.count == 1)
  }

  @Test(arguments: ["/", "/subscriptions/S1", group, vaultID])
  func anAzureRoleReachesTheVaultFromEveryAncestor(_ scope: String) {
    let estate = Self.estate(grants: [S.Grant(id: "g", principal: "P", via: .azureRbac, scope: scope, role: Self.azureCryptoUser)])
    let rights = estate.rights(of: "P", store: "kv", key: "any")
    #expect(rights.count == 1)
    #expect(rights.first?.capabilities.contains(.unwrap) == true)
    #expect(rights.first?.latent == false)
    #expect(estate.rights(of: "P", store: "hsm", key: "any").isEmpty, "roles of Azure give nothing on the data plane of a Managed HSM")
  }

  @Test(arguments: ["/subscriptions/s10", group + "0", vaultID + "2", "/subscriptions/s1/resourceGroups/other"])
  func anAzureRoleElsewhereDoesNotReachTheVault(_ scope: String) {
    let estate = Self.estate(grants: [S.Grant(id: "g", principal: "P", via: .azureRbac, scope: scope, role: Self.azureCryptoUser)])
    #expect(estate.rights(of: "P", store: "kv", key: "any").isEmpty)
  }

  @Test func anAzureRoleIsLatentOnAVaultOfAccessPolicies() {
    let estate = Self.estate(mode: .accessPolicy, grants: [S.Grant(id: "g", principal: "P", via: .azureRbac, scope: Self.vaultID, role: Self.azureCryptoUser)])
    #expect(estate.rights(of: "P").map(\.latent) == [true])
  }

  @Test(arguments: [(InventorySnapshot.RBACMode.azureRbac, true), (.accessPolicy, false)])
  func anAccessPolicyIsDormantInRoleMode(_ mode: InventorySnapshot.RBACMode, _ latent: Bool) {
    let estate = Self.estate(
      mode: mode, grants: [S.Grant(id: "g", store: "kv", principal: "P", via: .accessPolicy, scope: Self.vaultID, capabilities: [.decrypt], latent: !latent)])
    #expect(estate.rights(of: "P").map(\.latent) == [latent], "the mode of the vault decides, not what was noted under another mode")
  }

  @Test func anEligibilityIsLatent() {
    let estate = Self.estate(grants: [S.Grant(id: "g", store: "kv", principal: "P", via: .pim, scope: Self.vaultID, role: Self.azureCryptoUser, latent: true)])
    #expect(estate.rights(of: "P").map(\.latent) == [true])
    #expect(estate.rights(of: "P")[0].path == ["P", "PIM", "Key Vault Crypto User", Self.vaultID])
  }

  @Test func aGrantThatEndedGivesNothingAndOneToComeIsLatent() {
    func grant(since: Int64?, until: Int64?) -> S.Grant {
      S.Grant(
        id: "g", store: "hsm", principal: "P", via: .localRbac, scope: "/", role: Self.cryptoUser, since: since.map { Instant(seconds: $0) },
        until: until.map { Instant(seconds: $0) })
    }
    #expect(Self.estate(grants: [grant(since: nil, until: 1_800_000_000)]).rights(of: "P").isEmpty)
    #expect(Self.estate(grants: [grant(since: nil, until: 1_800_000_001)]).rights(of: "P").map(\.latent) == [false])
    #expect(Self.estate(grants: [grant(since: 1_800_000_001, until: nil)]).rights(of: "P").map(\.latent) == [true])
  }

  /// Who can grant on a vault, by role and mode (§1.4, danger edges b and c).
  @Test(arguments: [
    ("Owner", true, true), ("User Access Administrator", true, true), ("Role Based Access Control Administrator", true, true),
    ("Key Vault Data Access Administrator", true, false), ("Contributor", false, true), ("Key Vault Contributor", false, true),
    ("Managed HSM contributor", false, false), ("Key Vault Reader", false, false), ("Reader", false, false), ("Key Vault Purge Operator", false, false),
    ("Key Vault Administrator", false, false),
  ])
  func selfGrantDependsOnTheModeOfTheVault(_ role: String, _ inRoleMode: Bool, _ inPolicyMode: Bool) throws {
    let id = try #require(BuiltInRoleTable.role(named: role)).id
    for (mode, expected) in [(S.RBACMode.azureRbac, inRoleMode), (.accessPolicy, inPolicyMode)] {
      let estate = Self.estate(mode: mode, grants: [S.Grant(id: "g", principal: "P", via: .azureRbac, scope: Self.vaultID, role: id)])
      let rights = estate.rights(of: "P").filter { $0.store == "kv" }
      #expect(rights.contains { $0.capabilities.contains(.grant) && !$0.latent } == expected, "\(role) in mode \(mode)")
    }
  }

  @Test func anUnseenModeMakesSelfGrantADoubt() throws {
    let id = try #require(BuiltInRoleTable.role(named: "Contributor")).id
    let estate = Self.estate(mode: nil, grants: [S.Grant(id: "g", principal: "P", via: .azureRbac, scope: Self.vaultID, role: id)])
    let right = try #require(estate.rights(of: "P").first { $0.capabilities.contains(.grant) })
    #expect(right.doubts.count == 1)
  }

  @Test func aWideGrantAlsoReachesVaultsThatDoNotExistYet() {
    let estate = Self.estate(grants: [S.Grant(id: "g", principal: "P", via: .azureRbac, scope: "/subscriptions/s9", role: Self.azureCryptoUser)])
    let rights = estate.rights(of: "P")
    #expect(rights.map(\.store) == [nil])
    #expect(rights.first?.capabilities.contains(.decrypt) == true)
  }

  @Test func belowAManagementGroupThingsAreADoubt() {
    let scope = "/providers/Microsoft.Management/managementGroups/root"
    let estate = Self.estate(grants: [S.Grant(id: "g", principal: "P", via: .azureRbac, scope: scope, role: Self.azureCryptoUser)])
    #expect(estate.rights(of: "P").first { $0.store == "kv" }?.doubts.count == 1)
  }

  @Test(arguments: ["/", "/providers/Microsoft.Management/managementGroups/root"])
  func whereTheSweepFoundOutWhatLiesBelowThereIsNoDoubtAndNothingElse(_ scope: String) {
    let whole = S.Grant(id: "g", principal: "P", via: .azureRbac, scope: scope, role: Self.azureCryptoUser)
    var bound = whole
    bound.store = "kv"
    let rights = Self.estate(grants: [whole, bound]).rights(of: "P")
    #expect(rights.compactMap(\.store) == ["kv"])
    #expect(rights.filter { $0.store == nil }.count == 1)
    #expect(rights.allSatisfy { $0.doubts.isEmpty && $0.capabilities.contains(.decrypt) })
    var elsewhere = whole
    elsewhere.store = "another"
    #expect(Self.estate(grants: [whole, elsewhere]).rights(of: "P").compactMap(\.store).isEmpty)
  }

  @Test(arguments: ["f1a07417-d97a-45cb-824c-7a7467783830", "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59", "b24988ac-6180-42a0-ab88-20f7382dd24c"])
  func whoCanBecomeASignerHasItsRights(_ role: String) {
    let signer = S.Identity(objectId: "S", name: "id-sign", armId: Self.group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-sign")
    let estate = Self.estate(
      grants: [
        S.Grant(id: "g1", store: "hsm", principal: "S", via: .localRbac, scope: "/keys/fw", role: Self.cryptoUser),
        S.Grant(id: "g2", principal: "P", via: .azureRbac, scope: Self.group, role: role),
      ], identities: [signer, S.Identity(objectId: "P", name: "runner")])
    let right = estate.rights(of: "P", store: "hsm", key: "fw").first { $0.identities == ["S"] }
    #expect(right?.capabilities.contains(.decrypt) == true)
    #expect(right?.path.first == "runner")
    #expect(right?.path.contains("id-sign") == true)
    #expect(estate.rights(of: "S", store: "hsm", key: "fw").count == 1)
  }

  @Test func aReaderOfAnIdentityDoesNotBecomeIt() {
    let signer = S.Identity(objectId: "S", armId: Self.group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-sign")
    let estate = Self.estate(
      grants: [
        S.Grant(id: "g1", store: "hsm", principal: "S", via: .localRbac, scope: "/keys/fw", role: Self.cryptoUser),
        S.Grant(id: "g2", principal: "P", via: .azureRbac, scope: Self.group, role: "acdd72a7-3385-48ef-bd42-f606fba81ae7"),
        S.Grant(id: "g3", principal: "P", via: .azureRbac, scope: Self.group + "0", role: "f1a07417-d97a-45cb-824c-7a7467783830"),
      ], identities: [signer])
    #expect(estate.rights(of: "P", store: "hsm", key: "fw").isEmpty)
  }

  @Test func whatCouldNotBeSeenIsSaid() {
    let estate = EstateRights(
      S(takenAt: Instant(seconds: 0), stores: [S.Store(id: "hsm", kind: .managedHsm, visibility: .denied)], groups: [S.Group(objectId: "G", members: nil)]))
    #expect(estate.gaps.count == 2)
  }
}
