import Testing

@testable import Estate

/// Scopes: ancestry by segments (estate-and-gates §1.7).
@Suite struct ScopeTests {
  private static let vault = "/subscriptions/S1/resourceGroups/rg-1/providers/Microsoft.KeyVault/vaults/kv"

  @Test(arguments: ["/", "/subscriptions/s1", "/subscriptions/S1/", "/subscriptions/s1/resourceGroups/RG-1", vault, vault + "/"])
  func aScopeCoversWhatLiesBelowIt(_ scope: String) { #expect(RightsScope(scope).covers(RightsScope(Self.vault))) }

  @Test(arguments: [
    "/subscriptions/s", "/subscriptions/s10", "/subscriptions/s1/resourceGroups/rg", "/subscriptions/s1/resourceGroups/rg-10", vault + "2", vault + "/keys/k",
    "/subscriptions/s1/resourceGroups/rg-1/providers/Microsoft.KeyVault/managedHSMs/kv",
  ])
  func aPrefixOfTheTextIsNotAnAncestor(_ scope: String) { #expect(!RightsScope(scope).covers(RightsScope(Self.vault))) }

  @Test func aKeyOfAVaultIsReachedByItsOwnScopeOnly() {
    let vault = RightsScope(Self.vault)
    #expect(RightsScope(Self.vault + "/keys/Fw").azureReach(ofResource: vault) == .key("Fw"))
    #expect(RightsScope(Self.vault + "/keys").azureReach(ofResource: vault) == .store)
    #expect(RightsScope(Self.vault + "/secrets/x").azureReach(ofResource: vault) == nil)
    #expect(RightsScope(Self.vault + "2/keys/Fw").azureReach(ofResource: vault) == nil)
  }

  @Test(arguments: [("/", RightsScope.Reach.store), ("", .store), ("/keys", .store), ("/keys/", .store), ("/keys/fw", .key("fw")), ("keys/fw/", .key("fw"))])
  func theScopesOfAManagedHSMReach(_ text: String, _ reach: RightsScope.Reach) { #expect(RightsScope(text).localReach == reach) }

  @Test(arguments: ["/keys/fw/1", "/subscriptions/s", "/secrets", "/key/fw"])
  func otherTextsAreNoScopeOfAManagedHSM(_ text: String) { #expect(RightsScope(text).localReach == nil) }

  @Test(arguments: ["/", "/subscriptions/s", "/subscriptions/s/resourceGroups/g", "/providers/Microsoft.Management/managementGroups/m"])
  func scopesAboveResourcesAreWide(_ text: String) { #expect(RightsScope(text).isWiderThanResource) }

  @Test func aResourceIsNotWide() { #expect(!RightsScope(Self.vault).isWiderThanResource) }
}
