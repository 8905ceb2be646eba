/// Which front of the service a token is for. A token for one is refused by the others.
package enum TokenSurface: UInt8, Sendable, Hashable, CaseIterable {
  /// The Managed HSM data plane (and what belongs to it).
  case hsm
  /// The small Azure Resource Manager answers.
  case resourceManager
  /// The small Microsoft Graph answers.
  case graph
}

/// A resource one can ask a token for.
package struct TokenResource: Sendable, Hashable {
  /// Its identifier without a trailing slash, e.g. `https://managedhsm.example:8443`; what `aud` carries.
  package let audience: String
  package let surface: TokenSurface

  package init(_ audience: String, _ surface: TokenSurface) {
    self.audience = Self.trimmed(audience)
    self.surface = surface
  }

  /// An identifier without its trailing slashes.
  static func trimmed(_ text: String) -> String {
    var text = text[...]
    while text.hasSuffix("/") { text.removeLast() }
    return String(text)
  }
}

/// What the embedded authority is called and how long its tokens live.
package struct AuthoritySettings: Sendable {
  package let tenantID: TenantID
  /// `iss` of its tokens.
  package var issuer: String
  /// What a signed client assertion may carry as `aud`: the token endpoint's URLs, and the issuer.
  package var assertionAudiences: [String]
  package var resources: [TokenResource]
  /// Where a person enters a device code.
  package var verificationURI: String
  /// Applications without credentials that may start the device flow: az, Azure PowerShell, ours.
  package var publicClients: Set<ApplicationID>
  package var accessTokenSeconds: Int64 = 3600
  /// Absolute, from the sign-in on; rotation does not prolong it.
  package var refreshSeconds: Int64 = 24 * 3600
  package var deviceCodeSeconds: Int64 = 15 * 60
  package var devicePollSeconds: Int64 = 5

  package init(
    tenantID: TenantID, issuer: String, assertionAudiences: [String], resources: [TokenResource], verificationURI: String,
    publicClients: Set<ApplicationID> = AuthoritySettings.knownPublicClients
  ) {
    self.tenantID = tenantID
    self.issuer = issuer
    self.assertionAudiences = assertionAudiences
    self.resources = resources
    self.verificationURI = verificationURI
    self.publicClients = publicClients
  }

  /// Azure CLI, Azure PowerShell, the Azure SDKs' developer sign-on, and `hallmark`.
  package static let knownPublicClients = Set(
    [
      "04b07795-8ddb-461a-bbee-02f9e1bf7b46", "1950a258-227b-4e31-a9cf-717495945fc2", "04f0c124-f2bc-4f59-8241-bf6df9866bbd",
      hallmarkClient,
    ].compactMap { ApplicationID($0) })

  /// The application id of our own command line.
  package static let hallmarkClient = "3c6d0a5f-8e2b-4b7a-9f41-0d5e7c1ab264"

  /// The resource of a `scope` (`<resource>/.default`, a double slash tolerated) or of a v1 `resource`.
  package func resource(ofScope scope: String) -> TokenResource? {
    for part in scope.split(separator: " ") where !["openid", "profile", "offline_access", "email"].contains(part) {
      guard part.hasSuffix("/.default") else { return resource(named: String(part)) }
      return resource(named: String(part.dropLast("/.default".count)))
    }
    return nil
  }

  package func resource(named name: String) -> TokenResource? {
    let name = TokenResource.trimmed(name).lowercased()
    return resources.first { $0.audience.lowercased() == name }
  }
}
