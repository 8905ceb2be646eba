package import Access
import Clocks

/// Who this HSM is on the wire: every identifier is built from here, nothing stored contains a host or port.
package struct ServiceIdentity: Sendable {
  /// The HSM's name, `myorg-mhsm`.
  package let name: String
  /// `https://myorg-mhsm.managedhsm.example[:port]`, no trailing slash.
  package let url: String
  /// The parent domain with the port: what the challenge advertises as `resource`, and the token audience.
  package let resource: String
  /// Scheme and authority of the token authority, no path.
  package let authority: String
  package let tenant: TenantID
  package let region: String
  package let build: String

  /// - Parameters:
  ///   - host: `myorg-mhsm.managedhsm.example`; its parent domain becomes the resource, so it needs at least two labels.
  ///   - port: left out of every URL when 443.
  ///   - authority: another issuer's base URL; nil for the embedded authority, which lives on the parent domain.
  package init?(name: String, host: String, port: Int, tenant: TenantID, region: String, build: String, authority: String? = nil) {
    guard let dot = host.firstIndex(of: "."), host.index(after: dot) != host.endIndex else { return nil }
    let suffix = port == 443 ? "" : ":\(port)"
    self.name = name
    self.url = "https://\(host)\(suffix)"
    self.resource = "https://\(host[host.index(after: dot)...])\(suffix)"
    self.authority = authority ?? resource
    self.tenant = tenant
    self.region = region
    self.build = build
  }

  /// `<url>/keys/<name>/<version>`.
  package func kid(_ path: String) -> String { "\(url)/\(path)" }
}
