import Testing

@testable import Access

/// The roles of the live service, from its recorded answers of March 2026: written here a second time, by suffix and in the recording's
/// own grouping, so that the table of the sources is not compared with itself.
enum RecordedRoles {
  static let roleSet =
    "roleDefinitions/read/action roleDefinitions/write/action roleDefinitions/delete/action roleAssignments/read/action roleAssignments/write/action roleAssignments/delete/action"

  static let rows: [(guid: String, name: String, actions: String)] = [
    ("abdd7ec4-a273-4265-bf38-e001014e2d8e", "EKM Administrator", "ekm/read/action ekm/write/action ekm/delete/action"),
    ("6efe6056-5259-49d2-8b3d-d3d73544b20b", "Restore User", "restore/start/action restore/status/action keys/restore/action"),
    ("7b127d3c-77bd-4e3e-bbe0-dbb8971fa7f8", "Backup User", "backup/start/action backup/status/action keys/backup/action"),
    ("33413926-3206-4cdd-b39a-83574fe37a17", "Crypto Service Encryption User", "keys/read/action keys/wrap/action keys/unwrap/action"),
    ("21dbd100-6940-42c2-9190-5d6cb909625c", "Crypto Service Release User", "keys/release/action"),
    (
      "2c18b078-7c48-4d3a-af88-5a3a1b3f82b3", "Crypto Auditor",
      "roleAssignments/read/action roleDefinitions/read/action keys/read/action keys/deletedKeys/read/action"
    ),
    ("4bd23610-cdcf-4971-bdee-bdc562cc28e4", "Policy Administrator", roleSet),
    (
      "21dbd100-6940-42c2-9190-5d6cb909625b", "Crypto User",
      "roleDefinitions/read/action roleAssignments/read/action keys/read/action keys/write/action keys/rotate/action keys/import/action keys/release/action keys/backup/action keys/restore/action keys/encrypt/action keys/decrypt/action keys/wrap/action keys/unwrap/action keys/sign/action keys/verify/action keys/derive/action keys/delete keys/create rng/action"
    ),
    (
      "515eb02d-2335-4d2d-92f2-b1cbdf9c3778", "Crypto Officer",
      roleSet + " keys/deletedKeys/read/action keys/deletedKeys/delete keys/deletedKeys/recover/action keys/export/action"
    ),
    (
      "a290e904-7015-4bba-90c8-60543313cdb4", "Administrator",
      roleSet
        + " securitydomain/download/action securitydomain/download/read securitydomain/upload/action securitydomain/upload/read securitydomain/transferkey/read backup/start/action backup/status/action restore/start/action restore/status/action settings/read/action settings/write/action"
    ),
  ]

  static func actions(_ row: Int) -> Set<String> {
    Set(rows[row].actions.split(separator: " ").map { "Microsoft.KeyVault/managedHsm/" + $0 })
  }
}

/// One cell of the role table: a role, assigned at a scope, and one data action.
struct Cell: Sendable, CustomTestStringConvertible {
  let row: Int
  let action: DataAction
  let assignedAt: String

  var testDescription: String { "\(RecordedRoles.rows[row].name), \(action.text), assigned at \(assignedAt)" }

  static let scopes = ["/", "/keys", "/keys/release"]
  static let all: [Cell] = RecordedRoles.rows.indices.flatMap { row in
    DataAction.allCases.flatMap { action in scopes.map { Cell(row: row, action: action, assignedAt: $0) } }
  }
}

@Suite("The table of built-in roles")
struct RoleTableTests {
  @Test("There is one cell for each of 10 roles, 42 data actions and 3 scopes of assignment")
  func count() {
    #expect(Cell.all.count == 10 * 42 * 3)
    #expect(DataAction.allCases.count == 42)
    let named = RecordedRoles.rows.indices.reduce(into: Set<String>()) { $0.formUnion(RecordedRoles.actions($1)) }
    // 41 of Azure's; the 42nd is ours and no built-in role has it.
    #expect(named.count == 41)
    #expect(named == Set(DataAction.allCases.filter { $0 != .hallmarkAuditRead }.map(\.text)))
  }

  @Test("A role permits exactly what the recording lists, at its scope and below and nowhere else", arguments: Cell.all)
  func cell(_ cell: Cell) throws {
    // given
    let world = try World()
    let assigned = scope(cell.assignedAt)
    try world.grant(RoleDefinitionID(RecordedRoles.rows[cell.row].guid)!, to: World.alice, at: assigned)
    let has = RecordedRoles.actions(cell.row).contains(cell.action.text)
    // when, then
    for (asked, reached) in [
      ("/", ["/"]), ("/keys", ["/", "/keys"]), ("/keys/release", ["/", "/keys", "/keys/release"]),
      ("/keys/RELEASE", ["/", "/keys", "/keys/release"]), ("/keys/release2", ["/", "/keys"]), ("/keys/other", ["/", "/keys"]),
    ] {
      let expected = has && reached.contains(cell.assignedAt)
      #expect(world.isAllowed(World.alice, cell.action, at: scope(asked)) == expected, "asked at \(asked)")
      // Somebody without a role is refused everywhere.
      #expect(!world.isAllowed(World.build, cell.action, at: scope(asked)))
    }
  }

  @Test("Definitions are listed in the service's order, custom ones behind")
  func order() throws {
    let world = try World()
    let listed = world.access.definitions()
    #expect(listed.prefix(10).map(\.id.text) == RecordedRoles.rows.map(\.guid))
    #expect(listed.prefix(10).map(\.name) == RecordedRoles.rows.map { "Managed HSM " + $0.name })
    #expect(listed.prefix(10).allSatisfy { $0.kind == .builtIn && $0.summary == "" && $0.permissions.count == 1 })
    #expect(listed.dropFirst(10).map(\.name) == ["Hallmark Artifact Signer"])
    for (row, role) in listed.prefix(10).enumerated() {
      #expect(Set(role.permissions[0].dataActions.map(\.text)) == RecordedRoles.actions(row))
      #expect(role.permissions[0].notDataActions.isEmpty && role.permissions[0].actions.isEmpty)
    }
  }

  @Test("Every data action is read back from its text in any case, and nothing near it is")
  func texts() {
    for action in DataAction.allCases {
      #expect(DataAction(action.text) == action)
      #expect(DataAction(action.text.uppercased()) == action)
      #expect(DataAction(action.text + "/") == nil)
      #expect(DataAction(" " + action.text) == nil)
    }
    for text in [
      "", "*", "Microsoft.KeyVault/managedHsm/*", "Microsoft.KeyVault/managedHsm/keys/*/action", "Microsoft.KeyVault/managedHsm/keys/delete/action",
      "Microsoft.KeyVault/managedHsm/keys/create/action", "keys/read/action", "Microsoft.KeyVault/vaults/keys/read/action",
      "Microsoft.KeyVault/managedHsm//keys/read/action", String(repeating: "a", count: 10_000),
    ] { #expect(DataAction(text) == nil, "\(text.prefix(60))") }
  }

  @Test("The ready signer role reads and signs with its key and does nothing else")
  func artifactSigner() throws {
    let world = try World()
    try world.grant(BuiltInRoles.artifactSigner.id, to: World.build, at: scope("/keys/release"))
    for action in DataAction.allCases {
      let expected = action == .keysRead || action == .keysSign
      #expect(world.isAllowed(World.build, action, at: scope("/keys/release")) == expected)
      for elsewhere in ["/", "/keys", "/keys/other"] { #expect(!world.isAllowed(World.build, action, at: scope(elsewhere))) }
    }
  }
}
