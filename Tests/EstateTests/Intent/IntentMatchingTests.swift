import Testing

@testable import Estate

/// Which entry of the register a principal falls under, and what it is for.
@Suite struct IntentMatchingTests {
  private func register(_ match: IntentRegister.Match, purpose: IntentRegister.Purpose = .officer) -> IntentRegister {
    IntentRegister(identities: [.init(name: "n", match: match, purpose: purpose)])
  }

  private static let github = "https://token.actions.githubusercontent.com"

  private static func federated(_ subject: String, issuer: String = github) -> IntentPrincipal {
    IntentPrincipal(objectId: "other", federated: [.init(issuer: issuer, subject: subject)])
  }

  @Test(arguments: [
    IntentPrincipal(objectId: "5F-1"), IntentPrincipal(clientId: "7C-1"), IntentPrincipal(armId: "/SUBSCRIPTIONS/1/x/"),
    IntentPrincipal(address: "module.ci.azurerm_user_assigned_identity.build"), IntentPrincipal(address: #"module.ci["eu[1]"].azurerm_user_assigned_identity.build[0]"#),
    IntentPrincipal(objectId: "x", federated: [.init(issuer: github + "/", subject: "repo:northwind@901/engine@77:environment:ship")]),
    IntentPrincipal(objectId: "x", groups: ["9A"]),
  ])
  func anyOneLineIdentifies(_ principal: IntentPrincipal) {
    let match = IntentRegister.Match(
      objectId: "5f-1", clientId: "7c-1", armId: "/subscriptions/1/x", address: "module.ci.azurerm_user_assigned_identity.build",
      subject: "repo:northwind@901/engine@77:*", issuer: Self.github, group: "9a")
    #expect(register(match).purpose(of: principal).source == .register(entry: "n"))
  }

  @Test(arguments: [
    IntentPrincipal(), IntentPrincipal(objectId: "5f-1 "), IntentPrincipal(objectId: "5f-*"), IntentPrincipal(armId: "/subscriptions/1/x/y"),
    IntentPrincipal(address: "module.ci.azurerm_user_assigned_identity.build2"), IntentPrincipal(address: "azurerm_user_assigned_identity.build"),
    federated("repo:northwind@901/engine@78:environment:ship"), federated("repo:northwind@901/engine@77:x", issuer: "https://evil.example"),
    federated("x:repo:northwind@901/engine@77:y"), federated("REPO:northwind@901/engine@77:y"), IntentPrincipal(objectId: "x", groups: ["9b"]),
  ])
  func nobodyElseIsIdentified(_ principal: IntentPrincipal) {
    let match = IntentRegister.Match(
      objectId: "5f-1", clientId: "7c-1", armId: "/subscriptions/1/x", address: "module.ci.azurerm_user_assigned_identity.build",
      subject: "repo:northwind@901/engine@77:*", issuer: Self.github, group: "9a")
    #expect(register(match).entries(for: principal).isEmpty)
  }

  @Test func globsCountInSubjectsOnly() {
    #expect(register(.init(objectId: "*")).entries(for: IntentPrincipal(objectId: "x")).isEmpty)
    #expect(register(.init(address: "azurerm_*.x")).entries(for: IntentPrincipal(address: "azurerm_y.x")).isEmpty)
  }

  @Test func anInstanceKeyInTheRegisterNamesThatInstanceOnly() {
    let listed = register(.init(address: "a.b[0]"))
    #expect(!listed.entries(for: IntentPrincipal(address: "a.b[0]")).isEmpty)
    #expect(listed.entries(for: IntentPrincipal(address: "a.b[1]")).isEmpty)
    #expect(listed.entries(for: IntentPrincipal(address: "a.b")).isEmpty)
  }

  @Test func theEntryOfThePrincipalComesBeforeThatOfItsGroup() {
    let register = IntentRegister(identities: [
      .init(name: "everybody", match: .init(group: "G"), purpose: .administrator), .init(name: "build", match: .init(objectId: "P"), purpose: .signOnly),
    ])
    #expect(register.purpose(of: IntentPrincipal(objectId: "p", groups: ["g"])).purpose == .signOnly)
    #expect(register.purpose(of: IntentPrincipal(objectId: "q", groups: ["g"])).purpose == .administrator)
  }

  @Test(arguments: [
    (["purpose": "auditor"], IntentRegister.Purpose.auditor), (["hallmark.purpose": "backup"], .backup), (["Purpose": "officer"], .officer),
    (["purpose": "release"], .unclassified), (["purpose": "unclassified"], .unclassified), (["purpose": "Sign-Only"], .unclassified), ([:], .unclassified),
    (["purpose": "release", "hallmark.purpose": "auditor"], .auditor),
  ] as [([String: String], IntentRegister.Purpose)])
  func anUnlistedIdentityTakesItsPurposeFromItsTag(_ row: ([String: String], IntentRegister.Purpose)) {
    #expect(IntentRegister().purpose(of: IntentPrincipal(objectId: "x", tags: row.0)).purpose == row.1)
  }

  @Test func theRegisterCountsBeforeTheTag() {
    let principal = IntentPrincipal(objectId: "P", tags: ["purpose": "break-glass"])
    #expect(register(.init(objectId: "P"), purpose: .signOnly).purpose(of: principal).purpose == .signOnly)
  }

  @Test func anUnlistedIdentityThatACIPlatformCanBecomeIsForSigningOnly() {
    #expect(IntentRegister().purpose(of: Self.federated("repo:o/r:pull_request")).purpose == .signOnly)
    #expect(IntentRegister().purpose(of: Self.federated("project_path:g/p:ref_type:branch:ref:main", issuer: "https://git.example")).purpose == .signOnly)
    #expect(IntentRegister().purpose(of: Self.federated("system:serviceaccount:shop:web", issuer: "https://x.oic.prod-aks.azure.com/t/g/")).purpose == .unclassified)
    #expect(IntentRegister().purpose(of: Self.federated("alice", issuer: "https://login.example")).purpose == .unclassified)
  }

  @Test func anEntryWithKeysAllowsTheseOnly() {
    let entry = IntentRegister.Entry(name: "n", match: .init(objectId: "o"), purpose: .signOnly, keys: ["fw-*", "boot"])
    #expect(entry.allows(key: "FW-sign"))
    #expect(!entry.allows(key: "boot2"))
    #expect(IntentRegister.Entry(name: "n", match: .init(objectId: "o"), purpose: .signOnly).allows(key: "any"))
  }

  @Test func signingKeysAreFoundByNameTagOrSubject() {
    let register = IntentRegister(
      signingKeys: .init(names: ["fw-sign", "codesign-*"], tags: ["purpose": ["release", "signing"]], subjects: ["CN=Northwind Release, O=Northwind"]))
    #expect(register.isSigningKey(name: "FW-SIGN"))
    #expect(register.isSigningKey(name: "codesign-eu"))
    #expect(register.isSigningKey(name: "x", tags: ["Purpose": "Release"]))
    #expect(register.isSigningKey(name: nil, subject: "CN=northwind release,O=Northwind"))
    #expect(!register.isSigningKey(name: "fw-sign2"))
    #expect(!register.isSigningKey(name: "x", tags: ["purpose": "encryption"]))
    #expect(!register.isSigningKey(name: "x", tags: ["other": "release"]))
    #expect(!register.isSigningKey(name: "x", subject: "CN=Northwind"))
    #expect(!IntentRegister().isSigningKey(name: "fw-sign", tags: ["purpose": "signing"]))
  }
}
