/// The address of a Managed HSM, a vault or a Hallmark service: `https://host[:port]`.
package struct ServiceAddress: Sendable, Hashable {
  /// What the address says about whose it is.
  package enum Home: Sendable, Hashable {
    case managedHSM
    case keyVault
    /// Ours, or anybody's: the challenge decides.
    case other
  }

  /// Lower case, without port.
  package let host: String
  package let port: Int?

  /// `https://host[:port]` without a trailing slash.
  package var url: String { "https://\(netloc)" }
  /// `host[:port]`.
  package var netloc: String { port.map { "\(host):\($0)" } ?? host }

  /// Reads `https://host[:port][/]`. Only https; no user, path, query or fragment.
  package init(_ text: String) throws(OutboundError) {
    guard text.utf8.count <= 512 else { throw .badAddress(text, why: "too long") }
    guard text.lowercased().hasPrefix("https://") else { throw .badAddress(text, why: "it must begin with https://") }
    var rest = text.dropFirst("https://".count)
    if rest.hasSuffix("/") { rest = rest.dropLast() }
    var host = String(rest).lowercased()
    var port: Int?
    if let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") {
      guard let number = Int(host[host.index(after: colon)...]), (1...65535).contains(number) else {
        throw .badAddress(text, why: "the port is not a number from 1 to 65535")
      }
      port = number == 443 ? nil : number
      host = String(host[..<colon])
    }
    let plain = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
    let allowed = plain == host ? "abcdefghijklmnopqrstuvwxyz0123456789-." : "0123456789abcdef:"
    guard !plain.isEmpty, plain.allSatisfy(allowed.contains) else { throw .badAddress(text, why: "https://HOST[:PORT] is wanted") }
    self.host = host
    self.port = port
  }

  /// Host suffixes of the clouds and the scope their tokens are for. Source: Azure SDK cloud settings.
  package static let knownSuffixes: [(suffix: String, home: Home, scope: String)] = [
    (".managedhsm.azure.net", .managedHSM, "https://managedhsm.azure.net/.default"),
    (".managedhsm.azure.cn", .managedHSM, "https://managedhsm.azure.cn/.default"),
    (".managedhsm.usgovcloudapi.net", .managedHSM, "https://managedhsm.usgovcloudapi.net/.default"),
    (".vault.azure.net", .keyVault, "https://vault.azure.net/.default"),
    (".vault.azure.cn", .keyVault, "https://vault.azure.cn/.default"),
    (".vault.usgovcloudapi.net", .keyVault, "https://vault.usgovcloudapi.net/.default"),
  ]

  package var home: Home { Self.knownSuffixes.first { host.hasSuffix($0.suffix) }?.home ?? .other }
  /// The scope that the host name alone fixes; nil when the challenge must say.
  package var knownScope: String? { Self.knownSuffixes.first { host.hasSuffix($0.suffix) }?.scope }
  /// Azure's own services log neither digest nor assignment: the client keeps a ledger for them.
  package var isOurs: Bool { home == .other }
}
