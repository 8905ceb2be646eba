import Access
import Audit
import Encodings
import ManagedHSMWire

/// What a handler answers: a body and a status, and headers beyond the common ones.
struct Answer: Sendable {
  var status: Int
  var body: [UInt8]
  var headers: [(name: String, value: String)]
  /// Other than JSON.
  var contentType: String?

  init(_ body: [UInt8], status: Int = 200, headers: [(name: String, value: String)] = [], contentType: String? = nil) {
    self.body = body
    self.status = status
    self.headers = headers
    self.contentType = contentType
  }

  init(_ object: JSONObject, status: Int = 200, headers: [(name: String, value: String)] = []) {
    self.init(JSONValue.object(object).serialized(), status: status, headers: headers)
  }
}

/// What one route and method mean: the record's operation, where the work runs, and the work.
struct Plan: Sendable {
  typealias Handler = @Sendable (Authenticated<Call>, inout AuditNotes) throws(RouteFailure) -> Answer

  enum Work: Sendable {
    case handler(Lanes.Lane, Handler)
    case sign(name: String, version: String?)
    case verify(name: String, version: String?)
  }

  let operation: AuditOperation
  let work: Work
  /// Before activation only the security domain's download works.
  let beforeActivation: Bool

  init(_ operation: AuditOperation, beforeActivation: Bool = false, on lane: Lanes.Lane = .state, _ handler: @escaping Handler) {
    self.operation = operation
    self.beforeActivation = beforeActivation
    work = .handler(lane, handler)
  }

  init(_ operation: AuditOperation, _ work: Work) {
    self.operation = operation
    self.beforeActivation = false
    self.work = work
  }
}

