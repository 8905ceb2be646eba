package import DiagnosticLogs
internal import Encodings

/// Queries of a Log Analytics workspace (§2.7).
package struct LogAnalytics: Sendable {
  private let access: AzureAccess

  package init(_ access: AzureAccess) { self.access = access }

  /// Rows of one query. An answer that is not whole says why in `incomplete`.
  ///
  /// - Parameters:
  ///   - workspace: its GUID.
  ///   - timespan: `PT1H` or `start/end`.
  package func query(workspace: String, _ query: String, timespan: String) async throws(OutboundError) -> LogTable {
    guard workspace.utf8.count == 36, workspace.utf8.allSatisfy({ $0 == 0x2D || $0 >= 0x30 && $0 <= 0x39 || ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x66 }) else {
      throw .badAddress(workspace, why: "a workspace is named by its GUID")
    }
    let url = "\(access.cloud.logAnalytics)/v1/workspaces/\(workspace)/query"
    let body: JSONValue = ["query": .string(query), "timespan": .string(timespan)]
    let request = OutboundRequest(
      "POST", url, headers: [("content-type", "application/json"), ("prefer", "wait=600, include-statistics=true")], body: body.serialized(),
      timeout: .seconds(620), maxReplyBytes: LogTable.limits.maxBytes)
    let reply = try await access.send(request, scope: access.cloud.logAnalyticsAudience + "/.default")
    do { return try LogTable.parse(reply.body) } catch { throw .badAnswer(url: url, why: error.description) }
  }

  /// The audit rows of key stores: the resource-specific table and the older common one.
  package static let auditQuery = """
    union isfuzzy=true (AZKVAuditLogs), (AzureDiagnostics | where ResourceProvider =~ 'MICROSOFT.KEYVAULT' and Category =~ 'AuditEvent') | order by TimeGenerated asc
    """
}
