/// What a request did, found by its path first and by the operation's name second: public documents list few names of a Managed HSM.
package enum LogOperation: String, Sendable, Hashable, CaseIterable {
  case sign, verify, encrypt, decrypt, wrap, unwrap, release, export
  case keyCreate, keyImport, keyRotate, keyBackup, keyRestore, keyRead, keyUpdate, keyDelete, keyPurge, keyRecover, keyList, keyAttest
  /// `/deletedkeys/NAME`, read or purge: the method is not known.
  case deletedKey
  case rotationPolicy
  case domainDownload, domainUpload, domainStatus
  case fullBackup, fullRestore, fullStatus
  case roleAssignmentWrite, roleAssignmentDelete, roleAssignment
  case roleDefinitionWrite, roleDefinition
  case settingWrite, setting
  case certificateCreate
  case storeWrite, storeDelete
  case ekm, authentication, random, integrityFailure, other

  /// Uses the private half of a key so that something leaves.
  package var opensData: Bool { self == .decrypt || self == .unwrap || self == .release }
}

extension LogOperation {
  /// Names of operations, lower case: vaults, Managed HSMs and Hallmark's own records. Extend it with names seen in the field.
  package static let names: [String: LogOperation] = [
    "keysign": .sign, "keyverify": .verify, "keyencrypt": .encrypt, "keydecrypt": .decrypt, "keywrap": .wrap, "keyunwrap": .unwrap,
    "keysecurewrap": .wrap, "keysecureunwrap": .unwrap, "keyrelease": .release, "keyexport": .export, "keycreate": .keyCreate, "keyimport": .keyImport, "keyrotate": .keyRotate,
    "keyrotateifdue": .keyRotate, "keybackup": .keyBackup, "keyrestore": .keyRestore, "keyget": .keyRead, "keyupdate": .keyUpdate,
    "keydelete": .keyDelete, "keypurge": .keyPurge, "keyrecover": .keyRecover, "keylist": .keyList, "keylistversions": .keyList,
    "keygetdeleted": .keyRead, "keylistdeleted": .keyList, "keyattestationget": .keyAttest, "keyrotationpolicyget": .rotationPolicy,
    "keyrotationpolicyset": .rotationPolicy, "authentication": .authentication, "vaultput": .storeWrite, "vaultpatch": .storeWrite,
    "vaultdelete": .storeDelete, "backupcreate": .fullBackup, "restorecreate": .fullRestore, "backupstatusget": .fullStatus,
    "restorestatusget": .fullStatus, "securitydomainbackup": .domainDownload, "securitydomainrestore": .domainUpload,
    "securitydomainbackupstatusget": .domainStatus, "securitydomainrestorestatusget": .domainStatus,
    "securitydomaintransferkeyget": .domainStatus, "roleassignmentcreate": .roleAssignmentWrite, "roleassignmentdelete": .roleAssignmentDelete,
    "roleassignmentget": .roleAssignment, "roleassignmentlist": .roleAssignment, "roledefinitionset": .roleDefinitionWrite,
    "roledefinitionget": .roleDefinition, "roledefinitionlist": .roleDefinition, "settingupdate": .settingWrite, "settingget": .setting,
    "settinglist": .setting, "randombytesget": .random, "certificatecreate": .certificateCreate, "certificateimport": .certificateCreate,
    "integrityfailure": .integrityFailure,
    "wrapkey": .wrap, "unwrapkey": .unwrap, "key.create": .keyCreate, "key.import": .keyImport, "key.read": .keyRead,
    "key.list": .keyList, "key.listversions": .keyList, "key.update": .keyUpdate, "key.delete": .keyDelete, "key.readdeleted": .keyRead,
    "key.listdeleted": .keyList, "key.recover": .keyRecover, "key.purge": .keyPurge, "key.backup": .keyBackup, "key.restore": .keyRestore,
    "key.rotate": .keyRotate, "key.attest": .keyAttest, "rotationpolicy.read": .rotationPolicy, "rotationpolicy.update": .rotationPolicy,
    "roledefinition.read": .roleDefinition, "roledefinition.list": .roleDefinition, "roledefinition.write": .roleDefinitionWrite,
    "roledefinition.delete": .roleDefinition, "roleassignment.read": .roleAssignment, "roleassignment.list": .roleAssignment,
    "roleassignment.create": .roleAssignmentWrite, "roleassignment.delete": .roleAssignmentDelete, "setting.read": .setting,
    "setting.list": .setting, "setting.update": .settingWrite, "backup.start": .fullBackup, "backup.status": .fullStatus,
    "restore.start": .fullRestore, "restore.status": .fullStatus, "securitydomain.download": .domainDownload,
    "securitydomain.downloadstatus": .domainStatus, "securitydomain.upload": .domainUpload, "securitydomain.uploadstatus": .domainStatus,
    "securitydomain.transferkey": .domainStatus, "random.generate": .random, "token.authenticate": .authentication,
    "token.issue": .authentication, "integrity.failure": .integrityFailure, "sign": .sign, "verify": .verify, "encrypt": .encrypt,
    "decrypt": .decrypt, "release": .release,
  ]
}

