import Clocks
import Encodings
import Testing

@testable import Estate

/// `hallmark.inventory/v1`, read strictly (guard-formats §2).
@Suite struct InventoryReadingTests {
  private static let minimal = #""schema":"hallmark.inventory/v1","takenAt":"2026-11-20T06:00:00Z""#

  /// One row of every kind, as the format's own example has them.
  static let whole = """
    {\(minimal),
     "stores":[{"id":"nw-hsm","kind":"managedHsm","uri":"https://nw-hsm.managedhsm.azure.net","armId":"/subscriptions/1/resourceGroups/g/providers/Microsoft.KeyVault/managedHSMs/nw-hsm",
       "tenantId":"t","location":"westeurope","sku":"Standard_B1","rbacMode":"local","purgeProtection":true,"softDeleteDays":90,"activation":"Active",
       "publicNetwork":"Disabled","networkDefault":"Deny","locks":["CanNotDelete"],"diagnosticSinks":["s"],"visibility":"full","observedAt":"2026-11-20T05:59:00.5Z"}],
     "keys":[{"store":"nw-hsm","name":"fw-sign","version":"0a","kid":"https://nw-hsm.managedhsm.azure.net/keys/fw-sign/0a","kty":"EC-HSM","curve":"P-384","bits":null,
       "keyOps":["sign","verify"],"enabled":true,"created":"2026-01-01T00:00:00Z","expires":null,"recoveryLevel":"Recoverable","rotationPolicy":{"every":"P1Y"},
       "tags":{"purpose":"release"},"spkiSha256":"\(String(repeating: "AB", count: 32))","deleted":false}],
     "roles":[{"store":"nw-hsm","id":"guid","name":"nw-signer","custom":true,"dataActions":["Microsoft.KeyVault/managedHsm/keys/sign/action"],"notDataActions":[],"actions":[],"notActions":[]}],
     "grants":[{"id":"guid","store":"nw-hsm","principal":"5f","via":"localRbac","scope":"/keys/fw-sign","role":"guid","capabilities":["sign","read"],"latent":false,"since":"2026-02-01T00:00:00Z","until":null}],
     "identities":[{"objectId":"5f","clientId":"c","kind":"userAssigned","name":"id-build-eu","armId":"a","federated":[{"issuer":"i","subject":"s","audiences":["u"]}],"secrets":0,"certificates":0}],
     "groups":[{"objectId":"9a","name":"G","members":["5f"]}],
     "artifacts":[{"digest":"sha256:00","names":["registry.example/app"],"closure":["sha256:01"],
       "signatures":[{"format":"cosign-legacy","spkiSha256":null,"kid":null,"requestId":"r","time":"2026-03-01T00:00:00Z","verified":true}],
       "running":[{"cluster":"prod","namespace":"shop","workload":"deployment/web","since":"2026-03-02T00:00:00Z"}]}]}
    """

  private func read(_ members: String) throws(DocumentError) -> InventorySnapshot {
    try InventorySnapshot(json: "{\(Self.minimal)\(members)}".utf8)
  }

  @Test func everyMemberOfTheFormatIsRead() throws {
    let snapshot = try InventorySnapshot(json: Self.whole.utf8)
    #expect(snapshot.stores[0].softDeleteDays == 90)
    #expect(snapshot.stores[0].observedAt?.nanoseconds == 1_795_154_340_500_000_000)
    #expect(snapshot.keys[0].spkiSha256 == String(repeating: "ab", count: 32))
    #expect(snapshot.keys[0].bits == nil)
    #expect(snapshot.keys[0].rotationPolicy?.every == "P1Y")
    #expect(snapshot.roles[0].custom)
    #expect(snapshot.grants[0].capabilities == [.sign, .read])
    #expect(snapshot.identities[0].federated?.first?.audiences == ["u"])
    #expect(snapshot.groups[0].members == ["5f"])
    #expect(snapshot.artifacts[0].signatures?.first?.format == .cosignLegacy)
    #expect(snapshot.artifacts[0].running?.first?.workload == "deployment/web")
  }

  @Test func whatIsWrittenIsReadBackAndWrittenAlike() throws {
    let snapshot = try InventorySnapshot(json: Self.whole.utf8)
    let bytes = snapshot.json.serialized()
    #expect(try InventorySnapshot(json: bytes) == snapshot)
    #expect(try InventorySnapshot(json: bytes).json.serialized() == bytes)
  }

