import Clocks
import DiagnosticLogs
import Encodings
import Estate

@testable import Watch

/// Recorded data for one case: built line by line, evaluated at a fixed time.
struct History {
  static let now = Instant(seconds: 1_790_000_000)
  static let build = "5f0c0000-0000-4000-8000-000000000001"
  static let human = "5f0c0000-0000-4000-8000-000000000002"
  static let backup = "5f0c0000-0000-4000-8000-000000000003"

  var rows: [LogEntry] = []
  var ledger: [LogRecord] = []
  var before: InventorySnapshot?
  var after: InventorySnapshot?
  var intent: IntentRegister? = History.register
  var streams: Set<WatchStream> = Set(WatchStream.allCases)
  var parameters = WatchParameters()
  private var serial = 0

  init() {}

  static let register = IntentRegister(
    identities: [
      IntentRegister.Entry(
        name: "build", match: .init(objectId: build), purpose: .signOnly, keys: ["fw-sign"],
        hours: Hours(timezone: "UTC", days: Set(Weekday.allCases), from: 0, to: 1439), addresses: [AddressRange("198.51.100.0/24")].compactMap(\.self)),
      IntentRegister.Entry(name: "backup", match: .init(objectId: backup), purpose: .backup),
    ], signingKeys: .init(names: ["fw-sign"]))

  /// A row `ago` seconds before now.
  mutating func row(
    _ operation: String = "KeySign", ago: Int64 = 7200, path: String = "/keys/fw-sign/0f3e/sign", status: Int = 200, by: String? = History.build, from: String? = "198.51.100.7",
    id: String? = nil, agent: String = "hallmark/1.4", result: String? = nil, upn: String? = nil, host: String = "nw-hsm.managedhsm.azure.net"
  ) {
    serial += 1
    var object: JSONObject = [
      "time": .string(ISO8601.format(nanoseconds: Self.now.advanced(bySeconds: -ago).nanoseconds)), "operationName": .string(operation), "category": "AuditEvent",
      "resultType": .string(result ?? (status < 400 ? "Success" : "Failed")), "correlationId": .string(id ?? "row-\(serial)"), "clientInfo": .string(agent), "httpStatusCode": .integer(status),
      "requestUri": .string("https://\(host)\(path)?api-version=7.6"),
      "resourceId": .string("/SUBSCRIPTIONS/S/PROVIDERS/MICROSOFT.KEYVAULT/\(host.contains("managedhsm") ? "MANAGEDHSMS" : "VAULTS")/\(host.split(separator: ".")[0].uppercased())"),
    ]
    if let from { object["callerIpAddress"] = .string(from) }
    if let by {
      var claims: JSONObject = ["oid": .string(by)]
      if let upn { claims["upn"] = .string(upn) }
      object["identity"] = ["claim": .object(claims)]
    }
    if let entry = LogEntry(.object(object), place: LogPlace(source: "log", line: serial)) { rows.append(entry) }
  }

  mutating func event(_ operation: String, ago: Int64 = 7200, resource: String, status: String = "Succeeded", by: String = History.human, body: JSONValue? = nil) {
    serial += 1
    var object: JSONObject = [
      "eventTimestamp": .string(ISO8601.format(nanoseconds: Self.now.advanced(bySeconds: -ago).nanoseconds)), "eventDataId": .string("event-\(serial)"),
      "operationName": ["value": .string(operation)], "status": ["value": .string(status)], "caller": "ops@northwind.example", "resourceId": .string(resource),
      "claims": ["http://schemas.microsoft.com/identity/claims/objectidentifier": .string(by)],
    ]
    if let body { object["properties"] = ["requestbody": .string(body.text())] }
    if let entry = LogEntry(.object(object), place: LogPlace(source: "activity", line: serial)) { rows.append(entry) }
  }

