import Clocks
import Encodings

/// Writes records as Azure Monitor's `AuditEvent` lines, for tools that read Managed HSM's own log.
///
/// The form is that of reference managed-hsm §6.5. What Azure's log has no place for (digest, assignment, claims beyond the three it
/// knows) is left out; what our record does not hold (user agent, api-version) is empty.
package struct AzureAuditEvent: Sendable {
  private let tenant: String
  private let subscription: String
  private let resourceGroup: String
  private let pool: String
  /// `https://host[:port]` without a slash at the end.
  private let baseURL: String

  package init(tenant: String, subscription: String, resourceGroup: String, pool: String, baseURL: String) {
    self.tenant = tenant
    self.subscription = subscription
    self.resourceGroup = resourceGroup
    self.pool = pool
    self.baseURL = baseURL.hasSuffix("/") ? String(baseURL.dropLast()) : baseURL
  }

  /// One line, without line feed.
  package func line(_ record: AuditRecord) -> [UInt8] {
    let entry = record.entry
    let group = resourceGroup.uppercased()
    var object: JSONObject = [
      "TenantId": .string(tenant),
      "time": .string(ISO8601.format(nanoseconds: entry.time.nanoseconds)),
      "resourceId": .string(
        "/SUBSCRIPTIONS/\(subscription.uppercased())/RESOURCEGROUPS/\(group)/PROVIDERS/MICROSOFT.KEYVAULT/MANAGEDHSMS/\(pool.uppercased())"),
      "operationName": .string(entry.operation.azureName),
      "operationVersion": "",
      "category": "AuditEvent",
      "resultType": .string((200..<400).contains(entry.status) ? "Success" : "Failed"),
    ]
    if let reason = entry.reason, entry.decision == .deny || entry.status >= 400 { object["resultDescription"] = .string(reason) }
    object["properties"] = ["PoolType": "M-HSM", "sku_Family": "B", "sku_Name": "Standard_B1"]
    object["durationMs"] = .integer(entry.durationMilliseconds)
    object["callerIpAddress"] = .string(Self.address(entry.callerAddress ?? ""))
    object["identity"] = .string(Self.identity(entry.principal))
    object["clientInfo"] = ""
    object["correlationId"] = .string(entry.requestID ?? entry.clientRequestID ?? "")
    object["subnetId"] = "(unknown)"
    object["httpStatusCode"] = .integer(entry.status)
    object["PoolName"] = .string(pool)
    object["requestUri"] = .string(requestURI(entry))
    object["resourceGroup"] = .string(group)
    object["resourceProvider"] = "MICROSOFT.KEYVAULT"
    object["resource"] = .string(pool)
    object["resourceType"] = "managedHSMs"
    return JSONValue.object(object).serialized()
  }

  /// A JSON text inside a JSON string, as Azure writes it.
  private static func identity(_ principal: AuditPrincipal?) -> String {
    guard let principal else { return "{}" }
    var claims: JSONObject = [:]
    if let client = principal.clientID { claims["appid"] = .string(client) }
    claims["http_schemas_microsoft_com_identity"] = ["claims": ["objectidentifier": .string(principal.objectID)]]
    if let upn = principal.claims.first(where: { $0.name == "upn" }) {
      claims["http_schemas_xmlsoap_org_ws_2005_05_identity"] = ["claims": ["upn": .string(upn.value)]]
    }
    return JSONValue.object(["claim": .object(claims)]).text()
  }

  /// Azure's field has no port: `192.0.2.17:51234` and `[2001:db8::1]:51234` lose theirs.
  private static func address(_ text: String) -> String {
    if text.first == "[", let end = text.firstIndex(of: "]") { return String(text[text.index(after: text.startIndex)..<end]) }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    return parts.count == 2 ? String(parts[0]) : text
  }

  private func requestURI(_ entry: AuditEntry) -> String {
    guard let key = entry.key else {
      if let kid = entry.kid { return kid.hasPrefix("https://") ? kid : baseURL + (kid.hasPrefix("/") ? kid : "/" + kid) }
      return baseURL
    }
    var path = entry.kid?.hasPrefix("https://") == true ? entry.kid! : "\(baseURL)/keys/\(key)" + (entry.version.map { "/" + $0 } ?? "")
    if let verb = entry.operation.pathVerb { path += "/" + verb }
    return path
  }
}

