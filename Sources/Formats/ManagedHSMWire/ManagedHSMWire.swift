/// The REST shapes of the Managed HSM data plane: paths, request bodies, replies, errors, limits. Bytes and values only.
///
/// Server and client share it. It knows no key store, no permissions and no sockets. Facts: Microsoft's specification, and what the live
/// service answered where that differs (docs/conventions.md names the sources).
/// Imports allowed: Encodings, JOSE.
package enum ManagedHSMWire {
  /// Keys per page, and the most a client may ask for.
  package static let pageSize = 25
  /// Bytes per `rng` call.
  package static let randomLimit = 128
  /// The public service's own audience; some clients ask for it whatever the challenge said.
  package static let publicAudience = "https://managedhsm.azure.net"
  /// Newest api-version this server knows; unknown ones are treated as this.
  package static let newestVersion = "2026-03-01-preview"

  /// Whether the text looks like an api-version at all: `7.5`, `7.6-preview.2`, `2025-07-01`, `2026-03-01-preview`.
  package static func isVersion(_ text: some StringProtocol) -> Bool {
    guard !text.isEmpty, text.utf8.count <= 32 else { return false }
    return text.utf8.first.map { $0 >= 0x30 && $0 <= 0x39 } == true
      && text.utf8.allSatisfy {
        ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x7A) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-")
      }
  }
}
