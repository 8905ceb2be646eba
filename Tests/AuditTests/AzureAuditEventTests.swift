import Clocks
import Foundation
import Testing

@testable import Audit

@Suite struct AzureAuditEventTests {
  private let writer = AzureAuditEvent(
    tenant: "6b1f0c52-9b0e-4f1d-8c55-0f5a3a7f2d10", subscription: "0d3e", resourceGroup: "signing", pool: "forge",
    baseURL: "https://forge.managedhsm.example/")

  private func event(_ change: (inout AuditEntry) -> Void = { _ in }) throws -> [String: Any] {
    var entry = AuditEntry(
      time: Instant(nanoseconds: 1_772_437_272_318_000_000), requestID: "d1d6a3b8", principal: AuditPrincipal(
        objectID: "91ac", clientID: "2f0f", issuer: "https://i.example", subject: "s"), operation: .sign, store: "forge",
      key: "release-2026", version: "5d0c", decision: .allow, status: 200, durationMilliseconds: 9, callerAddress: "192.0.2.17:5000")
    change(&entry)
    let line = writer.line(AuditRecord(sequence: 1, node: "n", entry: entry))
    #expect(!line.contains(0x0A))
    return try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
  }

  @Test("A signing record has the members and values of the reference's example (managed-hsm §6.5)")
  func example() throws {
    let event = try event()
    let texts = [
      "TenantId": "6b1f0c52-9b0e-4f1d-8c55-0f5a3a7f2d10", "time": "2026-03-02T07:41:12.318Z",
      "resourceId": "/SUBSCRIPTIONS/0D3E/RESOURCEGROUPS/SIGNING/PROVIDERS/MICROSOFT.KEYVAULT/MANAGEDHSMS/FORGE",
      "operationName": "KeySign", "category": "AuditEvent", "resultType": "Success", "callerIpAddress": "192.0.2.17",
      "correlationId": "d1d6a3b8", "subnetId": "(unknown)", "PoolName": "forge",
      "requestUri": "https://forge.managedhsm.example/keys/release-2026/5d0c/sign", "resourceGroup": "SIGNING",
      "resourceProvider": "MICROSOFT.KEYVAULT", "resource": "forge", "resourceType": "managedHSMs",
      "identity": #"{"claim":{"appid":"2f0f","http_schemas_microsoft_com_identity":{"claims":{"objectidentifier":"91ac"}}}}"#,
    ]
    for (name, value) in texts { #expect(event[name] as? String == value, "\(name)") }
    #expect(event["durationMs"] as? Int == 9)
    #expect(event["httpStatusCode"] as? Int == 200)
    #expect(event["properties"] as? [String: String] == ["PoolType": "M-HSM", "sku_Family": "B", "sku_Name": "Standard_B1"])
  }

  @Test("A refusal says why and is no success")
  func refusal() throws {
    let event = try event {
      $0.decision = .deny
      $0.status = 403
      $0.reason = "no assignment"
      $0.callerAddress = "[2001:db8::1]:443"
    }
    #expect(event["resultType"] as? String == "Failed")
    #expect(event["resultDescription"] as? String == "no assignment")
    #expect(event["callerIpAddress"] as? String == "2001:db8::1")
  }

  @Test("A request without identity or key still makes a line")
  func bare() throws {
    let event = try event {
      $0.principal = nil
      $0.key = nil
      $0.operation = .tokenAuthenticate
    }
    #expect(event["identity"] as? String == "{}")
    #expect(event["operationName"] as? String == "Authentication")
    #expect(event["requestUri"] as? String == "https://forge.managedhsm.example")
  }

  @Test("Every operation that Azure documents has exactly Azure's name (reference managed-hsm §6.5)")
  func names() {
    let documented: Set = [
      "Authentication", "KeyCreate", "KeyGet", "KeyImport", "KeyUpdate", "KeyDelete", "KeyList", "KeyListVersions", "KeyGetDeleted",
      "KeyListDeleted", "KeyRecover", "KeyPurge", "KeyBackup", "KeyRestore", "KeySign", "KeyVerify", "KeyEncrypt", "KeyDecrypt",
      "KeyWrap", "KeyUnwrap", "KeyRotate", "KeyRotationPolicyGet", "KeyRotationPolicySet", "BackupCreate", "SecurityDomainBackup",
      "SecurityDomainBackupStatusGet",
    ]
    #expect(documented.count == 26)
    #expect(documented.isSubset(of: Set(AuditOperation.allCases.map(\.azureName))))
  }
}