  @Test func theWriterKeepsTheMemberNamesOfTheFormat() throws {
    let theirs = try #require(try JSONValue.parse(Self.whole).object)
    let ours = try #require(try InventorySnapshot(json: Self.whole.utf8).json.object)
    #expect(Set(ours.names) == Set(theirs.names))
    for name in ["stores", "keys", "roles", "grants", "identities", "groups", "artifacts"] {
      #expect(Set(ours[name]?[0]?.object?.names ?? []) == Set(theirs[name]?[0]?.object?.names ?? []), "\(name)")
    }
  }

  @Test func theOrderOfRowsDoesNotMatter() throws {
    let a = try read(#","groups":[{"objectId":"b","members":["2","1"]},{"objectId":"a"}]"#)
    let b = try read(#","groups":[{"objectId":"a"},{"objectId":"b","members":["1","2"]}]"#)
    #expect(a.json == b.json)
  }

  @Test func everyArrayMayBeAbsent() throws {
    let snapshot = try read("")
    #expect(snapshot == InventorySnapshot(takenAt: Instant(seconds: 1_795_154_400)))
  }

  @Test func whatCouldNotBeSeenIsNotNothing() throws {
    let store = try read(#","stores":[{"id":"v","kind":"vault","visibility":"denied","locks":null}]"#).stores[0]
    #expect(store.locks == nil)
    #expect(store.purgeProtection == nil)
    #expect(try read(#","stores":[{"id":"v","kind":"vault","visibility":"full","locks":[]}]"#).stores[0].locks == [])
    #expect(try read(#","groups":[{"objectId":"g"}]"#).groups[0].members == nil)
  }

  @Test(arguments: [
    #"{}"#, #"[]"#, #"null"#, #""inventory""#, #"{"schema":"hallmark.inventory/v1"}"#, #"{"takenAt":"2026-11-20T06:00:00Z"}"#,
    #"{"schema":"hallmark.inventory/v2","takenAt":"2026-11-20T06:00:00Z"}"#, #"{"schema":"hallmark.inventory/v1","takenAt":"yesterday"}"#,
    #"{"schema":"hallmark.inventory/v1","takenAt":1795154400}"#, #"{"schema":"hallmark.inventory/v1","takenAt":"2026-11-20T06:00:00Z","x":1}"#,
    #"{"schema":"hallmark.inventory/v1","takenAt":"2026-11-20T06:00:00Z","takenAt":"2026-11-20T06:00:00Z"}"#,
    #"{"schema":"hallmark.inventory/v1","takenAt":"2026-11-20T06:00:00Z"} "#+"x", "", "{", "\u{FEFF}{}",
  ])
  func aDocumentThatIsNoSnapshotIsRefused(_ text: String) { #expect(throws: DocumentError.self) { try InventorySnapshot(json: text.utf8) } }

  @Test(arguments: [
    #""stores":{}"#, #""stores":[1]"#, #""stores":[{"kind":"vault","visibility":"full"}]"#, #""stores":[{"id":"v","visibility":"full"}]"#,
    #""stores":[{"id":"v","kind":"vault"}]"#, #""stores":[{"id":"v","kind":"vault","visibility":null}]"#, #""stores":[{"id":"v","kind":"vault","visibility":"FULL"}]"#,
    #""stores":[{"id":"v","kind":"keyvault","visibility":"full"}]"#, #""stores":[{"id":"","kind":"vault","visibility":"full"}]"#,
    #""stores":[{"id":"v","kind":"vault","visibility":"full","rbacMode":"local"}]"#,
    #""stores":[{"id":"v","kind":"managedHsm","visibility":"full","rbacMode":"azureRbac"}]"#,
    #""stores":[{"id":"v","kind":"vault","visibility":"full","purgeProtection":"true"}]"#,
    #""stores":[{"id":"v","kind":"vault","visibility":"full","softDeleteDays":-1}]"#, #""stores":[{"id":"v","kind":"vault","visibility":"full","softDeleteDays":7.5}]"#,
    #""stores":[{"id":"v","kind":"vault","visibility":"full","unknown":null}]"#, #""stores":[{"id":"v","kind":"vault","visibility":"full","locks":"CanNotDelete"}]"#,
    #""stores":[{"id":"v","kind":"vault","visibility":"full"},{"id":"V","kind":"vault","visibility":"full"}]"#,
    #""keys":[{"name":"k"}]"#, #""keys":[{"store":"s"}]"#, #""keys":[{"store":"s","name":"k","enabled":1}]"#, #""keys":[{"store":"s","name":"k","spkiSha256":"abc"}]"#,
    #""keys":[{"store":"s","name":"k","spkiSha256":"zz"}]"#, #""keys":[{"store":"s","name":"k","created":"2026-13-01T00:00:00Z"}]"#,
    #""keys":[{"store":"s","name":"k","rotationPolicy":"P1Y"}]"#, #""keys":[{"store":"s","name":"k","rotationPolicy":{"every":"yearly"}}]"#,
    #""keys":[{"store":"s","name":"k","rotationPolicy":{"at":"P1Y"}}]"#, #""keys":[{"store":"s","name":"k","tags":{"a":1}}]"#, #""keys":[{"store":"s","name":"k","tags":[]}]"#,
    #""keys":[{"store":"s","name":"k","version":"1"},{"store":"s","name":"k","version":"1"}]"#,
    #""roles":[{"name":"r"}]"#, #""roles":[{"id":"r","dataActions":"*"}]"#, #""roles":[{"id":"r","permissions":[]}]"#,
    #""grants":[{"id":"g","principal":"p","scope":"/"}]"#, #""grants":[{"id":"g","principal":"p","via":"rbac","scope":"/"}]"#,
    #""grants":[{"id":"g","principal":"p","via":"pim"}]"#, #""grants":[{"id":"g","via":"pim","scope":"/"}]"#, #""grants":[{"principal":"p","via":"pim","scope":"/"}]"#,
    #""grants":[{"id":"g","principal":"p","via":"pim","scope":"/","capabilities":["Sign"]}]"#, #""grants":[{"id":"g","principal":"p","via":"pim","scope":"/","capabilities":["all"]}]"#,
    #""grants":[{"id":"g","principal":"p","via":"pim","scope":"/","latent":"false"}]"#, #""grants":[{"id":"g","principal":"p","via":"pim","scope":"/","role":{}}]"#,
    #""identities":[{"clientId":"c"}]"#, #""identities":[{"objectId":"o","kind":"machine"}]"#, #""identities":[{"objectId":"o","federated":[{"subject":"s"}]}]"#,
    #""identities":[{"objectId":"o","federated":[{"issuer":"i","subject":"s","name":"n"}]}]"#, #""identities":[{"objectId":"o","secrets":"1"}]"#,
    #""identities":[{"objectId":"o"},{"objectId":"O"}]"#, #""groups":[{"name":"g"}]"#, #""groups":[{"objectId":"g","members":[{}]}]"#,
    #""groups":[{"objectId":"g"},{"objectId":"g"}]"#, #""artifacts":[{"digest":"latest"}]"#, #""artifacts":[{"digest":"sha256:"}]"#, #""artifacts":[{"digest":"sha256:XY"}]"#,
    #""artifacts":[{"digest":"sha256:00","signatures":[{"time":null}]}]"#, #""artifacts":[{"digest":"sha256:00","signatures":[{"format":"pgp"}]}]"#,
    #""artifacts":[{"digest":"sha256:00","running":[{"cluster":"c"}]}]"#, #""artifacts":[{"digest":"sha256:00"},{"digest":"sha256:00"}]"#,
  ])
  func aRowThatBreaksTheFormatIsRefused(_ member: String) { #expect(throws: DocumentError.self) { try read(",\(member)") } }

  @Test func theErrorSaysWhereAndNeverWhat() {
    let error = #expect(throws: DocumentError.self) { try read(#","keys":[{"store":"s","name":"k"},{"store":"s","name":"l","spkiSha256":"secret-looking"}]"#) }
    #expect(error?.path == "keys[1].spkiSha256")
    #expect(error?.description.contains("secret-looking") == false)
  }

  @Test func nestingDeeperThanTheFormatIsRefusedBeforeItIsBuilt() {
    let deep = String(repeating: "[", count: 100_000)
    #expect(throws: DocumentError.self) { try InventorySnapshot(json: #"{"stores":\#(deep)"#.utf8) }
  }
}
