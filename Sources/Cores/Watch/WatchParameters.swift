/// The numbers of the rules. Seconds unless said otherwise.
package struct WatchParameters: Sendable, Hashable {
  /// Findings of one rule on one subject within this time are one alert.
  package var foldWindow: Int64 = 86_400
  /// How late an event may come and still count in its window.
  package var lateness: Int64 = 900
  package var ledgerGrace: Int64 = 86_400
  package var canaryGrace: Int64 = 1200
  package var silence: Int64 = 1800
  package var usualGapFactor: Int64 = 6
  package var skew: Int64 = 120
  package var shadow: Int64 = 60
  package var firstUse: Int64 = 90 * 86_400
  package var dormant: Int64 = 45 * 86_400
  package var unused: Int64 = 90 * 86_400
  package var backup: Int64 = 30 * 86_400
  package var drill: Int64 = 180 * 86_400
  /// D11: signs of one identity with one key in ten minutes that are never an anomaly, and how many deviations are.
  package var rateFloor = 50
  package var rateDeviations = 6
  /// D28.
  package var failures = 10
  package var failureSpan: Int64 = 300
  package var failureIdentities = 5
  /// D18: how many signs teach the tool of an identity.
  package var agentLessons = 3
  package var versionLimit = 80
  /// Identities (object or application ids, lower case) that govern roles: exempt from D04.
  package var governance: Set<String> = []
  /// D18: wanted beginning of the user agent by object id.
  package var agents: [String: String] = [:]
  /// Bounds of what is remembered.
  package var maxRemembered = 1_000_000

  package init() {}
}
