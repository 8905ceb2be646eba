import Clocks
import Encodings
import Estate
import Testing

@testable import Watch

/// Each detection with a history that fires it and one that is nearly the same and must not.
struct Detection: Sendable, CustomTestStringConvertible {
  let rule: String
  let severity: AlertSeverity
  let fires: @Sendable (inout History) -> Void
  let nearMiss: @Sendable (inout History) -> Void

  var testDescription: String { rule }

  init(_ rule: String, _ severity: AlertSeverity, fires: @escaping @Sendable (inout History) -> Void, nearMiss: @escaping @Sendable (inout History) -> Void) {
    self.rule = rule
    self.severity = severity
    self.fires = fires
    self.nearMiss = nearMiss
  }

  static func sweep(_ rule: String, _ severity: AlertSeverity, fires: @escaping @Sendable (inout InventorySnapshot) -> Void, nearMiss: @escaping @Sendable (inout InventorySnapshot) -> Void) -> Detection {
    Detection(rule, severity) { history in
      history.before = History.estate()
      history.after = History.estate(fires)
    } nearMiss: { history in
      history.before = History.estate()
      history.after = History.estate(nearMiss)
    }
  }

  static let day: Int64 = 86_400
  static let fic = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-build/federatedIdentityCredentials/x"

  static let audit: [Detection] = [
    Detection("HM-D01", .critical) { $0.row("?", path: "/securitydomain/download", status: 202) } nearMiss: {
      $0.row("?", path: "/securitydomain/download/pending")
      $0.row("?", path: "/securitydomain/download", status: 403)
    },
    Detection("HM-D02", .critical) { $0.row("?", path: "/securitydomain/upload", status: 202) } nearMiss: { $0.row("?", path: "/securitydomain/upload/pending") },
    Detection("HM-D04", .high) { $0.row("?", path: "/keys/providers/Microsoft.Authorization/roleAssignments/0a", status: 201) } nearMiss: {
      $0.row("?", path: "/keys/fw-sign/providers/Microsoft.Authorization/roleAssignments/0a", status: 201)
      $0.row("?", path: "/providers/Microsoft.Authorization/roleAssignments/0b", status: 200)
    },
    Detection("HM-D05", .critical) {
      $0.row("?", path: "/keys/fw-sign/providers/Microsoft.Authorization/roleAssignments/g-9", status: 201, by: History.human)
      $0.before = History.estate()
      $0.after = History.estate { $0.grants.append(.init(id: "g-9", store: "nw-hsm", principal: History.human, via: .localRbac, scope: "/keys/fw-sign", role: "r-1", capabilities: [.sign])) }
    } nearMiss: {
      $0.row("?", path: "/keys/fw-sign/providers/Microsoft.Authorization/roleAssignments/g-9", status: 201, by: History.human)
      $0.before = History.estate()
      $0.after = History.estate { $0.grants.append(.init(id: "g-9", store: "nw-hsm", principal: "someone", via: .localRbac, scope: "/keys/fw-sign", role: "r-1", capabilities: [.sign])) }
    },
    Detection("HM-D08", .critical) { $0.row("KeyUnwrap", path: "/keys/fw-sign/0f3e/unwrapkey") } nearMiss: { $0.row("KeyUnwrap", path: "/keys/fw-sign/0f3e/unwrapkey", by: History.human) },
    Detection("HM-D08", .high) { $0.row("KeyDecrypt", path: "/keys/fw-sign/0f3e/decrypt", status: 403) } nearMiss: { $0.row("KeyEncrypt", path: "/keys/fw-sign/0f3e/encrypt", status: 403) },
    Detection("HM-D09", .medium) {
      $0.intent?.identities[0].hours = Hours(timezone: "UTC", days: [], from: 0, to: 1)
      $0.row()
    } nearMiss: {
      $0.intent?.identities[0].hours = Hours(timezone: "No/Where", days: [], from: 0, to: 1)
      $0.row()
    },
    Detection("HM-D10", .high) { $0.row(from: "203.0.113.9") } nearMiss: {
      $0.row(from: nil)
      $0.row(from: "203.0.113.9", id: "x", agent: "a", host: "kv.vault.azure.net")
      $0.rows.removeLast()
      $0.row(status: 403, from: "203.0.113.9")
    },
    Detection("HM-D11", .medium) { history in for i in 0..<80 { history.row(ago: 7200 - Int64(i % 60)) } } nearMiss: { history in for i in 0..<40 { history.row(ago: 7200 - Int64(i)) } },
    Detection("HM-D12", .medium) {
      $0.coverage(days: 95)
      $0.row(ago: 300)
    } nearMiss: {
      $0.coverage(days: 60)
      $0.row(ago: 300)
    },
    Detection("HM-D13", .medium) {
      $0.row(ago: 50 * day)
      $0.row(ago: 3600)
    } nearMiss: {
      $0.row(ago: 44 * day)
      $0.row(ago: 3600)
    },
    Detection("HM-D17", .high) { $0.row(by: History.human, upn: "ops@northwind.example") } nearMiss: { $0.row(path: "/keys/my-own/0f/sign", by: History.human, upn: "ops@northwind.example") },
    Detection("HM-D18", .medium) { history in
      for i in 0..<4 { history.row(ago: 7200 - Int64(i)) }
      history.row(ago: 100, agent: "python-requests/2.32")
    } nearMiss: { history in
      for i in 0..<4 { history.row(ago: 7200 - Int64(i)) }
      history.row(ago: 100, agent: "hallmark/1.5 (d=00)")
    },
    Detection("HM-D19", .low) { $0.row(path: "/keys/fw-sign/sign") } nearMiss: { $0.row(path: "/keys/fw-sign/sign", host: "kv.vault.azure.net") },
    Detection("HM-D20", .critical) { $0.row("?", path: "/deletedkeys/fw-sign", status: 204) } nearMiss: { $0.row("?", path: "/deletedkeys/fw-sign", status: 200) },
    Detection("HM-D20", .high) { $0.row("KeyDelete", path: "/keys/fw-sign") } nearMiss: { $0.row("KeyDelete", path: "/keys/fw-sign", status: 403) },
    Detection("HM-D22", .high) { $0.row("BackupCreate", path: "/backup", status: 202) } nearMiss: { $0.row("BackupCreate", path: "/backup", status: 202, by: History.backup) },
    Detection("HM-D24", .high) { $0.row("SettingUpdate", path: "/settings/AllowKeyManagementOperationsThroughARM") } nearMiss: {
      $0.row("SettingGet", path: "/settings/AllowKeyManagementOperationsThroughARM")
      $0.row("SettingUpdate", path: "/settings/Other")
    },
    Detection("HM-D28", .medium) { history in for i in 0..<10 { history.row(ago: 7200 - Int64(i * 20), status: 403) } } nearMiss: { history in
      for i in 0..<10 { history.row(ago: 7200 - Int64(i * 60), status: 403) }
      for i in 0..<20 { history.row("Authentication", ago: 3600 - Int64(i), path: "/", status: 401, by: nil) }
    },
    Detection("HM-D28", .high) { history in for i in 0..<10 { history.row(ago: 7200 - Int64(i), status: 403, by: "who-\(i)") } } nearMiss: { history in
      for i in 0..<9 { history.row(ago: 7200 - Int64(i), status: 403, by: "who-\(i)") }
    },
    Detection("HM-D29", .info) { $0.row(status: 403, result: "Success") } nearMiss: { $0.row("Authentication", path: "/", status: 401, by: nil, result: "Success") },
    Detection("HM-D37", .medium) {
      $0.coverage(days: 60)
      $0.row("BackupCreate", ago: 40 * day, path: "/backup", status: 202, by: History.backup)
    } nearMiss: {
      $0.coverage(days: 60)
      $0.row("BackupCreate", ago: 20 * day, path: "/backup", status: 202, by: History.backup)
    },
    Detection("HM-D38", .medium) {
      $0.row("?", ago: 190 * day, path: "/securitydomain/upload", status: 202)
      $0.row()
    } nearMiss: {
      $0.row("?", ago: 170 * day, path: "/securitydomain/upload", status: 202)
      $0.row()
    },
    Detection("HM-D39", .critical) { history in
      for i in 0..<3 { history.row("CertificateCreate", ago: 7260, path: "/certificates/c\(i)/create", id: "c\(i)", host: "kv.vault.azure.net") }
      history.row("?", path: "/securitydomain/download", status: 202)
    } nearMiss: { history in
      for i in 0..<3 { history.row("CertificateCreate", ago: 7300 + Int64(i) * 3600, path: "/certificates/c\(i)/create", host: "kv.vault.azure.net") }
      history.row("?", path: "/securitydomain/download", status: 202)
    },
    Detection("HM-D42", .high) { $0.row("KeyAttestationGet", path: "/keys/fw-sign/0f3e/attestation", status: 404) } nearMiss: { $0.row("KeyAttestationGet", path: "/keys/fw-sign/0f3e/attestation", status: 403) },
    Detection("HM-D45", .high) {
      $0.row("KeyDelete", ago: 7200, path: "/keys/fw-sign")
      $0.row("KeyCreate", ago: 7100, path: "/keys/fw-sign/create")
    } nearMiss: {
      $0.row("KeyDelete", ago: 7200, path: "/keys/fw-sign")
      $0.row("KeyRecover", ago: 7150, path: "/deletedkeys/fw-sign/recover")
      $0.row("KeyCreate", ago: 7100, path: "/keys/fw-sign/create")
    },
  ]

