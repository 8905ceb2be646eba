import Access
import Audit
import Clocks
import Encodings
import ManagedHSMService
import ManagedHSMWire
import NIOHTTP1
import Testing

/// The role table at the door: for every role, every route and every scope of assignment, what the responder answers and what the trail says.
///
/// The roles are written from the live service's recorded definitions (March 2026), the scopes from the documented rule that a right holds at its
/// scope and below.
@Suite("Refusals at the door")
struct RefusalMatrixTests {
  private static let roleSet = "roleDefinitions/read/action roleDefinitions/write/action roleDefinitions/delete/action roleAssignments/read/action roleAssignments/write/action roleAssignments/delete/action"

  static let roles: [(guid: String, actions: String)] = [
    ("abdd7ec4-a273-4265-bf38-e001014e2d8e", "ekm/read/action ekm/write/action ekm/delete/action"),
    ("6efe6056-5259-49d2-8b3d-d3d73544b20b", "restore/start/action restore/status/action keys/restore/action"),
    ("7b127d3c-77bd-4e3e-bbe0-dbb8971fa7f8", "backup/start/action backup/status/action keys/backup/action"),
    ("33413926-3206-4cdd-b39a-83574fe37a17", "keys/read/action keys/wrap/action keys/unwrap/action"),
    ("21dbd100-6940-42c2-9190-5d6cb909625c", "keys/release/action"),
    ("2c18b078-7c48-4d3a-af88-5a3a1b3f82b3", "roleAssignments/read/action roleDefinitions/read/action keys/read/action keys/deletedKeys/read/action"),
    ("4bd23610-cdcf-4971-bdee-bdc562cc28e4", roleSet),
    (
      "21dbd100-6940-42c2-9190-5d6cb909625b",
      "roleDefinitions/read/action roleAssignments/read/action keys/read/action keys/write/action keys/rotate/action keys/import/action keys/release/action keys/backup/action keys/restore/action keys/encrypt/action keys/decrypt/action keys/wrap/action keys/unwrap/action keys/sign/action keys/verify/action keys/derive/action keys/delete keys/create rng/action"
    ),
    ("515eb02d-2335-4d2d-92f2-b1cbdf9c3778", roleSet + " keys/deletedKeys/read/action keys/deletedKeys/delete keys/deletedKeys/recover/action keys/export/action"),
    (
      "a290e904-7015-4bba-90c8-60543313cdb4",
      roleSet
        + " securitydomain/download/action securitydomain/download/read securitydomain/upload/action securitydomain/upload/read securitydomain/transferkey/read backup/start/action backup/status/action restore/start/action restore/status/action settings/read/action settings/write/action"
    ),
  ]

  /// A request that shows a right and changes nothing even when it is permitted: what follows the permission fails.
  struct Door: Sendable {
    var method: HTTPMethod
    var path: String
    var action: String
    /// Where the right is asked for.
    var scope: String
    var operation: AuditOperation
    /// The scope a refusal names, where it is another: recorded for the creation of keys.
    var named: String?

    init(_ method: HTTPMethod, _ path: String, _ action: String, _ scope: String, _ operation: AuditOperation, named: String? = nil) {
      (self.method, self.path, self.action, self.scope, self.operation, self.named) = (method, path, action, scope, operation, named)
    }
  }