/// The path of a request, taken apart.
package struct RequestPath: Sendable, Hashable {
  /// Lower case, one slash between segments, none at the end, no query.
  package var normalised: String
  package var operation: LogOperation
  package var key: String?
  package var version: String?
  package var host: String?

  /// Reads a URL or a path. `%2F` is decoded once; slashes collapse. Works on bytes: it is called for every row.
  package init(_ uri: String) {
    var uri = uri
    let parts: (host: String?, segments: [String], lower: [String]) = uri.withUTF8 { raw in
      var start = 0
      let end = raw.firstIndex { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") } ?? raw.count
      var host: String?
      if let scheme = raw[..<min(end, 16)].firstIndex(of: UInt8(ascii: ":")), scheme + 2 < end, raw[scheme + 1] == 0x2F, raw[scheme + 2] == 0x2F {
        let slash = raw[(scheme + 3)..<end].firstIndex(of: 0x2F) ?? end
        var authority = raw[(scheme + 3)..<slash]
        if let colon = authority.lastIndex(of: UInt8(ascii: ":")), authority[(colon + 1)...].allSatisfy({ $0 &- 0x30 < 10 }) { authority = authority[..<colon] }
        host = String(decoding: authority, as: UTF8.self).lowercased()
        start = slash
      }
      var segments: [String] = []
      var lower: [String] = []
      var segment: [UInt8] = []
      func finish() {
        guard !segment.isEmpty else { return }
        let text = String(decoding: segment, as: UTF8.self)
        segments.append(text)
        lower.append(text.lowercased())
        segment.removeAll(keepingCapacity: true)
      }
      var index = start
      while index < end {
        let byte = raw[index]
        if byte == 0x2F {
          finish()
        } else if byte == 0x25, index + 2 < end, raw[index + 1] == 0x32, raw[index + 2] | 0x20 == 0x66 {
          finish()
          index += 2
        } else {
          segment.append(byte)
        }
        index += 1
      }
      finish()
      return (host, segments, lower)
    }
    host = parts.host
    normalised = "/" + parts.lower.joined(separator: "/")
    operation = .other
    classify(parts.segments, parts.lower)
  }

  private mutating func classify(_ segments: [String], _ lower: [String]) {
    if let providers = lower.lastIndex(of: "providers"), providers + 2 < lower.count, lower[providers + 1] == "microsoft.authorization" {
      operation = lower[providers + 2] == "roleassignments" ? .roleAssignment : lower[providers + 2] == "roledefinitions" ? .roleDefinition : .other
      if providers == 2, lower[0] == "keys" { key = segments[1] }
      return
    }
    guard let first = lower.first else { return }
    switch first {
    case "keys": classifyKey(segments, lower)
    case "deletedkeys":
      guard lower.count > 1 else { operation = .keyList; return }
      key = segments[1]
      operation = lower.count > 2 && lower[2] == "recover" ? .keyRecover : .deletedKey
    case "securitydomain":
      let pending = lower.last == "pending"
      operation = pending ? .domainStatus : lower.count == 2 && lower[1] == "download" ? .domainDownload : lower.count == 2 && lower[1] == "upload" && !pending ? .domainUpload : .domainStatus
    case "backup": operation = lower.count == 1 ? .fullBackup : .fullStatus
    case "restore": operation = lower.last == "pending" ? .fullStatus : .fullRestore
    case "prebackup", "prerestore": operation = .fullStatus
    case "settings": operation = .setting
    case "certificates": if let last = lower.last, lower.count == 3, last == "create" || last == "import" { operation = .certificateCreate }
    case "rng": operation = .random
    case let name where name.hasPrefix("ekm"): operation = .ekm
    default: break
    }
  }

  private static let verbs: [String: LogOperation] = [
    "sign": .sign, "verify": .verify, "encrypt": .encrypt, "decrypt": .decrypt, "wrapkey": .wrap, "unwrapkey": .unwrap, "securewrapkey": .wrap,
    "secureunwrapkey": .unwrap, "release": .release, "export": .export, "create": .keyCreate, "import": .keyImport, "rotate": .keyRotate,
    "backup": .keyBackup, "rotationpolicy": .rotationPolicy, "attestation": .keyAttest, "versions": .keyList,
  ]

  private mutating func classifyKey(_ segments: [String], _ lower: [String]) {
    guard lower.count > 1 else { operation = .keyList; return }
    if lower.count == 2, lower[1] == "restore" { operation = .keyRestore; return }
    key = segments[1]
    switch lower.count {
    case 2: operation = .keyRead
    case 3:
      if lower[2] == "restore" { operation = .fullRestore } else if let verb = Self.verbs[lower[2]] { operation = verb } else {
        version = lower[2]
        operation = .keyRead
      }
    case 4:
      version = lower[2]
      operation = Self.verbs[lower[3]] ?? .other
    default: break
    }
  }

  /// The operation, with what name and status say where the method is missing.
  package func operation(named name: String, status: Int?) -> LogOperation { operation(lowerName: name.lowercased(), status: status) }

  func operation(lowerName lower: String, status: Int?) -> LogOperation {
    switch operation {
    case .sign, .verify, .encrypt, .decrypt, .wrap, .unwrap: return operation
    default: break
    }
    let named = LogOperation.names[lower]
    switch operation {
    case .other: return named ?? .other
    case .keyRead, .keyList: return named ?? operation
    case .deletedKey: return named ?? (status == 204 ? .keyPurge : .deletedKey)
    case .roleAssignment:
      if let named { return named }
      if lower.contains("delete") { return .roleAssignmentDelete }
      return status == 201 ? .roleAssignmentWrite : .roleAssignment
    case .roleDefinition:
      if let named { return named }
      return status == 201 ? .roleDefinitionWrite : .roleDefinition
    case .setting:
      if let named { return named }
      let verbs = lower.replacingFirst("settings", "").replacingFirst("setting", "")
      return ["update", "set", "put", "patch", "write"].contains { verbs.contains($0) } ? .settingWrite : .setting
    case .fullBackup, .fullRestore, .domainDownload, .domainUpload:
      if let named, named == .fullStatus || named == .domainStatus { return named }
      return operation
    default: return operation
    }
  }
}

extension String {
  fileprivate func replacingFirst(_ text: String, _ other: String) -> String {
    var index = startIndex
    while index < endIndex {
      if self[index...].hasPrefix(text) { return self[..<index] + other + self[self.index(index, offsetBy: text.count)...] }
      formIndex(after: &index)
    }
    return self
  }
}