  static let ledger: [Detection] = [
    Detection("HM-D15", .critical) { $0.row(ago: 25 * 3600, id: "foreign") } nearMiss: {
      $0.row(ago: 25 * 3600, id: "ours")
      $0.note(ago: 25 * 3600, id: "ours")
      $0.row(ago: 3600, id: "young")
      // A retry whose first try signed too.
      $0.row(ago: 26 * 3600, id: "first", agent: "hallmark/1 (d=aa)")
      $0.row(ago: 26 * 3600 - 5, id: "second", agent: "hallmark/1 (d=aa)")
      $0.note(ago: 26 * 3600 - 5, id: "second", sequence: 2)
    },
    Detection("HM-D16", .high) {
      $0.row(ago: 26 * 3600, id: "a")
      $0.note(ago: 26 * 3600, id: "a")
      $0.note(ago: 25 * 3600, id: "lost", sequence: 2)
      $0.row("KeyGet", ago: 600, path: "/keys/fw-sign")
    } nearMiss: {
      $0.row(ago: 26 * 3600, id: "a")
      $0.note(ago: 26 * 3600, id: "a")
      $0.note(ago: 23 * 3600, id: "young", sequence: 2)
      $0.row("KeyGet", ago: 600, path: "/keys/fw-sign")
    },
    Detection("HM-D26", .high) {
      $0.row("KeyGet", ago: 600, path: "/keys/fw-sign")
      $0.note("key.list", ago: 1500, id: "heartbeat", purpose: "canary")
    } nearMiss: {
      $0.row("KeyList", ago: 1490, path: "/keys", id: "heartbeat")
      $0.note("key.list", ago: 1500, id: "heartbeat", purpose: "canary")
      $0.note("key.list", ago: 900, id: "young", purpose: "canary", sequence: 2)
    },
    Detection("HM-D26", .high) {
      $0.row("KeyGet", ago: 9000, path: "/keys/fw-sign")
      $0.note(ago: 3600, id: "busy")
    } nearMiss: { $0.row("KeyGet", ago: 9000, path: "/keys/fw-sign") },
    Detection("HM-D27", .critical) {
      $0.note(ago: 3600, id: "a", sequence: 4)
      $0.note(ago: 3600, id: "a", sequence: 4, digest: "sha256:11")
    } nearMiss: {
      $0.note(ago: 3600, id: "a", sequence: 4)
      $0.note(ago: 3600, id: "a", sequence: 4)
    },
    Detection("HM-D43", .low) {
      $0.row(ago: 7200, id: "skewed")
      $0.note(ago: 7000, id: "skewed")
    } nearMiss: {
      $0.row(ago: 7200, id: "skewed")
      $0.note(ago: 7090, id: "skewed")
    },
  ]