  static let doors: [Door] = {
    let none = "99999999-9999-4999-8999-999999999999"
    var doors = [
      Door(.GET, "/keys/k", "keys/read/action", "/keys/k", .keyRead), Door(.GET, "/keys/k/versions", "keys/read/action", "/keys/k", .keyListVersions),
      Door(.GET, "/keys", "keys/read/action", "/keys", .keyList), Door(.PATCH, "/keys/k/", "keys/write/action", "/keys/k", .keyUpdate),
      Door(.POST, "/keys/k/create", "keys/create", "/keys/k", .keyCreate, named: "/keys"), Door(.PUT, "/keys/k", "keys/import/action", "/keys/k", .keyImport, named: "/keys"),
      Door(.DELETE, "/keys/k", "keys/delete", "/keys/k", .keyDelete), Door(.POST, "/keys/k/rotate", "keys/rotate/action", "/keys/k", .keyRotate),
      Door(.GET, "/keys/k/rotationpolicy", "keys/read/action", "/keys/k", .rotationPolicyRead),
      Door(.PUT, "/keys/k/rotationpolicy", "keys/write/action", "/keys/k", .rotationPolicyUpdate),
      Door(.POST, "/keys/k//sign", "keys/sign/action", "/keys/k", .sign), Door(.POST, "/keys/k/verify", "keys/verify/action", "/keys/k", .verify),
      Door(.POST, "/keys/k/encrypt", "keys/encrypt/action", "/keys/k", .encrypt), Door(.POST, "/keys/k/decrypt", "keys/decrypt/action", "/keys/k", .decrypt),
      Door(.POST, "/keys/k/wrapKey", "keys/wrap/action", "/keys/k", .wrapKey), Door(.POST, "/keys/k/unwrapkey", "keys/unwrap/action", "/keys/k", .unwrapKey),
      Door(.POST, "/keys/k/release", "keys/release/action", "/keys/k", .release), Door(.POST, "/keys/k/backup", "keys/backup/action", "/keys/k", .keyBackup),
      Door(.POST, "/keys//restore", "keys/restore/action", "/keys", .keyRestore), Door(.GET, "/keys/k//attestation", "keys/read/action", "/keys/k", .keyAttest),
      Door(.GET, "/deletedkeys", "keys/deletedKeys/read/action", "/keys", .keyListDeleted),
      Door(.GET, "/deletedkeys/k", "keys/deletedKeys/read/action", "/keys/k", .keyReadDeleted), Door(.DELETE, "/deletedkeys/k", "keys/deletedKeys/delete", "/keys/k", .keyPurge),
      Door(.POST, "/deletedkeys/k/recover", "keys/deletedKeys/recover/action", "/keys/k", .keyRecover), Door(.POST, "/rng", "rng/action", "/", .random),
      Door(.GET, "/hallmark/v1/keys/k/0/certificates", "keys/read/action", "/keys/k", .certificatesRead),
      Door(.PUT, "/hallmark/v1/keys/k/0/certificates", "keys/write/action", "/keys/k", .certificatesWrite),
      Door(.DELETE, "/hallmark/v1/keys/k/0/certificates", "keys/write/action", "/keys/k", .certificatesDelete),
      Door(.GET, "/hallmark/v1/certificates?after=0", "keys/read/action", "/keys", .certificatesList),
      Door(.GET, "/settings", "settings/read/action", "/", .settingList), Door(.GET, "/settings/x", "settings/read/action", "/", .settingRead),
      Door(.PATCH, "/settings/x", "settings/write/action", "/", .settingUpdate), Door(.POST, "/securitydomain/download", "securitydomain/download/action", "/", .domainDownload),
      Door(.GET, "/securitydomain/download/pending", "securitydomain/download/read", "/", .domainDownloadStatus),
      Door(.GET, "/securitydomain/upload", "securitydomain/transferkey/read", "/", .domainTransferKey),
      Door(.POST, "/securitydomain/upload", "securitydomain/upload/action", "/", .domainUpload),
      Door(.GET, "/securitydomain/upload/pending", "securitydomain/upload/read", "/", .domainUploadStatus), Door(.POST, "/backup", "backup/start/action", "/", .backupStart),
      Door(.GET, "/backup/j/pending", "backup/status/action", "/", .backupStatus), Door(.PUT, "/restore", "restore/start/action", "/", .restoreStart),
      Door(.GET, "/restore/j/pending", "restore/status/action", "/", .restoreStatus),
      Door(.PUT, "/providers/Microsoft.Authorization/roleDefinitions/\(none)", "roleDefinitions/write/action", "/", .roleDefinitionWrite),
      Door(.DELETE, "/providers/Microsoft.Authorization/roleDefinitions/\(none)", "roleDefinitions/delete/action", "/", .roleDefinitionDelete),
    ]
    for (prefix, scope) in [("/", "/"), ("/keys", "/keys"), ("/keys/k", "/keys/k")] {
      let base = prefix + "/providers/Microsoft.Authorization"
      doors += [
        Door(.GET, base + "/roleDefinitions", "roleDefinitions/read/action", scope, .roleDefinitionList),
        Door(.GET, base + "/roleDefinitions/\(none)", "roleDefinitions/read/action", scope, .roleDefinitionRead),
        Door(.GET, base + "/roleAssignments", "roleAssignments/read/action", scope, .roleAssignmentList),
        Door(.GET, base + "/roleAssignments/\(none)", "roleAssignments/read/action", scope, .roleAssignmentRead),
        Door(.PUT, base + "/roleAssignments/\(none)", "roleAssignments/write/action", scope, .roleAssignmentCreate),
        Door(.DELETE, base + "/roleAssignments/\(none)", "roleAssignments/delete/action", scope, .roleAssignmentDelete),
      ]
    }
    return doors
  }()

  static let scopes = ["/", "/keys", "/keys/k"]

  private static func covers(_ assigned: String, _ asked: String) -> Bool {
    assigned == "/" || assigned == asked || (assigned == "/keys" && asked.hasPrefix("/keys/"))
  }

  @Test("Every data action but those nothing asks for yet has a door")
  func coverage() {
    let asked = Set(Self.doors.map(\.action))
    let named = Self.roles.reduce(into: Set<String>()) { $0.formUnion($1.actions.split(separator: " ").map(String.init)) }
    #expect(named.count == 41)
    #expect(named.subtracting(asked) == ["ekm/read/action", "ekm/write/action", "ekm/delete/action", "keys/derive/action", "keys/export/action"])
    #expect(Self.doors.count == 43 + 18)
  }

