internal import Clocks
internal import DiagnosticLogs
internal import Encodings
internal import Estate

extension WatchEngine {
  /// The rules over one event of the control plane.
  mutating func activity(_ event: ActivityEvent) {
    let target = event.resourceId ?? event.scope ?? ""
    let lower = target.lowercased()
    let caller = event.callerObjectId ?? event.callerAppId ?? event.caller ?? "unknown"
    let store = Self.store(in: lower)
    let person = name(caller.lowercased())
    let evidence = AlertEvidence(source: event.place.source, line: event.place.line, requestId: event.correlationId)
    let body = event.requestBody.flatMap { try? JSONValue.parse($0) }
    let properties = body?["properties"] ?? body
    switch event.operation {
    case "microsoft.authorization/elevateaccess/action" where event.isSuccess:
      raise("HM-D34", store: nil, subject: caller, "\(person) elevated access and now administers every subscription.", time: event.time, evidence: evidence)
    case "microsoft.authorization/locks/delete" where event.isOutcomeOfDeletion && reachesStore(lower):
      raise("HM-D40", store: store, subject: target, "\(person) removed the lock \(target).", time: event.time, evidence: evidence)
    case "microsoft.authorization/policyexemptions/write" where event.isSuccess && reachesStore(lower):
      raise("HM-D41", store: store, subject: target, "\(person) wrote the policy exemption \(target).", time: event.time, evidence: evidence)
    case "microsoft.insights/diagnosticsettings/delete" where event.isOutcomeOfDeletion && reachesStore(lower):
      raise("HM-D25", store: store, subject: store ?? target, "\(person) removed the diagnostic setting \(target).", time: event.time, evidence: evidence)
    case "microsoft.insights/diagnosticsettings/write" where event.isSuccess && reachesStore(lower):
      guard let logs = properties?["logs"]?.array, !logs.contains(where: Self.isAuditing) else { return }
      raise("HM-D25", store: store, subject: store ?? target, "\(person) wrote the diagnostic setting \(target) without audit events.", time: event.time, evidence: evidence)
    case "microsoft.keyvault/managedhsms/delete", "microsoft.keyvault/vaults/delete":
      guard event.isOutcomeOfDeletion else { return }
      raise("HM-D21", store: store, subject: store ?? target, "\(person) deleted the store \(store ?? target).", time: event.time, evidence: evidence)
    case let operation where operation.hasPrefix("microsoft.keyvault/") && operation.hasSuffix("/purge/action"):
      guard event.isOutcomeOfDeletion else { return }
      let gone = lower.split(separator: "/").last.map(String.init)
      raise("HM-D21", store: gone, subject: gone ?? target, "\(person) purged the deleted store \(gone ?? target).", time: event.time, evidence: evidence)
    case "microsoft.keyvault/managedhsms/write", "microsoft.keyvault/vaults/write":
      guard event.isSuccess, let store else { return }
      if properties?["enablePurgeProtection"]?.bool == false {
        raise("HM-D21", store: store, subject: store, "\(person) wrote \(store) without purge protection.", time: event.time, evidence: evidence)
      }
      let opens = properties?["publicNetworkAccess"]?.string?.lowercased() == "enabled" && estate?.snapshot.stores.first { $0.id.lowercased() == store }?.publicNetwork == "Disabled"
      if opens || properties?["networkAcls"]?["defaultAction"]?.string?.lowercased() == "allow" {
        raise("HM-D30", store: store, subject: store, "\(person) opened the network of \(store).", time: event.time, evidence: evidence)
      }
    case "microsoft.authorization/roleassignments/write" where event.isSuccess && reachesStore(lower):
      guard let principal = properties?["principalId"]?.string?.lowercased(), principal == event.callerObjectId else { return }
      raise("HM-D05", store: store, subject: principal, "\(person) assigned a role to itself at \(event.scope ?? target).", time: event.time, evidence: evidence)
    case "microsoft.managedidentity/userassignedidentities/federatedidentitycredentials/write",
      "microsoft.managedidentity/userassignedidentities/federatedidentitycredentials/delete":
      guard event.isOutcomeOfDeletion else { return }
      federation(event, lower, person, properties, evidence)
    default: break
    }
  }