  static let activity: [Detection] = [
    Detection("HM-D05", .critical) { $0.event("Microsoft.Authorization/roleAssignments/write", resource: History.arm + "/providers/Microsoft.Authorization/roleAssignments/1", body: ["properties": ["principalId": .string(History.human)]]) }
      nearMiss: { $0.event("Microsoft.Authorization/roleAssignments/write", resource: History.arm + "/providers/Microsoft.Authorization/roleAssignments/1", body: ["properties": ["principalId": "other"]]) },
    Detection("HM-D21", .critical) { $0.event("Microsoft.KeyVault/managedHSMs/delete", resource: History.arm) } nearMiss: { $0.event("Microsoft.KeyVault/managedHSMs/delete", resource: History.arm, status: "Failed") },
    Detection("HM-D25", .critical) { $0.event("Microsoft.Insights/diagnosticSettings/delete", resource: History.arm + "/providers/microsoft.insights/diagnosticSettings/d") } nearMiss: {
      $0.event("Microsoft.Insights/diagnosticSettings/delete", resource: "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Web/sites/w/providers/microsoft.insights/diagnosticSettings/d")
      $0.event("Microsoft.Insights/diagnosticSettings/write", resource: History.arm + "/providers/microsoft.insights/diagnosticSettings/d", body: ["properties": ["logs": [["categoryGroup": "audit", "enabled": true]]]])
    },
    Detection("HM-D25", .critical) {
      $0.event("Microsoft.Insights/diagnosticSettings/write", resource: History.arm + "/providers/microsoft.insights/diagnosticSettings/d", body: ["properties": ["logs": [["category": "AuditEvent", "enabled": false]]]])
    } nearMiss: { $0.event("Microsoft.Insights/diagnosticSettings/write", resource: History.arm + "/providers/microsoft.insights/diagnosticSettings/d") },
    Detection("HM-D31", .critical) {
      $0.after = History.estate()
      $0.event("Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write", resource: fic, body: ["properties": ["issuer": "https://token.actions.githubusercontent.com", "subject": "repo:n/e:pull_request"]])
    } nearMiss: {
      $0.after = History.estate()
      $0.event("Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write", resource: fic.replacing("id-build", with: "id-web"))
    },
    Detection("HM-D34", .critical) { $0.event("Microsoft.Authorization/elevateAccess/action", resource: "/providers/Microsoft.Authorization") } nearMiss: {
      $0.event("Microsoft.Authorization/elevateAccess/action", resource: "/providers/Microsoft.Authorization", status: "Started")
    },
    Detection("HM-D40", .high) {
      $0.after = History.estate()
      $0.event("Microsoft.Authorization/locks/delete", resource: "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Authorization/locks/l")
    } nearMiss: {
      $0.after = History.estate()
      $0.event("Microsoft.Authorization/locks/delete", resource: "/subscriptions/s/resourceGroups/rg2/providers/Microsoft.Authorization/locks/l")
    },
    Detection("HM-D41", .medium) { $0.event("Microsoft.Authorization/policyExemptions/write", resource: History.arm + "/providers/Microsoft.Authorization/policyExemptions/p") } nearMiss: {
      $0.event("Microsoft.Authorization/policyExemptions/write", resource: "/subscriptions/s/providers/Microsoft.Authorization/policyExemptions/p")
    },
  ]

