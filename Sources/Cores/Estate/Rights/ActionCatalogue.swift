/// Which action of Azure stands for which capability (estate-and-gates §1.11, §1.12). Texts are lower-case.
enum ActionCatalogue {
  struct DataRow: Sendable {
    let action: [UInt8]
    let capability: Capability
  }

  struct ControlRow: Sendable {
    let action: [UInt8]
    let power: ControlPower
  }

  static func dataRows(_ kind: InventorySnapshot.StoreKind) -> [DataRow] { kind == .managedHsm ? managedHSM : vault }
  static func keyPrefix(_ kind: InventorySnapshot.StoreKind) -> String { prefix(kind) + "keys/" }

  private static func prefix(_ kind: InventorySnapshot.StoreKind) -> String {
    kind == .managedHsm ? "microsoft.keyvault/managedhsm/" : "microsoft.keyvault/vaults/"
  }

  private static func rows(_ kind: InventorySnapshot.StoreKind, _ table: [(String, Capability)]) -> [DataRow] {
    table.map { DataRow(action: Array((prefix(kind) + $0.0).utf8), capability: $0.1) }
  }

  private static let managedHSM = rows(
    .managedHsm,
    [
      ("keys/sign/action", .sign), ("keys/verify/action", .verify), ("keys/read/action", .read),
      ("keys/deletedkeys/read/action", .read),
      ("keys/decrypt/action", .decrypt), ("keys/unwrap/action", .unwrap), ("keys/encrypt/action", .encrypt), ("keys/wrap/action", .wrap),
      // Derivation hands out secret material, as decryption does.
      ("keys/derive/action", .decrypt),
      ("keys/release/action", .release), ("keys/export/action", .export),
      ("keys/backup/action", .backup), ("keys/restore/action", .restore), ("backup/start/action", .backup), ("restore/start/action", .restore),
      ("keys/import/action", .import), ("keys/create", .create), ("keys/create/action", .create), ("keys/rotate/action", .rotate),
      ("keys/write/action", .update),
      ("keys/delete", .delete), ("keys/delete/action", .delete), ("keys/deletedkeys/delete", .purge), ("keys/deletedkeys/delete/action", .purge),
      ("keys/deletedkeys/recover/action", .recover),
      ("roleassignments/write/action", .grant), ("roledefinitions/write/action", .grant),
      ("securitydomain/download/action", .domain), ("securitydomain/download/read", .domain), ("securitydomain/upload/action", .domain),
      ("securitydomain/upload/read", .domain), ("securitydomain/transferkey/read", .domain),
    ])

  private static let vault = rows(
    .vault,
    [
      ("keys/sign/action", .sign), ("keys/verify/action", .verify), ("keys/read", .read), ("keyrotationpolicies/read", .read),
      ("keys/decrypt/action", .decrypt), ("keys/unwrap/action", .unwrap), ("keys/encrypt/action", .encrypt), ("keys/wrap/action", .wrap),
      ("keys/release/action", .release), ("keys/backup/action", .backup), ("keys/restore/action", .restore),
      ("keys/import/action", .import), ("keys/create/action", .create), ("keys/rotate/action", .rotate),
      ("keyrotationpolicies/write", .rotate), ("keys/update/action", .update),
      ("keys/delete", .delete), ("keys/purge/action", .purge), ("keys/recover/action", .recover),
      // A certificate has a key of the same name: who makes certificates makes keys.
      ("certificates/create/action", .create), ("certificates/import/action", .import), ("certificates/delete", .delete),
      ("certificates/purge/action", .purge), ("certificates/recover/action", .recover),
    ])

  /// Actions of the control plane that lead to a key.
  static let control: [ControlRow] = controlTable.map { ControlRow(action: Array($0.0.utf8), power: $0.1) }

  private static let controlTable: [(String, ControlPower)] = [
    ("microsoft.authorization/roleassignments/write", .writeRoleAssignments),
    ("microsoft.authorization/roledefinitions/write", .writeRoleDefinitions),
    ("microsoft.authorization/elevateaccess/action", .elevateAccess),
    ("microsoft.authorization/roleeligibilityschedulerequests/write", .writeRoleAssignments),
    ("microsoft.authorization/roleassignmentschedulerequests/write", .writeRoleAssignments),
    ("microsoft.authorization/locks/delete", .deleteLocks),
    ("microsoft.keyvault/vaults/write", .writeVault),
    ("microsoft.keyvault/vaults/accesspolicies/write", .writeAccessPolicies),
    ("microsoft.keyvault/vaults/delete", .deleteVault),
    ("microsoft.keyvault/vaults/keys/write", .createVaultKeys),
    ("microsoft.keyvault/locations/deletedvaults/purge/action", .purgeVault),
    ("microsoft.keyvault/deletedvaults/purge/action", .purgeVault),
    ("microsoft.keyvault/managedhsms/delete", .deleteManagedHSM),
    ("microsoft.keyvault/locations/deletedmanagedhsms/purge/action", .purgeManagedHSM),
    ("microsoft.keyvault/deletedmanagedhsms/purge/action", .purgeManagedHSM),
    ("microsoft.managedidentity/userassignedidentities/assign/action", .assignIdentity),
    // Built-in roles write the action with a segment for the identity in between.
    ("microsoft.managedidentity/userassignedidentities/x/assign/action", .assignIdentity),
    ("microsoft.managedidentity/userassignedidentities/federatedidentitycredentials/write", .writeFederation),
  ]
}

/// What a role can do on the control plane, as far as it leads to keys.
package enum ControlPower: String, Sendable, Hashable, CaseIterable {
  case writeRoleAssignments, writeRoleDefinitions, elevateAccess, deleteLocks
  case writeVault, writeAccessPolicies, deleteVault, createVaultKeys, purgeVault
  case deleteManagedHSM, purgeManagedHSM
  /// Attach a user-assigned identity to a machine, and so become it.
  case assignIdentity
  /// Add a federated credential to an identity, and so become it.
  case writeFederation
}