  private mutating func federation(_ event: ActivityEvent, _ resource: String, _ person: String, _ properties: JSONValue?, _ evidence: AlertEvidence) {
    let armId = resource.split(separator: "/").prefix { $0 != "federatedidentitycredentials" }.map { "/" + $0 }.joined()
    let identity = estate?.snapshot.identities.first { $0.armId?.lowercased() == armId }
    var isSigner = purpose(of: LogIdentity(objectId: identity?.objectId.lowercased(), mirid: armId))?.purpose == .signOnly
    if let identity, !isSigner { isSigner = signs(identity.objectId) }
    guard isSigner else { return }
    let issuer = properties?["issuer"]?.string
    var severity = AlertSeverity.high
    if event.operation.hasSuffix("write"), let issuer {
      let credential = InventorySnapshot.Federated(issuer: issuer, subject: properties?["subject"]?.string)
      if isOpenDoor(credential, known: identity?.federated ?? []) { severity = .critical }
    }
    let subject = identity?.objectId ?? armId
    raise(
      "HM-D31", severity, store: nil, subject: subject,
      "\(person) \(event.operation.hasSuffix("delete") ? "removed" : "wrote") a federated credential of the signing identity \(identity?.name ?? armId)\(issuer.map { " (issuer \($0))" } ?? "").",
      time: event.time, evidence: evidence)
  }

  /// Whether anybody can come in by this credential, or from a place nobody came from before.
  func isOpenDoor(_ credential: InventorySnapshot.Federated, known: [InventorySnapshot.Federated]) -> Bool {
    let subject = FederatedSubject(credential)
    if subject.kind == .pullRequest || subject.kind == .wildcard { return true }
    return !known.isEmpty && !known.contains { FederatedSubject.sameIssuer($0.issuer, credential.issuer) }
  }

  /// Whether a principal can sign with any key.
  func signs(_ principal: String) -> Bool { estate?.rights(of: principal).contains { $0.capabilities.contains(.sign) } ?? false }

  private static func isAuditing(_ log: JSONValue) -> Bool {
    guard log["enabled"]?.bool == true || log["enabled"]?.string?.lowercased() == "true" else { return false }
    let name = (log["category"]?.string ?? log["categoryGroup"]?.string ?? "").lowercased()
    return ["auditevent", "audit", "alllogs"].contains(name)
  }

  /// The store a resource id names, itself or above what it names.
  static func store(in resource: String) -> String? {
    let parts = resource.split(separator: "/")
    guard let place = parts.firstIndex(where: { $0 == "vaults" || $0 == "managedhsms" }), parts.indices.contains(place + 1),
      place > 0, parts[place - 1] == "microsoft.keyvault"
    else { return nil }
    return String(parts[place + 1])
  }

  /// Whether the resource is of a store, or its scope lies above a store that the inventory knows.
  private func reachesStore(_ resource: String) -> Bool {
    if Self.store(in: resource) != nil { return true }
    let cut = resource.components(before: "/providers/microsoft.authorization/") ?? resource.components(before: "/providers/microsoft.insights/") ?? resource
    let scope = RightsScope(cut)
    guard let stores = estate?.snapshot.stores else { return false }
    return stores.contains { store in store.armId.map { scope.covers(RightsScope($0)) } ?? false }
  }
}

extension String {
  /// What stands before the last occurrence of a text; nil when it does not occur.
  fileprivate func components(before text: String) -> String? {
    let own = Array(utf8)
    let wanted = Array(text.utf8)
    guard own.count >= wanted.count else { return nil }
    for start in stride(from: own.count - wanted.count, through: 0, by: -1) where own[start..<(start + wanted.count)].elementsEqual(wanted) {
      return String(decoding: own[..<start], as: UTF8.self)
    }
    return nil
  }
}