  static let sweeps: [Detection] = [
    sweep("HM-D02", .critical) { $0.stores[0].activation = "SecurityDomainRestore" } nearMiss: { _ in },
    sweep("HM-D03", .high) { $0.stores[0].activation = "NotActivated" } nearMiss: { $0.stores[0].activation = "Unknown" },
    sweep("HM-D04", .high) { $0.grants.append(.init(id: "g-7", store: "nw-hsm", principal: "x", via: .localRbac, scope: "/", role: "r-1")) } nearMiss: {
      $0.grants.append(.init(id: "g-7", store: "nw-hsm", principal: "x", via: .localRbac, scope: "/keys/fw-sign", role: "r-1"))
    },
    sweep("HM-D06", .high) {
      $0.roles.append(.init(store: "nw-hsm", id: "r-2", name: "w", custom: true, dataActions: ["Microsoft.KeyVault/managedHsm/keys/unwrap/action"]))
      $0.grants.append(.init(id: "g-6", store: "nw-hsm", principal: History.build, via: .localRbac, scope: "/keys/fw-sign", role: "r-2", capabilities: [.unwrap]))
    } nearMiss: {
      $0.roles.append(.init(store: "nw-hsm", id: "r-2", name: "w", custom: true, dataActions: ["Microsoft.KeyVault/managedHsm/keys/verify/action"]))
      $0.grants.append(.init(id: "g-6", store: "nw-hsm", principal: History.build, via: .localRbac, scope: "/keys/fw-sign", role: "r-2", capabilities: [.verify]))
    },
    sweep("HM-D07", .high) { $0.roles[0].dataActions.append("Microsoft.KeyVault/managedHsm/keys/decrypt/action") } nearMiss: { $0.roles[0].dataActions.append("Microsoft.KeyVault/managedHsm/keys/verify/action") },
    sweep("HM-D20", .high) { $0.keys[0].deleted = true } nearMiss: { $0.keys[0].enabled = false },
    sweep("HM-D21", .critical) { $0.stores[0].purgeProtection = false } nearMiss: { $0.stores[0].purgeProtection = nil },
    sweep("HM-D21", .critical) { $0.keys[0].recoveryLevel = "Recoverable+Purgeable" } nearMiss: { $0.keys[0].recoveryLevel = "CustomizedRecoverable" },
    sweep("HM-D23", .high) { $0.keys[0].keyOps = ["sign", "verify", "decrypt"] } nearMiss: { $0.keys[0].keyOps = ["verify", "sign"] },
    sweep("HM-D25", .critical) { $0.stores[0].diagnosticSinks = ["a"] } nearMiss: { $0.stores[0].diagnosticSinks = nil },
    sweep("HM-D30", .high) { $0.stores[0].publicNetwork = "Enabled" } nearMiss: { $0.stores[0].publicNetwork = nil },
    sweep("HM-D31", .critical) { $0.identities[0].federated?.append(.init(issuer: "https://gitlab.com", subject: "project_path:n/e:ref_type:branch:ref:main")) } nearMiss: { $0.identities[0].federated = nil },
    sweep("HM-D32", .high) { $0.identities[0].secrets = 1 } nearMiss: { $0.identities[0].secrets = nil },
    sweep("HM-D33", .high) { $0.groups[0].members?.append("new") } nearMiss: { $0.groups[0].members = [] },
    sweep("HM-D35", .medium) { $0.keys[0].rotationPolicy = .init(every: "P90D") } nearMiss: { $0.keys[0].rotationPolicy = nil },
    sweep("HM-D36", .medium) { estate in for i in 0..<79 { estate.keys.append(.init(store: "nw-hsm", name: "fw-sign", version: "v\(i)", enabled: true)) } } nearMiss: { estate in
      for i in 0..<78 { estate.keys.append(.init(store: "nw-hsm", name: "fw-sign", version: "v\(i)", enabled: true)) }
    },
    sweep("HM-D39", .critical) { estate in for i in 0..<3 { estate.keys.append(.init(store: "kv", name: "quorum-\(i)", version: "1", created: History.now)) } } nearMiss: { estate in
      for i in 0..<3 { estate.keys.append(.init(store: "kv", name: "quorum-\(i)", version: "1", created: History.now.advanced(bySeconds: -3600 * Int64(i)))) }
    },
    sweep("HM-D40", .high) { $0.stores[0].locks = [] } nearMiss: { $0.stores[0].locks = nil },
    sweep("HM-D42", .high) { $0.keys[0].tags = ["hallmark.attestation": "foreign"] } nearMiss: { $0.keys[0].tags = ["hallmark.attestation": "verified"] },
    sweep("HM-D44", .high) { $0.stores[0].visibility = .denied } nearMiss: { $0.stores[0].visibility = .partial },
    Detection("HM-D45", .high) {
      $0.before = History.estate { $0.keys[0].deleted = true }
      $0.after = History.estate { estate in
        estate.keys[0].deleted = true
        estate.keys.append(.init(store: "nw-hsm", name: "fw-sign", version: "new", enabled: true, created: History.now))
      }
    } nearMiss: {
      $0.before = History.estate()
      $0.after = History.estate { $0.keys.append(.init(store: "nw-hsm", name: "fw-sign", version: "new", enabled: true, created: History.now)) }
    },
    Detection("HM-D14", .low) {
      $0.coverage(days: 95)
      $0.after = History.estate()
    } nearMiss: {
      $0.coverage(days: 95)
      $0.after = History.estate { $0.grants.removeLast() }
      $0.row(ago: 30 * day)
    },
  ]
}