extension AuditOperation {
  /// Azure's operation name. Those that reference managed-hsm §6.5 does not list follow its scheme.
  package var azureName: String {
    switch self {
    case .sign: "KeySign"
    case .verify: "KeyVerify"
    case .encrypt: "KeyEncrypt"
    case .decrypt: "KeyDecrypt"
    case .wrapKey: "KeyWrap"
    case .unwrapKey: "KeyUnwrap"
    case .release: "KeyRelease"
    case .keyCreate: "KeyCreate"
    case .keyImport: "KeyImport"
    case .keyRead: "KeyGet"
    case .keyList: "KeyList"
    case .keyListVersions: "KeyListVersions"
    case .keyUpdate: "KeyUpdate"
    case .keyDelete: "KeyDelete"
    case .keyReadDeleted: "KeyGetDeleted"
    case .keyListDeleted: "KeyListDeleted"
    case .keyRecover: "KeyRecover"
    case .keyPurge: "KeyPurge"
    case .keyBackup: "KeyBackup"
    case .keyRestore: "KeyRestore"
    case .keyRotate: "KeyRotate"
    case .keyAttest: "KeyAttestationGet"
    case .rotationPolicyRead: "KeyRotationPolicyGet"
    case .rotationPolicyUpdate: "KeyRotationPolicySet"
    case .random: "RandomBytesGet"
    case .roleDefinitionRead: "RoleDefinitionGet"
    case .roleDefinitionList: "RoleDefinitionList"
    case .roleDefinitionWrite: "RoleDefinitionSet"
    case .roleDefinitionDelete: "RoleDefinitionDelete"
    case .roleAssignmentRead: "RoleAssignmentGet"
    case .roleAssignmentList: "RoleAssignmentList"
    case .roleAssignmentCreate: "RoleAssignmentCreate"
    case .roleAssignmentDelete: "RoleAssignmentDelete"
    case .settingRead: "SettingGet"
    case .settingList: "SettingList"
    case .settingUpdate: "SettingUpdate"
    case .backupStart: "BackupCreate"
    case .backupStatus: "BackupStatusGet"
    case .restoreStart: "RestoreCreate"
    case .restoreStatus: "RestoreStatusGet"
    case .domainDownload: "SecurityDomainBackup"
    case .domainDownloadStatus: "SecurityDomainBackupStatusGet"
    case .domainUpload: "SecurityDomainRestore"
    case .domainUploadStatus: "SecurityDomainRestoreStatusGet"
    case .domainTransferKey: "SecurityDomainTransferKeyGet"
    case .tokenIssue, .tokenAuthenticate, .tokenConfirmDevice: "Authentication"
    case .principalRead: "PrincipalGet"
    case .principalList: "PrincipalList"
    case .principalCreate: "PrincipalCreate"
    case .principalUpdate: "PrincipalUpdate"
    case .principalDelete: "PrincipalDelete"
    case .federationCreate: "FederatedCredentialCreate"
    case .federationDelete: "FederatedCredentialDelete"
    case .certificatesRead: "KeyCertificatesGet"
    case .certificatesList: "KeyCertificatesList"
    case .certificatesWrite: "KeyCertificatesSet"
    case .certificatesDelete: "KeyCertificatesDelete"
    case .issuerCreate: "IssuerCreate"
    case .issuerDelete: "IssuerDelete"
    case .auditRead: "AuditGet"
    case .serverStart: "ServerStart"
    case .serverStop: "ServerStop"
    case .integrityFailure: "IntegrityFailure"
    case .unknown: "Unknown"
    }
  }

  /// The last part of the request's path, for operations on one key version.
  var pathVerb: String? {
    switch self {
    case .sign, .verify, .encrypt, .decrypt, .release: rawValue
    case .wrapKey: "wrapkey"
    case .unwrapKey: "unwrapkey"
    case .keyCreate: "create"
    case .keyRotate: "rotate"
    case .keyBackup: "backup"
    default: nil
    }
  }
}
