/// How registries are spoken to. Values that weaken are empty or false unless somebody asked.
package struct RegistrySettings: Sendable, Hashable {
  /// Registries (`host[:port]`) that are spoken to over plain HTTP.
  package var plainHTTPHosts: Set<String> = []
  /// Whether localhost, 127.0.0.1 and [::1], on any port, are spoken to over plain HTTP.
  package var plainHTTPOnLoopback = false
  /// Token servers of other domains that a registry's password may be sent to, by registry host.
  package var trustedRealms: [String: Set<String>] = [:]
  /// Folder of the locks that keep writers of one tag apart; shared by all processes that should not disturb each other.
  package var lockFolder: String
  /// A blob up to this size is sent in one request; a longer one in pieces that can be resumed.
  package var singleUploadBytes = 8 << 20
  /// Length of a piece, at least; a registry may ask for more.
  package var chunkBytes = 8 << 20
  /// How often a tag is read, changed and written before giving up.
  package var maxUpdateAttempts = 20
  /// Whether the index that a fallback tag pointed to before is deleted after its replacement was seen.
  package var deletesReplacedIndexes = false
  /// How long to wait for another writer of the same tag on this machine.
  package var lockWait: Duration = .seconds(120)

  package init(lockFolder: String) { self.lockFolder = lockFolder }
}
