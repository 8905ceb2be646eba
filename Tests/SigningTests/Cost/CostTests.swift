import Encodings
@testable import Signing
import Testing

@Suite("Cost")
struct CostTests {
  static func audit(_ operation: String = "sign", key: String = "release", algorithm: String = "ES256", status: Int = 200, id: String? = nil, time: String = "2026-03-02T07:00:00.000Z", engine: String = "software") -> String {
    "{\"schema\":\"hallmark.audit/v1\",\"sequence\":1,\"time\":\"\(time)\",\"node\":\"n\",\"requestId\":\(id.map { "\"\($0)\"" } ?? "null"),\"clientRequestId\":null,\"principal\":{\"objectId\":\"o\",\"clientId\":null,\"issuer\":\"i\",\"subject\":\"repo:me/app\",\"claims\":{}},\"operation\":\"\(operation)\",\"store\":\"s\",\"key\":\"\(key)\",\"version\":null,\"kid\":null,\"algorithm\":\"\(algorithm)\",\"digest\":null,\"decision\":\"allow\",\"reason\":null,\"assignment\":null,\"engine\":\"\(engine)\",\"status\":\(status),\"durationMs\":1,\"callerAddress\":null,\"purpose\":null}"
  }

  // Written by hand after the service's own documentation of its log.
  static let azure = """
    {"TenantId":"6b1f0c52-9b0e-4f1d-8c55-0f5a3a7f2d10","time":"2026-03-02T07:41:12.318Z","resourceId":"/SUBSCRIPTIONS/0D3E/RESOURCEGROUPS/SIGNING/PROVIDERS/MICROSOFT.KEYVAULT/MANAGEDHSMS/FORGE","operationName":"KeySign","operationVersion":"7.6-preview.2","category":"AuditEvent","resultType":"Success","properties":{"PoolType":"M-HSM"},"durationMs":9,"identity":"{\\"claim\\":{\\"appid\\":\\"2f0f\\",\\"http_schemas_microsoft_com_identity\\":{\\"claims\\":{\\"objectidentifier\\":\\"91ac\\"}}}}","correlationId":"d1d6","httpStatusCode":200,"PoolName":"forge","requestUri":"https://forge.managedhsm.example/keys/release-2026/5d0c5d0c5d0c5d0c5d0c5d0c5d0c5d0c/sign"}
    """

  static func tally(_ lines: [String], prices: PriceTable = .standard, from: Int64? = nil, until: Int64? = nil) -> CostReport {
    var tally = CostTally(prices: prices, from: from, until: until)
    for line in lines { tally.add(line: line.utf8) }
    return tally.report()
  }

  @Test("operations are counted by kind, key, identity and outcome")
  func counts() {
    let report = Self.tally([Self.audit(), Self.audit(), Self.audit(status: 403), Self.audit("key.create"), Self.audit(key: "other")])
    #expect(report.lines.map(\.count) == [3, 1, 1])
    #expect(report.lines[0].succeeded == 2 && report.lines[0].failed == 1 && report.keyOperations == 3 && report.total == 0)
  }

  @Test("one request in two logs counts once, requests without an id each")
  func doubles() {
    let report = Self.tally([Self.audit(id: "a"), Self.audit(id: "a"), Self.audit(id: "b"), Self.audit(), Self.audit()])
    #expect(report.keyOperations == 4 && report.doubles == 1)
  }

  @Test("the service's own event lines are read, with hour prices for the period asked for")
  func events() throws {
    let report = Self.tally([Self.azure], from: try ISO8601.parse("2026-03-02T00:00:00Z"), until: try ISO8601.parse("2026-03-03T00:00:00Z"))
    #expect(report.lines.count == 1)
    let subject = report.lines[0].subject
    #expect(subject.service == .managedHSM && subject.operation == "sign" && subject.key == "release-2026" && subject.identity == "91ac")
    #expect(report.standing == [.managedHSM: 24 * 3_200_000] && PriceTable.text(report.total) == "76.80")
    let vault = Self.tally([Self.azure.replacing("MANAGEDHSMS", with: "VAULTS")])
    #expect(vault.lines[0].subject.service == .keyVault && vault.lines[0].price == 3)
  }

  @Test("a vault's operations cost by the kind of key, rounded up to a millionth")
  func vault() {
    let lines = (0..<20_000).map { _ in Self.audit(engine: "azure-key-vault") } + (0..<10_000).map { _ in Self.audit(key: "rsa", algorithm: "RS256", engine: "azure-key-vault") }
    let report = Self.tally(lines)
    #expect(PriceTable.text(report.operationsPrice) == "0.33")
    #expect(PriceTable.text(Self.tally([Self.audit(engine: "azure-key-vault")]).operationsPrice) == "0.000015")
  }

  @Test("only the period counts, from inclusive, until exclusive")
  func period() throws {
    let at = try ISO8601.parse("2026-03-02T07:00:00Z")
    #expect(Self.tally([Self.audit()], from: at, until: at + 1).keyOperations == 1)
    #expect(Self.tally([Self.audit()], from: at + 1).keyOperations == 0)
    #expect(Self.tally([Self.audit()], until: at).keyOperations == 0)
  }

  @Test("reused documents of one signature save one operation, batches what they say")
  func saved() {
    func reuse(_ digest: String, _ format: String, _ time: String = "2026-03-02T07:00:00.100Z") -> String {
      "{\"schema\":\"hallmark.signing/v1\",\"time\":\"\(time)\",\"artifact\":\"a\",\"artifactDigest\":\"x\",\"format\":\"\(format)\",\"predicateType\":null,\"signer\":\"primary\",\"kid\":\"k\",\"algorithm\":\"ES256\",\"signed\":\"\(digest)\",\"reusedFrom\":\"cache:1\"}"
    }
    let batch = "{\"schema\":\"hallmark.signing-batch/v1\",\"time\":\"2026-03-02T07:00:00Z\",\"form\":\"merkle\",\"kid\":\"k\",\"algorithm\":\"ES256\",\"signed\":\"d\",\"artifacts\":500,\"savedOperations\":499,\"requestId\":null,\"attempts\":1}"
    let report = Self.tally([reuse("a", "bundle"), reuse("a", "signature"), reuse("b", "bundle"), reuse("a", "bundle", "2026-03-02T08:00:00Z"), batch])
    #expect(report.savedByCache == 3 && report.savedByBatch == 499 && report.unreadable == 0)
  }

  @Test(
    "lines that are no record are counted as such",
    arguments: [
      "", "{}", "[]", "junk", "{\"schema\":\"hallmark.audit/v1\"}", "{\"schema\":\"other/v1\"}", "{\"category\":\"AuditEvent\"}",
      "{\"schema\":\"hallmark.signing-batch/v1\",\"time\":\"2026-03-02T07:00:00Z\",\"kid\":\"k\",\"artifacts\":5,\"savedOperations\":5}",
      "{\"schema\":\"hallmark.signing-batch/v1\",\"time\":\"2026-03-02T07:00:00Z\",\"kid\":\"k\",\"artifacts\":-1,\"savedOperations\":-2}",
      "{\"schema\":\"hallmark.signing/v1\",\"time\":\"yesterday\",\"reusedFrom\":\"x\"}",
    ])
  func unreadable(_ line: String) { #expect(Self.tally([line]).unreadable == 1) }

  @Test("amounts are decimal, exact, and not negative")
  func amounts() throws {
    func table(_ amount: String) throws -> PriceTable {
      try PriceTable.parse(
        JSONValue.parse(
          "{\"schema\":\"hallmark.prices/v1\",\"currency\":\"EUR\",\"asOf\":\"2026-03-02\",\"source\":\"s\",\"services\":{\"hallmark\":{\"perHour\":\(amount)}}}".utf8))
    }
    #expect(try table("3.2").services[.hallmark]?.perHour == 3_200_000)
    #expect(try table("\"0.000001\"").services[.hallmark]?.perHour == 1)
    for bad in ["-1", "1e3", "\"\"", "\".5\"", "\"5.\"", "\"1.0000001\"", "\"1000000\"", "\"1,5\"", "\"+1\"", "null", "\"0x10\"", "\"١\""] {
      #expect(throws: PriceError.self, "\(bad)") { try table(bad) }
    }
    #expect(PriceTable.text(0) == "0.00" && PriceTable.text(1) == "0.000001" && PriceTable.text(1_500_000) == "1.50")
  }
}
