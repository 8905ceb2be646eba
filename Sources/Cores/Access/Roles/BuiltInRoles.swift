/// The roles every Managed HSM has, exactly as the service lists them, in its order.
///
/// Source: recorded answers of the live service, builds of March 2026. The names, the guids and the data actions that lack `/action` are
/// the service's; two guids differ in the last digit only (Crypto User ends in `b`, Crypto Service Release User in `c`).
package enum BuiltInRoles {
  package static let all: [RoleDefinition] = table.map { row in
    RoleDefinition(
      id: constant(row.guid), name: "Managed HSM " + row.name, kind: .builtIn,
      permissions: [RolePermission(dataActions: row.actions)])
  }

  package static let byID = Dictionary(uniqueKeysWithValues: all.map { ($0.id, $0) })

  package static let administrator = constant("a290e904-7015-4bba-90c8-60543313cdb4")
  package static let cryptoOfficer = constant("515eb02d-2335-4d2d-92f2-b1cbdf9c3778")
  package static let cryptoUser = constant("21dbd100-6940-42c2-9190-5d6cb909625b")
  package static let cryptoAuditor = constant("2c18b078-7c48-4d3a-af88-5a3a1b3f82b3")
  package static let policyAdministrator = constant("4bd23610-cdcf-4971-bdee-bdc562cc28e4")

  /// Ours, a custom role made when an HSM is initialised: what a build identity needs to sign with one key, and nothing else.
  package static let artifactSigner = RoleDefinition(
    id: constant("7b3c2d9e-51f4-4c0a-9d6b-8e1f0a6c5e21"), name: "Hallmark Artifact Signer",
    summary: "Read a key's public part and sign with it", kind: .custom,
    permissions: [RolePermission(dataActions: [.keysRead, .keysSign])])

  private static let roleAdministration: [DataAction] = [
    .roleDefinitionsRead, .roleDefinitionsWrite, .roleDefinitionsDelete,
    .roleAssignmentsRead, .roleAssignmentsWrite, .roleAssignmentsDelete,
  ]

  private static let table: [(name: String, guid: String, actions: [DataAction])] = [
    ("EKM Administrator", "abdd7ec4-a273-4265-bf38-e001014e2d8e", [.ekmRead, .ekmWrite, .ekmDelete]),
    ("Restore User", "6efe6056-5259-49d2-8b3d-d3d73544b20b", [.restoreStart, .restoreStatus, .keysRestore]),
    ("Backup User", "7b127d3c-77bd-4e3e-bbe0-dbb8971fa7f8", [.backupStart, .backupStatus, .keysBackup]),
    ("Crypto Service Encryption User", "33413926-3206-4cdd-b39a-83574fe37a17", [.keysRead, .keysWrap, .keysUnwrap]),
    ("Crypto Service Release User", "21dbd100-6940-42c2-9190-5d6cb909625c", [.keysRelease]),
    (
      "Crypto Auditor", "2c18b078-7c48-4d3a-af88-5a3a1b3f82b3",
      [.roleAssignmentsRead, .roleDefinitionsRead, .keysRead, .deletedKeysRead]
    ),
    ("Policy Administrator", "4bd23610-cdcf-4971-bdee-bdc562cc28e4", roleAdministration),
    (
      "Crypto User", "21dbd100-6940-42c2-9190-5d6cb909625b",
      [
        .roleDefinitionsRead, .roleAssignmentsRead, .keysRead, .keysWrite, .keysRotate, .keysImport, .keysRelease, .keysBackup,
        .keysRestore, .keysEncrypt, .keysDecrypt, .keysWrap, .keysUnwrap, .keysSign, .keysVerify, .keysDerive, .keysDelete,
        .keysCreate, .random,
      ]
    ),
    (
      "Crypto Officer", "515eb02d-2335-4d2d-92f2-b1cbdf9c3778",
      roleAdministration + [.deletedKeysRead, .deletedKeysPurge, .deletedKeysRecover, .keysExport]
    ),
    (
      "Administrator", "a290e904-7015-4bba-90c8-60543313cdb4",
      roleAdministration + [
        .securityDomainDownload, .securityDomainDownloadRead, .securityDomainUpload, .securityDomainUploadRead,
        .securityDomainTransferKeyRead, .backupStart, .backupStatus, .restoreStart, .restoreStatus, .settingsRead, .settingsWrite,
      ]
    ),
  ]

  /// The constants above are GUIDs; a slip of the pen would end every test run.
  private static func constant(_ text: String) -> RoleDefinitionID {
    guard let id = RoleDefinitionID(text) else { preconditionFailure("not a GUID: \(text)") }
    return id
  }
}