extension DataPlane {
  /// The table of the data plane. Nil: the path exists, the method does not.
  func plan(_ route: Route, method: String) -> Plan? {
    switch (route, method) {
    case (.keyOperation(let name, let version, .sign), "POST"): Plan(.sign, .sign(name: name, version: version))
    case (.keyOperation(let name, let version, .verify), "POST"): Plan(.verify, .verify(name: name, version: version))
    case (.keyOperation(let name, _, let verb), "POST"): unserved(verb, name: name)

    case (.keys, "GET"): Plan(.keyList) { [k = keyRoutes] c, n throws(RouteFailure) in Answer(try k.list(c, &n)) }
    case (.key(let name, let version), "GET"):
      Plan(.keyRead) { [k = keyRoutes] c, n throws(RouteFailure) in Answer(try k.get(c, &n, name: name, version: version)) }
    case (.key(let name, let version), "PATCH"):
      Plan(.keyUpdate) { [k = keyRoutes] c, n throws(RouteFailure) in Answer(try k.update(c, &n, name: name, version: version)) }
    case (.key(let name, nil), "PUT"):
      Plan(.keyImport, on: .crypto) { [k = keyRoutes] c, n throws(RouteFailure) in Answer(try k.importKey(c, &n, name: name)) }
    case (.key(let name, nil), "DELETE"):
      Plan(.keyDelete) { [k = keyRoutes] c, n throws(RouteFailure) in Answer(try k.delete(c, &n, name: name)) }
    case (.keyCreate(let name), "POST"):
      Plan(.keyCreate, on: .crypto) { [k = keyRoutes] c, n throws(RouteFailure) in Answer(try k.create(c, &n, name: name)) }
    case (.keyVersions(let name), "GET"):
      Plan(.keyListVersions) { [k = keyRoutes] c, n throws(RouteFailure) in Answer(try k.versions(c, &n, name: name)) }
    case (.keyRotate(let name), "POST"):
      Plan(.keyRotate, on: .crypto) { [k = keyRoutes] c, n throws(RouteFailure) in Answer(try k.rotate(c, &n, name: name)) }
    case (.keyRotationPolicy(let name), "GET"):
      Plan(.rotationPolicyRead) { [k = keyRoutes] c, n throws(RouteFailure) in Answer(try k.rotationPolicy(c, &n, name: name)) }
    case (.keyRotationPolicy(let name), "PUT"):
      Plan(.rotationPolicyUpdate) { [k = keyRoutes] c, n throws(RouteFailure) in Answer(try k.setRotationPolicy(c, &n, name: name)) }
    case (.keyBackup(let name), "POST"): unserved(.keyBackup, .keysBackup, key: name, "Backup of keys")
    case (.keyRestore, "POST"): unserved(.keyRestore, .keysRestore, key: nil, "Restore of keys")
    case (.keySelectiveRestore(let name), "PUT"): unserved(.restoreStart, .restoreStart, key: name, "Selective restore")
    case (.keyAttestation(let name, _), "GET"): unserved(.keyAttest, .keysRead, key: name, "Key attestation")

    case (.deletedKeys, "GET"): Plan(.keyListDeleted) { [k = keyRoutes] c, n throws(RouteFailure) in Answer(try k.listDeleted(c, &n)) }
    case (.deletedKey(let name), "GET"):
      Plan(.keyReadDeleted) { [k = keyRoutes] c, n throws(RouteFailure) in Answer(try k.getDeleted(c, &n, name: name)) }
    case (.deletedKey(let name), "DELETE"):
      Plan(.keyPurge) { [k = keyRoutes] c, n throws(RouteFailure) in
        try k.purge(c, &n, name: name)
        return Answer([], status: 204)
      }
    case (.deletedKeyRecover(let name), "POST"):
      Plan(.keyRecover) { [k = keyRoutes] c, n throws(RouteFailure) in Answer(try k.recover(c, &n, name: name)) }
    case (.random, "POST"): Plan(.random) { [k = keyRoutes] c, n throws(RouteFailure) in Answer(try k.random(c, &n)) }

    case (.roleDefinitions(let scope), "GET"):
      Plan(.roleDefinitionList) { [r = roleRoutes] c, n throws(RouteFailure) in Answer(try r.listDefinitions(c, &n, scope: scope)) }
    case (.roleDefinition(let scope, let id), "GET"):
      Plan(.roleDefinitionRead) { [r = roleRoutes] c, n throws(RouteFailure) in Answer(try r.getDefinition(c, &n, scope: scope, id: id)) }
    case (.roleDefinition(let scope, let id), "PUT"):
      Plan(.roleDefinitionWrite) { [r = roleRoutes] c, n throws(RouteFailure) in
        Answer(try r.putDefinition(c, &n, scope: scope, id: id), status: 201)
      }
    case (.roleDefinition(let scope, let id), "DELETE"):
      Plan(.roleDefinitionDelete) { [r = roleRoutes] c, n throws(RouteFailure) in Answer(try r.deleteDefinition(c, &n, scope: scope, id: id)) }
    case (.roleAssignments(let scope), "GET"):
      Plan(.roleAssignmentList) { [r = roleRoutes] c, n throws(RouteFailure) in Answer(try r.listAssignments(c, &n, scope: scope)) }
    case (.roleAssignment(let scope, let id), "GET"):
      Plan(.roleAssignmentRead) { [r = roleRoutes] c, n throws(RouteFailure) in Answer(try r.getAssignment(c, &n, scope: scope, id: id)) }
    case (.roleAssignment(let scope, let id), "PUT"):
      Plan(.roleAssignmentCreate) { [r = roleRoutes] c, n throws(RouteFailure) in
        Answer(try r.putAssignment(c, &n, scope: scope, id: id), status: 201)
      }
    case (.roleAssignment(let scope, let id), "DELETE"):
      Plan(.roleAssignmentDelete) { [r = roleRoutes] c, n throws(RouteFailure) in Answer(try r.deleteAssignment(c, &n, scope: scope, id: id)) }

    case (.settings, "GET"): Plan(.settingList) { [s = settingRoutes] c, n throws(RouteFailure) in Answer(try s.list(c, &n)) }
    case (.setting(let name), "GET"): Plan(.settingRead) { [s = settingRoutes] c, n throws(RouteFailure) in Answer(try s.get(c, &n, name: name)) }
    case (.setting(let name), "PATCH"):
      Plan(.settingUpdate) { [s = settingRoutes] c, n throws(RouteFailure) in Answer(try s.update(c, &n, name: name)) }

    case (.securityDomainDownload, "POST"):
      Plan(.domainDownload, beforeActivation: true, on: .crypto) { [d = domainRoutes] c, n throws(RouteFailure) in try d.download(c, &n) }
    case (.securityDomainDownloadPending, "GET"):
      Plan(.domainDownloadStatus, beforeActivation: true) { [d = domainRoutes] c, n throws(RouteFailure) in try d.downloadStatus(c, &n) }
    case (.securityDomainUpload, "GET"): unserved(.domainTransferKey, .securityDomainTransferKeyRead, key: nil, "Recovery of a security domain")
    case (.securityDomainUpload, "POST"): unserved(.domainUpload, .securityDomainUpload, key: nil, "Recovery of a security domain")
    case (.securityDomainUploadPending, "GET"):
      unserved(.domainUploadStatus, .securityDomainUploadRead, key: nil, "Recovery of a security domain")

    case (.backup, "POST"), (.prebackup, "POST"): unserved(.backupStart, .backupStart, key: nil, "Full backup")
    case (.backupPending, "GET"): unserved(.backupStatus, .backupStatus, key: nil, "Full backup")
    case (.restore, "PUT"), (.prerestore, "PUT"): unserved(.restoreStart, .restoreStart, key: nil, "Full restore")
    case (.restorePending, "GET"): unserved(.restoreStatus, .restoreStatus, key: nil, "Full restore")
    default: nil
    }
  }

  private func unserved(_ verb: Route.CryptographicVerb, name: String) -> Plan? {
    switch verb {
    case .encrypt: unserved(.encrypt, .keysEncrypt, key: name, "Encryption")
    case .decrypt: unserved(.decrypt, .keysDecrypt, key: name, "Decryption")
    case .wrapKey: unserved(.wrapKey, .keysWrap, key: name, "Key wrapping")
    case .unwrapKey: unserved(.unwrapKey, .keysUnwrap, key: name, "Key unwrapping")
    case .release: unserved(.release, .keysRelease, key: name, "Secure key release")
    case .sign, .verify: nil
    }
  }

  /// A route of the service that this version does not perform: the right is checked and recorded as always, then it says so.
  private func unserved(_ operation: AuditOperation, _ action: DataAction, key: String?, _ what: String) -> Plan {
    Plan(operation) { [gate, keyRoutes] call, notes throws(RouteFailure) in
      let scope: Scope = if let key { .key(try keyRoutes.keyName(key, &notes)) } else { action == .keysRestore ? .keys : .root }
      _ = try gate.permit(call, action, scope, &notes)
      throw .wire(WireError(501, "NotSupported", "\(what) is not supported by this version of the service"))
    }
  }
}
