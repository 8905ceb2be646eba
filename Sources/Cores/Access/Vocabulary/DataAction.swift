/// One right on the data plane, as role definitions name it.
///
/// A closed set: the table of Managed HSM's built-in roles (order of declaration is free, raw values are not stored) and one action of
/// our own for reading the audit trail. `text` is the full name, `Microsoft.KeyVault/managedHsm/…`; mind the five that lack `/action`.
package enum DataAction: UInt8, Sendable, Hashable, CaseIterable, CustomStringConvertible {
  case securityDomainDownload, securityDomainDownloadRead
  case securityDomainUpload, securityDomainUploadRead, securityDomainTransferKeyRead
  case roleAssignmentsRead, roleAssignmentsWrite, roleAssignmentsDelete
  case roleDefinitionsRead, roleDefinitionsWrite, roleDefinitionsDelete
  case settingsRead, settingsWrite
  case backupStart, backupStatus, restoreStart, restoreStatus
  case keysRead, keysWrite, keysCreate, keysDelete, keysRotate, keysImport, keysRelease, keysBackup, keysRestore
  case keysEncrypt, keysDecrypt, keysWrap, keysUnwrap, keysSign, keysVerify, keysDerive
  case random
  case deletedKeysRead, deletedKeysPurge, deletedKeysRecover
  case keysExport
  case ekmRead, ekmWrite, ekmDelete
  /// Ours: read the audit trail. Azure has no such right, its log lives outside the HSM.
  case hallmarkAuditRead

  package static let prefix = "Microsoft.KeyVault/managedHsm"

  /// The full name, as it stands in `dataActions` and in the error text of a refusal.
  package var text: String { Self.texts[Int(rawValue)] }
  package var description: String { text }

  /// Takes the full name in any case, as Azure compares action names.
  package init?(_ text: String) {
    guard text.utf8.count <= 128, let action = Self.byFoldedText[text.lowercased()] else { return nil }
    self = action
  }

  /// Whether the action concerns one key, so that an assignment at `/keys/<name>` can permit it.
  package var concernsOneKey: Bool {
    switch self {
    case .keysRead, .keysWrite, .keysCreate, .keysDelete, .keysRotate, .keysImport, .keysRelease, .keysBackup, .keysRestore,
      .keysEncrypt, .keysDecrypt, .keysWrap, .keysUnwrap, .keysSign, .keysVerify, .keysDerive, .deletedKeysRead,
      .deletedKeysPurge, .deletedKeysRecover, .keysExport, .roleAssignmentsRead, .roleAssignmentsWrite, .roleAssignmentsDelete,
      .roleDefinitionsRead:
      true
    case .securityDomainDownload, .securityDomainDownloadRead, .securityDomainUpload, .securityDomainUploadRead,
      .securityDomainTransferKeyRead, .roleDefinitionsWrite, .roleDefinitionsDelete, .settingsRead, .settingsWrite,
      .backupStart, .backupStatus, .restoreStart, .restoreStatus, .random, .ekmRead, .ekmWrite, .ekmDelete, .hallmarkAuditRead:
      false
    }
  }

  private static let texts: [String] = allCases.map { prefix + $0.suffix }
  private static let byFoldedText = Dictionary(uniqueKeysWithValues: allCases.map { ($0.text.lowercased(), $0) })

  private var suffix: String {
    switch self {
    case .securityDomainDownload: "/securitydomain/download/action"
    case .securityDomainDownloadRead: "/securitydomain/download/read"
    case .securityDomainUpload: "/securitydomain/upload/action"
    case .securityDomainUploadRead: "/securitydomain/upload/read"
    case .securityDomainTransferKeyRead: "/securitydomain/transferkey/read"
    case .roleAssignmentsRead: "/roleAssignments/read/action"
    case .roleAssignmentsWrite: "/roleAssignments/write/action"
    case .roleAssignmentsDelete: "/roleAssignments/delete/action"
    case .roleDefinitionsRead: "/roleDefinitions/read/action"
    case .roleDefinitionsWrite: "/roleDefinitions/write/action"
    case .roleDefinitionsDelete: "/roleDefinitions/delete/action"
    case .settingsRead: "/settings/read/action"
    case .settingsWrite: "/settings/write/action"
    case .backupStart: "/backup/start/action"
    case .backupStatus: "/backup/status/action"
    case .restoreStart: "/restore/start/action"
    case .restoreStatus: "/restore/status/action"
    case .keysRead: "/keys/read/action"
    case .keysWrite: "/keys/write/action"
    case .keysCreate: "/keys/create"
    case .keysDelete: "/keys/delete"
    case .keysRotate: "/keys/rotate/action"
    case .keysImport: "/keys/import/action"
    case .keysRelease: "/keys/release/action"
    case .keysBackup: "/keys/backup/action"
    case .keysRestore: "/keys/restore/action"
    case .keysEncrypt: "/keys/encrypt/action"
    case .keysDecrypt: "/keys/decrypt/action"
    case .keysWrap: "/keys/wrap/action"
    case .keysUnwrap: "/keys/unwrap/action"
    case .keysSign: "/keys/sign/action"
    case .keysVerify: "/keys/verify/action"
    case .keysDerive: "/keys/derive/action"
    case .random: "/rng/action"
    case .deletedKeysRead: "/keys/deletedKeys/read/action"
    case .deletedKeysPurge: "/keys/deletedKeys/delete"
    case .deletedKeysRecover: "/keys/deletedKeys/recover/action"
    case .keysExport: "/keys/export/action"
    case .ekmRead: "/ekm/read/action"
    case .ekmWrite: "/ekm/write/action"
    case .ekmDelete: "/ekm/delete/action"
    case .hallmarkAuditRead: "/hallmark/audit/read/action"
    }
  }
}

/// A set of data actions in one machine word: what makes a decision cost nanoseconds.
package struct DataActionSet: Sendable, Hashable, ExpressibleByArrayLiteral {
  private var bits: UInt64

  package init(_ actions: some Sequence<DataAction>) {
    bits = actions.reduce(into: 0) { $0 |= 1 << UInt64($1.rawValue) }
  }
  package init(arrayLiteral elements: DataAction...) { self.init(elements) }

  package var isEmpty: Bool { bits == 0 }
  package func contains(_ action: DataAction) -> Bool { bits & (1 << UInt64(action.rawValue)) != 0 }
  package mutating func formUnion(_ other: DataActionSet) { bits |= other.bits }
  package func subtracting(_ other: DataActionSet) -> DataActionSet {
    var rest = self
    rest.bits &= ~other.bits
    return rest
  }
  /// The members in order of declaration.
  package var actions: [DataAction] { DataAction.allCases.filter(contains) }
}
