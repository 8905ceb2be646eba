/// The hosts of one Azure cloud: a table, so that sovereign clouds are rows and a private one is a row with other values.
///
/// A token goes only to the host its audience belongs to; a store's own address must lie under the suffix of its kind.
package struct AzureCloud: Sendable, Hashable {
  package var name: String
  /// `https://host[:port]` each.
  package var login: String
  package var resourceManager: String
  package var graph: String
  package var logAnalytics: String
  /// `host[:port]` suffixes, without a leading dot.
  package var vaultSuffix: String
  package var managedHSMSuffix: String
  package var storageSuffix: String
  /// What tokens are asked for, without `/.default`.
  package var resourceManagerAudience: String
  package var logAnalyticsAudience: String
  package var storageAudience: String

  /// Source: Azure SDK and CLI cloud settings; estate-and-gates §1.1.
  package static let known: [AzureCloud] = [
    AzureCloud(
      name: "AzureCloud", login: "https://login.microsoftonline.com", resourceManager: "https://management.azure.com",
      graph: "https://graph.microsoft.com", logAnalytics: "https://api.loganalytics.azure.com", vaultSuffix: "vault.azure.net",
      managedHSMSuffix: "managedhsm.azure.net", storageSuffix: "blob.core.windows.net", resourceManagerAudience: "https://management.azure.com",
      logAnalyticsAudience: "https://api.loganalytics.io", storageAudience: "https://storage.azure.com"),
    AzureCloud(
      name: "AzureChinaCloud", login: "https://login.partner.microsoftonline.cn", resourceManager: "https://management.chinacloudapi.cn",
      graph: "https://microsoftgraph.chinacloudapi.cn", logAnalytics: "https://api.loganalytics.azure.cn", vaultSuffix: "vault.azure.cn",
      managedHSMSuffix: "managedhsm.azure.cn", storageSuffix: "blob.core.chinacloudapi.cn", resourceManagerAudience: "https://management.chinacloudapi.cn",
      logAnalyticsAudience: "https://api.loganalytics.azure.cn", storageAudience: "https://storage.azure.com"),
    AzureCloud(
      name: "AzureUSGovernment", login: "https://login.microsoftonline.us", resourceManager: "https://management.usgovcloudapi.net",
      graph: "https://graph.microsoft.us", logAnalytics: "https://api.loganalytics.us", vaultSuffix: "vault.usgovcloudapi.net",
      managedHSMSuffix: "managedhsm.usgovcloudapi.net", storageSuffix: "blob.core.usgovcloudapi.net",
      resourceManagerAudience: "https://management.usgovcloudapi.net", logAnalyticsAudience: "https://api.loganalytics.us",
      storageAudience: "https://storage.azure.com"),
  ]

  package static var standard: AzureCloud { known[0] }

  /// Replaces hosts. The audience of a replaced host is that host: a token for Azure's own is never sent elsewhere.
  ///
  /// - Parameter hosts: member name of the configuration (`login`, `arm`, `graph`, `vault`, `managedhsm`, `loganalytics`, `storage`) to value.
  package mutating func replace(_ hosts: [(name: String, value: String)]) throws(OutboundError) {
    for (name, value) in hosts {
      switch name {
      case "login": login = try ServiceAddress(value).url
      case "arm":
        resourceManager = try ServiceAddress(value).url
        resourceManagerAudience = resourceManager
      case "graph": graph = try ServiceAddress(value).url
      case "loganalytics":
        logAnalytics = try ServiceAddress(value).url
        logAnalyticsAudience = logAnalytics
      case "vault": vaultSuffix = try Self.suffix(value)
      case "managedhsm": managedHSMSuffix = try Self.suffix(value)
      case "storage":
        storageSuffix = try Self.suffix(value)
        storageAudience = Self.audience(storageSuffix)
      default: throw .badAddress(name, why: "a cloud has login, arm, graph, vault, managedhsm, loganalytics and storage")
      }
    }
  }

  private static func suffix(_ text: String) throws(OutboundError) -> String {
    let address = try ServiceAddress("https://" + text)
    guard address.host.contains(".") else { throw .badAddress(text, why: "a host suffix has at least two labels") }
    return address.netloc
  }

  /// `https://suffix` without its port.
  private static func audience(_ suffix: String) -> String { "https://" + (suffix.split(separator: ":").first.map(String.init) ?? suffix) }

  /// The scope of a store's data plane; nil when the address is not one of this cloud's stores.
  package func dataScope(_ address: ServiceAddress) -> String? {
    for suffix in [vaultSuffix, managedHSMSuffix] where address.netloc.hasSuffix("." + suffix) { return Self.audience(suffix) + "/.default" }
    return nil
  }

  /// The scope of a storage account; nil when the address is none of this cloud's.
  package func storageScope(_ address: ServiceAddress) -> String? {
    address.netloc.hasSuffix("." + storageSuffix) ? storageAudience + "/.default" : nil
  }
}
