/// Where the service is and who we are: what a command line said, over what the environment says.
///
/// The command-line programs and the plugins read the same variables through this type. Tokens come from the environment and from
/// files, never from an argument list.
package struct ConnectionSettings: Sendable {
  /// Which credential to use.
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    case auto
    case token
    case profile
    case workload
    case github
    case certificate
    case managedIdentity = "managed-identity"
    case az
  }

  /// Said explicitly; nil leaves it to the environment.
  package var url: String?
  package var ca: String?
  package var tokenFile: String?
  package var authority: String?
  package var tenant: String?
  package var clientID: String?
  package var profile: String?
  package var certificate: String?
  package var credential: Kind = .auto
  package let environment: [String: String]

  package init(environment: [String: String]) { self.environment = environment }

  /// Whether a service was named, by an option or by the environment.
  package var namesService: Bool { url != nil || profilePath != nil || environment["HALLMARK_URL"].map { !$0.isEmpty } == true }
  package var profilePath: String? { profile ?? environment["HALLMARK_PROFILE"] }

  /// Folder for what a run leaves behind and a later run reads: `$XDG_STATE_HOME/hallmark`.
  package var stateFolder: String { folder("XDG_STATE_HOME", ".local/state") }
  /// Folder for what may be thrown away: `$XDG_CACHE_HOME/hallmark`.
  package var cacheFolder: String { folder("XDG_CACHE_HOME", ".cache") }
  /// Folder for what is kept: `$XDG_DATA_HOME/hallmark`.
  package var dataFolder: String { folder("XDG_DATA_HOME", ".local/share") }

  /// An XDG base directory must be absolute; one that is not is ignored (XDG Base Directory Specification).
  private func folder(_ variable: String, _ otherwise: String) -> String {
    if let base = environment[variable], base.hasPrefix("/") { return "\(base)/hallmark" }
    return "\(environment["HOME"] ?? ".")/\(otherwise)/hallmark"
  }

  /// The signing side's ledger: the file named, or the default one where the service's own log names no digests; nil for none.
  package func ledgerPath(_ named: String?, address: ServiceAddress) -> String? {
    if let named { return named }
    return address.isOurs ? nil : "\(stateFolder)/ledger.jsonl"
  }
}