  @Test("Every cell: the role opens exactly its doors, and each refusal is AccessDenied by name, recorded once", arguments: roles.indices)
  func row(_ role: Int) async throws {
    // given: one principal per scope, each with this role at that scope
    let hsm = try HSM()
    let actions = Set(Self.roles[role].actions.split(separator: " ").map(String.init))
    let principals = [HSM.nobody, PrincipalID("77777777-0000-4000-8000-000000000001")!, PrincipalID("77777777-0000-4000-8000-000000000002")!]
    for id in principals.dropFirst() { try hsm.add(id) }
    for (index, scope) in Self.scopes.enumerated() {
      let assignment = try hsm.grant(Self.roles[role].guid, to: principals[index], at: scope).id.text
      for door in Self.doors {
        // when
        let (reply, records) = try await hsm.recorded { try await hsm.send(door.method, door.path + "?api-version=7.6", as: principals[index], "not an object") }
        // then
        let cell: Comment = "\(Self.roles[role].guid) at \(scope): \(door.method) \(door.path): \(reply.text)"
        let record = try #require(records.first, cell)
        #expect(records.count == 1, cell)
        #expect(record.entry.operation == door.operation, cell)
        #expect(record.entry.status == reply.status, cell)
        #expect(record.entry.principal?.objectID == principals[index].text, cell)
        #expect(record.entry.requestID == reply.value("x-ms-request-id"), cell)
        if actions.contains(door.action) && Self.covers(scope, door.scope) {
          #expect(reply.code != "AccessDenied", cell)
          #expect(record.entry.assignment == assignment, cell)
        } else {
          let text = "Not authorized to access Microsoft.KeyVault/managedHsm/\(door.action) on \(door.named ?? door.scope)"
          #expect(reply.status == 403 && reply.code == "AccessDenied", cell)
          #expect(reply.message == text, cell)
          #expect(record.entry.decision == .deny, cell)
          #expect(record.entry.assignment == nil, cell)
          #expect(record.entry.reason?.isEmpty == false, cell)
        }
      }
    }
  }

  @Test("A caller without the right cannot tell a key that exists from one that does not")
  func noOracle() async throws {
    let hsm = try HSM()
    let kid = try await hsm.createKey("present")
    let version = kid.split(separator: "/").last!
    for (method, path) in [
      (HTTPMethod.GET, "/keys/NAME"), (.GET, "/keys/NAME/\(version)"), (.GET, "/keys/NAME/versions"), (.DELETE, "/keys/NAME"), (.POST, "/keys/NAME/sign"),
      (.POST, "/keys/NAME/\(version)/verify"), (.POST, "/keys/NAME/rotate"), (.PATCH, "/keys/NAME/\(version)"), (.GET, "/deletedkeys/NAME"), (.POST, "/keys/NAME/backup"),
    ] {
      func ask(_ name: String) async throws -> WireReply { try await hsm.send(method, path.replacing("NAME", with: name), as: HSM.nobody, ["alg": "ES256", "value": "AAAA"]) }
      let present = try await ask("present"), absent = try await ask("absent0")
      #expect(present.status == 403 && absent.status == 403, "\(path)")
      #expect(present.message?.replacing("present", with: "absent0") == absent.message, "\(path)")
      #expect(present.headers.map(\.name) == absent.headers.map(\.name))
    }
  }

  @Test("A right that was withdrawn is gone with the next request")
  func withdrawal() async throws {
    let hsm = try HSM()
    let path = "/providers/Microsoft.Authorization/roleAssignments/99999999-9999-4999-8999-999999999999"
    let body: JSONValue = [
      "properties": [
        "roleDefinitionId": "Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/21dbd100-6940-42c2-9190-5d6cb909625b",
        "principalId": .string(HSM.nobody.text),
      ]
    ]
    #expect(try await hsm.send(.GET, "/keys", as: HSM.nobody).status == 403)
    let created = try await hsm.send(.PUT, path, as: HSM.admin, body)
    #expect(created.status == 201)
    #expect(created.json["id"]?.string == path)
    #expect(created.json["properties"]?["scope"]?.string == "/")
    #expect(try await hsm.send(.GET, "/keys", as: HSM.nobody).status == 200)
    let deleted = try await hsm.send(.DELETE, path, as: HSM.admin)
    #expect(deleted.status == 200 && deleted.json == created.json)
    #expect(try await hsm.send(.GET, "/keys", as: HSM.nobody).status == 403)
    // terraform wants five 404s in a row.
    for _ in 0..<5 { #expect(try await hsm.send(.GET, path, as: HSM.admin).code == "RoleAssignmentNotFound") }
  }
}