@Suite struct DetectionTests {
  @Test(arguments: Detection.audit + Detection.ledger + Detection.activity + Detection.sweeps)
  func `the rule fires on its history`(detection: Detection) throws {
    var history = History()
    detection.fires(&history)
    let alerts = history.alerts().filter { $0.rule == detection.rule }
    #expect(alerts.contains { $0.severity == detection.severity && !$0.evidence.isEmpty && !$0.summary.isEmpty })
  }

  @Test(arguments: Detection.audit + Detection.ledger + Detection.activity + Detection.sweeps)
  func `the rule is silent on the near miss`(detection: Detection) {
    var history = History()
    detection.nearMiss(&history)
    let alerts = history.alerts().filter { $0.rule == detection.rule && $0.severity == detection.severity }
    #expect(alerts == [])
  }

  @Test(arguments: Detection.audit + Detection.ledger + Detection.activity)
  func `rows that come twice change nothing`(detection: Detection) {
    var history = History()
    detection.fires(&history)
    #expect(history.alerts(twice: true) == history.alerts())
  }

  @Test(arguments: (Detection.audit + Detection.ledger + Detection.activity).filter { !["HM-D12", "HM-D13", "HM-D18", "HM-D39", "HM-D45"].contains($0.rule) })
  func `rows that come late, in the other order, fire all the same`(detection: Detection) {
    var history = History()
    detection.fires(&history)
    #expect(history.alerts(reversed: true).contains { $0.rule == detection.rule && $0.severity == detection.severity })
  }

