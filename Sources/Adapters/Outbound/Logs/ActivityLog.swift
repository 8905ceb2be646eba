package import Clocks
package import Encodings
internal import Estate

/// The activity log of a subscription: what was done to resources, rights and settings (estate-and-gates §2.9). Azure keeps 90 days.
package struct ActivityLog: Sendable {
  private let access: AzureAccess

  package init(_ access: AzureAccess) { self.access = access }

  /// Providers whose operations change who may use a key, or how that is logged; a subscription's other events are dropped.
  private static let providers = ["microsoft.keyvault/", "microsoft.authorization/", "microsoft.managedidentity/", "microsoft.insights/", "microsoft.network/privateendpoints"]

  /// Events as Azure writes them, oldest first. Cost: one page a few hundred events; every event of the time is fetched.
  package func events(subscription: String, from: Instant, to: Instant) async throws(OutboundError) -> [JSONValue] {
    let filter = "eventTimestamp ge '\(ISO8601.format(seconds: from.seconds))' and eventTimestamp le '\(ISO8601.format(seconds: to.seconds))'"
    let items = try await AzureEndpoint.resourceManager(access, version: "2015-04-01").list(
      "/subscriptions/\(subscription)/providers/Microsoft.Insights/eventtypes/management/values", [("$filter", filter)])
    return items.filter { event in
      let name = (event["operationName"]?["value"]?.string ?? event["operationName"]?.string ?? "").lowercased()
      return Self.providers.contains { name.hasPrefix($0) }
    }.sorted { ($0["eventTimestamp"]?.string ?? "") < ($1["eventTimestamp"]?.string ?? "") }
  }
}
