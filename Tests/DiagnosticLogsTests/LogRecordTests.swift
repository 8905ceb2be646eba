import Encodings
import Testing

@testable import DiagnosticLogs

/// Lines in the shapes of the documented samples; ids are invented.
enum Sample {
  static let vault = #"{"time":"2026-08-11T09:14:22.7051432Z","resourceId":"/SUBSCRIPTIONS/0A/RESOURCEGROUPS/RG-APP/PROVIDERS/MICROSOFT.KEYVAULT/VAULTS/KV-ACME","operationName":"KeySign","category":"AuditEvent","resultType":"Success","durationMs":"38","callerIpAddress":"20.51.7.9:4711","correlationId":"7B0B9C64","identity":{"claim":{"oid":"11111111-2222","appid":"99999999-8888","idtyp":"app","xms_mirid":"/subscriptions/0a/x"}},"properties":{"id":"https://kv-acme.vault.azure.net/keys/code-sign/5c1f0e7d2b6a4930a7d8e9f001122334","clientInfo":"hallmark/1.4 (d=9f2c)","requestUri":"https://KV-ACME.vault.azure.net:443//keys/code-sign/sign/?api-version=7.4","httpStatusCode":200,"isRbacAuthorized":true,"appliedAssignmentId":"3d3d","algorithm":"ES256"}}"#
  static let hsm = #"{"TenantId":"0a","time":"2026-08-11T09:16:40Z","resourceId":"/subscriptions/0a/resourceGroups/rg/providers/Microsoft.KeyVault/managedHSMs/hsm-acme","operationName":"KeySign","category":"AuditEvent","resultType":"Success","durationMs":21,"callerIpAddress":"[2001:db8::7]:51234","identity":"{\"claim\":{\"appid\":\"9999\",\"http_schemas_microsoft_com_identity\":{\"claims\":{\"objectidentifier\":\"AAAA-1\"}},\"http_schemas_xmlsoap_org_ws_2005_05_identity\":{\"claims\":{\"upn\":\"ops@example.com\"}}}}","clientInfo":"x/1","correlationId":"6d1c","httpStatusCode":200,"requestUri":"https://hsm-acme.managedhsm.azure.net/keys/code-sign/0f3e/sign?api-version=7.6","resourceType":"managedHSMs"}"#

  static func record(_ text: String) -> LogRecord? {
    guard let value = try? JSONValue.parse(text), case .request(let record)? = LogEntry(value, place: LogPlace(source: "s")) else { return nil }
    return record
  }
}

@Suite struct LogRecordTests {
  @Test func `a vault's row gives key, version, assignment and caller without port`() throws {
    let record = try #require(Sample.record(Sample.vault))
    #expect(record.store == "kv-acme" && record.storeKind == .vault && record.operation == .sign)
    #expect(record.key == "code-sign" && record.version == "5c1f0e7d2b6a4930a7d8e9f001122334" && record.isVersionedRequest == false)
    #expect(record.callerAddress == "20.51.7.9" && record.durationMilliseconds == 38 && record.correlationId == "7b0b9c64")
    #expect(record.appliedAssignmentId == "3d3d" && record.identity.mirid == "/subscriptions/0a/x" && record.isRbacAuthorized == true)
    #expect(record.path == "/keys/code-sign/sign" && record.time % 1_000_000_000 == 705_143_200)
  }

  @Test func `a Managed HSM's identity is read out of its text`() throws {
    let record = try #require(Sample.record(Sample.hsm))
    #expect(record.identity.objectId == "aaaa-1" && record.identity.upn == "ops@example.com" && record.identity.isHuman)
    #expect(record.callerAddress == "2001:db8::7" && record.isVersionedRequest == true && record.storeKind == .managedHsm)
  }

