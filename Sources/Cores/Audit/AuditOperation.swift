/// What a request wanted to do. The raw value is the `operation` member of a record.
///
/// One scheme: key operations are the canonical words of the Managed HSM (`sign`, `wrapKey` …); everything else
/// is `<object>.<verb>`. A closed set: a reader refuses any other word.
package enum AuditOperation: String, Sendable, CaseIterable {
  // Cryptographic operations with one key version.
  case sign, verify, encrypt, decrypt, wrapKey, unwrapKey, release
  // Life of a key.
  case keyCreate = "key.create"
  case keyImport = "key.import"
  case keyRead = "key.read"
  case keyList = "key.list"
  case keyListVersions = "key.listVersions"
  case keyUpdate = "key.update"
  case keyDelete = "key.delete"
  case keyReadDeleted = "key.readDeleted"
  case keyListDeleted = "key.listDeleted"
  case keyRecover = "key.recover"
  case keyPurge = "key.purge"
  case keyBackup = "key.backup"
  case keyRestore = "key.restore"
  case keyRotate = "key.rotate"
  case keyAttest = "key.attest"
  case rotationPolicyRead = "rotationPolicy.read"
  case rotationPolicyUpdate = "rotationPolicy.update"
  case random = "random.generate"
  // Certificate chains of key versions.
  case certificatesRead = "certificates.read"
  case certificatesList = "certificates.list"
  case certificatesWrite = "certificates.write"
  case certificatesDelete = "certificates.delete"
  // Local RBAC.
  case roleDefinitionRead = "roleDefinition.read"
  case roleDefinitionList = "roleDefinition.list"
  case roleDefinitionWrite = "roleDefinition.write"
  case roleDefinitionDelete = "roleDefinition.delete"
  case roleAssignmentRead = "roleAssignment.read"
  case roleAssignmentList = "roleAssignment.list"
  case roleAssignmentCreate = "roleAssignment.create"
  case roleAssignmentDelete = "roleAssignment.delete"
  // The HSM itself.
  case settingRead = "setting.read"
  case settingList = "setting.list"
  case settingUpdate = "setting.update"
  case backupStart = "backup.start"
  case backupStatus = "backup.status"
  case restoreStart = "restore.start"
  case restoreStatus = "restore.status"
  case domainDownload = "securityDomain.download"
  case domainDownloadStatus = "securityDomain.downloadStatus"
  case domainUpload = "securityDomain.upload"
  case domainUploadStatus = "securityDomain.uploadStatus"
  case domainTransferKey = "securityDomain.transferKey"
  // Identities and the token authority.
  case tokenIssue = "token.issue"
  case tokenAuthenticate = "token.authenticate"
  case tokenConfirmDevice = "token.confirmDevice"
  case principalRead = "principal.read"
  case principalList = "principal.list"
  case principalCreate = "principal.create"
  case principalUpdate = "principal.update"
  case principalDelete = "principal.delete"
  case federationCreate = "federation.create"
  case federationDelete = "federation.delete"
  case issuerCreate = "issuer.create"
  case issuerDelete = "issuer.delete"
  // The trail and the server.
  case auditRead = "audit.read"
  case serverStart = "server.start"
  case serverStop = "server.stop"
  case integrityFailure = "integrity.failure"
  /// An authenticated request to a path or method that does not exist.
  case unknown
}