  mutating func note(_ operation: String = "sign", ago: Int64, id: String, purpose: String? = nil, sequence: Int64 = 1, digest: String = "sha256:00") {
    let object: JSONObject = [
      "schema": "hallmark.audit/v1", "sequence": .integer(sequence), "time": .string(ISO8601.format(nanoseconds: Self.now.advanced(bySeconds: -ago).nanoseconds)), "node": "n1",
      "requestId": .string(id), "principal": ["objectId": .string(Self.build), "claims": [:]], "operation": .string(operation), "store": "nw-hsm", "key": "fw-sign",
      "version": "0f3e", "digest": .string(digest), "decision": "allow", "status": 200, "purpose": purpose.map { .string($0) } ?? .null,
    ]
    if let record = LogRecord(hallmark: object, place: LogPlace(source: "ledger", line: Int(sequence))) { ledger.append(record) }
  }

  /// Rows of other people every six hours for so many days: a log without holes.
  mutating func coverage(days: Int64) {
    for step in stride(from: days * 86_400, to: 600, by: -21_600) { row("KeyGet", ago: step, path: "/keys/fw-sign", by: nil, from: "203.0.113.1") }
  }

  func engine(state: WatchState = WatchState()) -> WatchEngine {
    WatchEngine(state: state, parameters: parameters, intent: intent, snapshot: after ?? before, streams: streams) { zone, time in
      guard zone == "UTC" else { return nil }
      let day = (time.seconds / 86_400 + 3) % 7 + 1
      return Weekday(rawValue: Int(day)).map { LocalTime(weekday: $0, minute: Int(time.seconds % 86_400 / 60)) }
    }
  }

  func alerts(reversed: Bool = false, twice: Bool = false) -> [Alert] {
    var engine = engine()
    for record in ledger { engine.observe(ledger: record) }
    for entry in reversed ? rows.reversed() : rows { engine.observe(entry) }
    if twice { for entry in rows { engine.observe(entry) } }
    if let after { engine.sweep(before: before, after: after, now: Self.now) }
    engine.settle(now: Self.now)
    return engine.drain(now: Self.now)
  }

  func rules() -> Set<String> { Set(alerts().map(\.rule)) }

  // MARK: Estates

  static let arm = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.KeyVault/managedHSMs/nw-hsm"

  static func estate(_ change: (inout InventorySnapshot) -> Void = { _ in }) -> InventorySnapshot {
    let when = now.advanced(bySeconds: -200 * 86_400)
    var snapshot = InventorySnapshot(
      takenAt: now.advanced(bySeconds: -600),
      stores: [
        .init(
          id: "nw-hsm", kind: .managedHsm, armId: arm, rbacMode: .local, purgeProtection: true, activation: "Active", publicNetwork: "Disabled", networkDefault: "Deny",
          locks: ["CanNotDelete"], diagnosticSinks: ["a", "b"], visibility: .full)
      ],
      keys: [
        .init(
          store: "nw-hsm", name: "fw-sign", version: "0f3e", kty: "RSA-HSM", keyOps: ["sign", "verify"], enabled: true, created: when, recoveryLevel: "Recoverable",
          rotationPolicy: .init(every: "P1Y"))
      ],
      roles: [.init(store: "nw-hsm", id: "r-1", name: "nw-signer", custom: true, dataActions: ["Microsoft.KeyVault/managedHsm/keys/sign/action"])],
      grants: [
        .init(id: "g-1", store: "nw-hsm", principal: build, via: .localRbac, scope: "/keys/fw-sign", role: "r-1", capabilities: [.sign], since: when),
        .init(id: "g-2", store: "nw-hsm", principal: "group-1", via: .localRbac, scope: "/keys/fw-sign", role: "r-1", capabilities: [.sign], since: when),
      ],
      identities: [
        .init(
          objectId: build, kind: .userAssigned, name: "id-build",
          armId: "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-build",
          federated: [.init(issuer: "https://token.actions.githubusercontent.com", subject: "repo:n/e:environment:ship")], secrets: 0, certificates: 0)
      ], groups: [.init(objectId: "group-1", name: "Signers", members: ["someone"])])
    change(&snapshot)
    return snapshot
  }
}