  @Test func `status decides, whatever resultType says`() throws {
    let refused = Sample.vault.replacing("\"httpStatusCode\":200", with: "\"httpStatusCode\":403")
    #expect(try #require(Sample.record(refused)).isSuccess == false)
    let unknown = Sample.vault.replacing("\"httpStatusCode\":200,", with: "")
    #expect(try #require(Sample.record(unknown)).isSuccess == false)
  }

  @Test(arguments: ["identity", "properties", "callerIpAddress", "correlationId", "resourceId", "durationMs"])
  func `a record without a member is still a record`(member: String) throws {
    var object = try #require(try JSONValue.parse(Sample.vault).object)
    object[member] = nil
    #expect(Sample.record(JSONValue.object(object).text()) != nil)
  }

  @Test(arguments: ["{}", "[]", "1", #"{"time":"yesterday","operationName":"KeySign"}"#, #"{"operationName":"KeySign"}"#, #"{"schema":"hallmark.audit/v1"}"#])
  func `what has no time or no operation is no record`(text: String) throws {
    #expect(LogEntry(try JSONValue.parse(text), place: LogPlace(source: "s")) == nil)
  }

  @Test func `names are folded and rows of Log Analytics give the same record`() throws {
    let row = #"{"TimeGenerated":"2026-08-11T09:14:22Z","ResourceId":"/S/0A/PROVIDERS/MICROSOFT.KEYVAULT/VAULTS/KV-ACME","OperationName":"KeyDecrypt","CorrelationId":"c","identity_claim_oid_g":"O-1","identity_claim_appid_g":"a","httpStatusCode_d":403.0,"requestUri_s":"https://kv-acme.vault.azure.net/keys/k/v1/decrypt","CallerIPAddress":"10.0.0.1","clientInfo_s":"x"}"#
    let record = try #require(Sample.record(row))
    #expect(record.operation == .decrypt && record.status == 403 && record.identity.objectId == "o-1" && record.key == "k" && record.version == "v1")
    let dedicated = #"{"TimeGenerated":"2026-08-11T09:14:22Z","_ResourceId":"/s/0a/providers/microsoft.keyvault/vaults/kv-acme","OperationName":"KeySign","HttpStatusCode":200,"RequestUri":"https://kv-acme.vault.azure.net/keys/k/sign","Id":"https://kv-acme.vault.azure.net/keys/k/v9","Identity":{"claim":{"oid":"O-2"}},"AppliedAssignmentId":"as"}"#
    let second = try #require(Sample.record(dedicated))
    #expect(second.store == "kv-acme" && second.version == "v9" && second.identity.objectId == "o-2" && second.appliedAssignmentId == "as")
  }

  @Test func `our own audit records become records, refusals with their status`() throws {
    let line = #"{"schema":"hallmark.audit/v1","sequence":7,"time":"2026-08-11T09:14:22Z","node":"n1","requestId":"R-1","principal":{"objectId":"O","clientId":null,"issuer":"i","subject":"s","claims":{"upn":"a@b"}},"operation":"sign","store":"NW-HSM","key":"k","version":"v","kid":"https://nw-hsm.managedhsm.azure.net/keys/k/v","decision":"deny","status":403,"purpose":null}"#
    let record = try #require(Sample.record(line))
    #expect(record.origin == .hallmark && record.operation == .sign && record.status == 403 && record.correlationId == "r-1" && record.sequence == 7)
    #expect(record.store == "nw-hsm" && record.identity.upn == "a@b" && record.storeKind == .managedHsm)
  }

  @Test(arguments: [
    ("/keys/a/sign", LogOperation.sign), ("/keys/a/0f/wrapkey", .wrap), ("/keys/a/0f/secureunwrapkey", .unwrap), ("/keys/a/0f/release", .release),
    ("/keys/a/create", .keyCreate), ("/keys/restore", .keyRestore), ("/keys/a/rotationpolicy", .rotationPolicy), ("/deletedkeys/a/recover", .keyRecover),
    ("/deletedkeys/a", .deletedKey), ("/securitydomain/download", .domainDownload), ("/securitydomain/download/pending", .domainStatus),
    ("/securitydomain/upload", .domainUpload), ("/backup", .fullBackup), ("/backup/j/pending", .fullStatus), ("/settings/x", .setting), ("/ekm/x", .ekm),
    ("/providers/Microsoft.Authorization/roleAssignments/1-2", .roleAssignment), ("/keys%2Fa%2fsign", .sign), ("/keys", .keyList), ("/", .other), ("", .other),
    ("/keys/sign", .keyRead), ("/secrets/sign/x/sign", .other),
  ])
  func `the path says what a request was`(path: String, operation: LogOperation) { #expect(RequestPath(path).operation == operation) }

  @Test func `a purge is told from a look by its status, a written role by its status`() {
    #expect(RequestPath("/deletedkeys/a").operation(named: "?", status: 204) == .keyPurge)
    #expect(RequestPath("/deletedkeys/a").operation(named: "?", status: 200) == .deletedKey)
    let role = RequestPath("/keys/providers/Microsoft.Authorization/roleAssignments/1-2")
    #expect(role.operation(named: "?", status: 201) == .roleAssignmentWrite && role.operation(named: "?", status: 200) == .roleAssignment)
    #expect(RequestPath("/settings/x").operation(named: "SettingGet", status: 200) == .setting)
    #expect(RequestPath("/settings/x").operation(named: "SettingUpdate", status: 200) == .settingWrite)
  }

  @Test func `two exports of one record have one key, a retry has another`() throws {
    let first = try #require(Sample.record(Sample.vault))
    let lower = try #require(Sample.record(Sample.vault.replacing("/SUBSCRIPTIONS/0A/RESOURCEGROUPS/RG-APP/", with: "/subscriptions/0a/resourcegroups/rg-app/")))
    #expect(first.duplicateKey == lower.duplicateKey)
    #expect(first.duplicateKey != Sample.record(Sample.vault.replacing("7B0B9C64", with: "7B0B9C65"))?.duplicateKey)
  }

  @Test func `activity events are read in both forms`() throws {
    let rest = #"{"eventDataId":"e","correlationId":"c","eventTimestamp":"2026-08-11T09:00:00Z","operationName":{"value":"Microsoft.Authorization/locks/delete"},"status":{"value":"Succeeded"},"caller":"ops@example.com","claims":{"appid":"a","http://schemas.microsoft.com/identity/claims/objectidentifier":"O"},"resourceId":"/subscriptions/s/x","authorization":{"scope":"/subscriptions/s"},"properties":{"requestbody":"{}"}}"#
    let exported = #"{"time":"2026-08-11T09:00:00Z","resourceId":"/SUBSCRIPTIONS/S/X","operationName":"MICROSOFT.AUTHORIZATION/LOCKS/DELETE","category":"Administrative","resultType":"Success","callerIpAddress":"1.2.3.4","identity":{"claims":{"appid":"a"},"authorization":{"scope":"/subscriptions/s","evidence":{"principalId":"P"}}}}"#
    for text in [rest, exported] {
      guard case .activity(let event)? = LogEntry(try JSONValue.parse(text), place: LogPlace(source: "s")) else { Issue.record("no activity"); continue }
      #expect(event.operation == "microsoft.authorization/locks/delete" && event.isSuccess && event.callerAppId == "a" && event.callerObjectId != nil)
    }
  }
}

@Suite struct LogRecordReaderTests {
  static func read(_ bytes: [UInt8], piece: Int = 7, limits: LogRecordReader.Limits = .init()) -> (LogRecordReader, [LogEntry]) {
    var reader = LogRecordReader(source: "s", limits: limits)
    var entries: [LogEntry] = []
    for start in stride(from: 0, to: bytes.count, by: piece) { reader.feed(bytes[start..<min(bytes.count, start + piece)]) { entries.append($0) } }
    reader.finish { entries.append($0) }
    return (reader, entries)
  }

  @Test(arguments: [1, 13, 4096])
  func `three layouts, with marks and blank lines, give the same records`(piece: Int) {
    let lines = "\u{FEFF}\r\n\n" + Sample.vault + "\r\n\n" + Sample.hsm + "\n"
    let records = "{\"records\":[\(Sample.vault),\(Sample.hsm)]}"
    let array = "[\n\(Sample.vault),\n\(Sample.hsm)\n]\n"
    let pretty = "{\n  \"records\": [\n\(Sample.vault),\n\(Sample.hsm)\n]\n}\n"
    for text in [lines, records, array, pretty, records + "\n" + records + "\n"] {
      let (reader, entries) = Self.read(Array(text.utf8), piece: piece)
      #expect(entries.count == (text.hasPrefix(records + "\n") ? 4 : 2) && reader.problemCount == 0 && reader.consumed == text.utf8.count)
    }
  }

  @Test func `a last line that is being written is not consumed and comes at the next poll`() {
    let whole = Sample.vault + "\n" + Sample.hsm + "\n"
    let cut = Array(whole.utf8.prefix(Sample.vault.utf8.count + 60))
    let (reader, entries) = Self.read(cut)
    #expect(entries.count == 1 && reader.hasPartialLine && reader.consumed == Sample.vault.utf8.count + 1 && reader.problemCount == 0)
    var second = LogRecordReader(source: "s", offset: reader.consumed, line: reader.lastLine)
    var more: [LogEntry] = []
    second.feed(Array(whole.utf8.dropFirst(reader.consumed))) { more.append($0) }
    second.finish { more.append($0) }
    #expect(more.count == 1 && second.consumed == whole.utf8.count)
    if case .request(let record)? = more.first { #expect(record.place.line == 2 && record.place.offset == reader.consumed) }
  }

  @Test func `a line longer than 64 KiB is read, one longer than the limit is told and passed over`() {
    let long = Sample.vault.replacing("\"d=9f2c", with: "\"d=9f2c").replacing("hallmark/1.4", with: String(repeating: "h", count: 70_000))
    let (reader, entries) = Self.read(Array((long + "\n" + Sample.hsm + "\n").utf8), piece: 5000)
    #expect(entries.count == 2 && reader.problemCount == 0)
    let (bounded, rest) = Self.read(Array((Sample.hsm + "\n" + long + "\n" + Sample.hsm + "\n").utf8), piece: 5000, limits: .init(lineBytes: 10_000))
    #expect(rest.count == 2 && bounded.problemCount == 1)
  }

  @Test(arguments: ["not json\n", "{\"a\":1}\n", "{\"a\":1,\"a\":2}\n", "{\"time\":NaN}\n", String(repeating: "[", count: 5000) + "\n"])
  func `what is no record is told with its line, and the rest is read`(bad: String) {
    let (reader, entries) = Self.read(Array((Sample.vault + "\n" + bad + Sample.hsm + "\n").utf8))
    #expect(entries.count == 2 && reader.problemCount == 1 && reader.problems.first?.place.line == 2)
  }

  @Test func `an answer of Log Analytics that is not whole says so`() {
    let text = #"{"tables":[{"name":"PrimaryResult","columns":[{"name":"TimeGenerated","type":"datetime"},{"name":"OperationName","type":"string"}],"rows":[["2026-01-01T00:00:00Z","KeySign"]]}],"error":{"code":"PartialError"}}"#
    let (reader, entries) = Self.read(Array(text.utf8))
    #expect(entries.count == 1 && reader.incomplete != nil)
  }

  @Test(arguments: [("1.2.3.4", "1.2.3.4"), ("1.2.3.4:55", "1.2.3.4"), ("[::1]:55", "::1"), ("2001:db8::1", "2001:db8::1"), ("", nil)] as [(String, String?)])
  func `addresses lose brackets and port`(text: String, wanted: String?) { #expect(LogRecord.address(text) == wanted) }
}