  @Test(arguments: Detection.audit + Detection.ledger + Detection.activity + Detection.sweeps)
  func `a restart in the middle loses nothing and repeats nothing`(detection: Detection) throws {
    var history = History()
    detection.fires(&history)
    let whole = history.alerts()
    var engine = history.engine()
    for record in history.ledger { engine.observe(ledger: record) }
    var collected: [Alert] = []
    for entry in history.rows {
      engine.observe(entry)
      if history.rows.count < 100 { engine = history.engine(state: try WatchState(json: engine.state.serialized())) }
    }
    engine = history.engine(state: try WatchState(json: engine.state.serialized()))
    if let after = history.after { engine.sweep(before: history.before, after: after, now: History.now) }
    engine.settle(now: History.now)
    collected += engine.drain(now: History.now)
    #expect(Set(collected.map(\.id)) == Set(whole.map(\.id)) && collected.count == whole.count)
    engine = history.engine(state: try WatchState(json: engine.state.serialized()))
    for entry in history.rows { engine.observe(entry) }
    engine.settle(now: History.now)
    #expect(engine.drain(now: History.now).isEmpty)
  }

  @Test func `every rule of the catalogue has a case`() {
    let cases = Set((Detection.audit + Detection.ledger + Detection.activity + Detection.sweeps).map(\.rule))
    #expect(Set(WatchRule.catalogue.map(\.id)).subtracting(cases).isEmpty && WatchRule.catalogue.count == 45)
  }

  @Test func `without a register nothing is said about what identities are for`() {
    var history = History()
    history.intent = nil
    history.row("KeyUnwrap", path: "/keys/fw-sign/0f3e/unwrapkey", from: "203.0.113.9")
    history.row(from: "203.0.113.9", upn: "ops@northwind.example")
    #expect(history.rules() == [])
  }

  @Test func `without a ledger no signature is foreign, without a log none is missing`() {
    var history = History()
    history.streams = [.audit]
    history.row(ago: 30 * 3600)
    #expect(!history.rules().contains("HM-D15"))
    var other = History()
    other.streams = [.ledger]
    other.note(ago: 30 * 3600, id: "a")
    other.note("key.list", ago: 3600, id: "c", purpose: "canary", sequence: 2)
    #expect(other.rules() == [])
  }

  @Test func `a private address outside the list alerts and is called private`() {
    var history = History()
    history.row(from: "10.1.2.3")
    #expect(history.alerts().first { $0.rule == "HM-D10" }?.summary.contains("private address 10.1.2.3") ?? false)
  }

  @Test func `events of one subject are one alert with their number`() {
    var history = History()
    for i in 0..<7 { history.row("KeyUnwrap", ago: 7200 + Int64(i) * 600, path: "/keys/fw-sign/0f3e/unwrapkey") }
    let alerts = history.alerts().filter { $0.rule == "HM-D08" }
    #expect(alerts.count == 1 && alerts.first?.count == 7)
  }

  @Test func `a ledger that is read again from its beginning counts once, and one that got shorter is told`() {
    var history = History()
    history.row(ago: 26 * 3600, id: "a")
    history.row("KeyGet", ago: 600, path: "/keys/fw-sign")
    history.note(ago: 26 * 3600, id: "a", sequence: 1)
    history.note(ago: 26 * 3600, id: "b", sequence: 2)
    history.row(ago: 26 * 3600, id: "b")
    var engine = history.engine()
    for _ in 0..<3 {
      engine.beginLedger()
      for record in history.ledger { engine.observe(ledger: record) }
      for entry in history.rows { engine.observe(entry) }
      engine.settle(now: History.now)
    }
    engine.ledgerEnded(node: "n1", sequence: 2, source: "ledger", now: History.now)
    #expect(engine.drain(now: History.now) == [])
    engine.ledgerEnded(node: "n1", sequence: 1, source: "ledger", now: History.now)
    #expect(engine.drain(now: History.now).map(\.rule) == ["HM-D27"])
  }
}
