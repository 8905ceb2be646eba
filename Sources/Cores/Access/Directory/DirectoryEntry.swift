package import Clocks
package import JOSE

/// A public key by which a principal proves itself (private_key_jwt, RFC 7523 §2.2). There is nothing secret in it.
package struct RegisteredKey: Sendable, Hashable {
  /// For people; unique within the principal.
  package let name: String
  package let key: JWK.PublicPart
  /// The certificate it came in, DER; its thumbprints may name the key in an assertion. Trust comes from the registration alone.
  package let certificate: [UInt8]?
  package let expires: Instant?

  package init(name: String, key: JWK.PublicPart, certificate: [UInt8]? = nil, expires: Instant? = nil) {
    self.name = name
    self.key = key
    self.certificate = certificate
    self.expires = expires
  }
}

/// What a foreign token's subject must be.
package enum SubjectRule: Sendable, Hashable {
  /// Exactly this text, or this text with GitHub's ids beside owner and repository.
  case exact(String)
  case pattern(ClaimPattern)
  case expression(ClaimsExpression)

  func matches(_ claim: (String) -> String?) -> Bool {
    switch self {
    case .exact(let subject): claim("sub").map { ClaimPattern.names(subject, $0) } ?? false
    case .pattern(let pattern): claim("sub").map { pattern.matches($0, claim: "sub") } ?? false
    case .expression(let expression): expression.matches(claim)
    }
  }
}

/// Trust of an application in tokens of a foreign issuer: a workload that holds a matching one *is* the application.
package struct FederatedCredential: Sendable, Hashable {
  /// What Azure's clients put into `aud`.
  package static let usualAudience = "api://AzureADTokenExchange"

  package let name: String
  /// Compared byte for byte with `iss`.
  package let issuer: String
  package let subject: SubjectRule
  /// One of them must be in `aud`. Never empty.
  package let audiences: [String]

  package init(name: String, issuer: String, subject: SubjectRule, audiences: [String] = [usualAudience]) {
    self.name = name
    self.issuer = issuer
    self.subject = subject
    self.audiences = audiences
  }
}

/// A person, an application's service principal, or a group of the embedded tenant.
package struct DirectoryEntry: Sendable, Hashable {
  package let objectID: PrincipalID
  package let kind: PrincipalKind
  package let displayName: String
  /// The application id of a service principal.
  package let clientID: ApplicationID?
  /// The sign-in name of a person.
  package let userPrincipalName: String?
  package let enabled: Bool
  /// The groups it is a direct member of.
  package let memberOf: [PrincipalID]
  package let keys: [RegisteredKey]
  package let federated: [FederatedCredential]

  package init(
    objectID: PrincipalID, kind: PrincipalKind, displayName: String, clientID: ApplicationID? = nil,
    userPrincipalName: String? = nil, enabled: Bool = true, memberOf: [PrincipalID] = [], keys: [RegisteredKey] = [],
    federated: [FederatedCredential] = []
  ) {
    self.objectID = objectID
    self.kind = kind
    self.displayName = displayName
    self.clientID = clientID
    self.userPrincipalName = userPrincipalName
    self.enabled = enabled
    self.memberOf = memberOf
    self.keys = keys
    self.federated = federated
  }
}

/// Where the keys of an issuer come from.
package enum IssuerKeySource: Sendable, Hashable {
  /// `<issuer>/.well-known/openid-configuration`, over TLS trusted by `caPEM` or the system.
  case discovery
  /// Given with the registration; never fetched.
  case inline([JWK.PublicPart], keyIDs: [String?])
}

/// How access tokens of a foreign issuer are read, if it may issue them.
package struct ExternalTenant: Sendable, Hashable {
  package let tenantID: TenantID
  /// What `aud` may be, besides this HSM's own resource; with or without a trailing slash.
  package let audiences: [String]
  /// Claims that carry the object id, the tenant and the application. A nil tenant claim: the issuer serves one tenant only.
  package let objectIDClaim: String
  package let tenantClaim: String?
  package let applicationClaims: [String]

  package init(
    tenantID: TenantID, audiences: [String] = [], objectIDClaim: String = "oid", tenantClaim: String? = "tid",
    applicationClaims: [String] = ["appid", "azp"]
  ) {
    self.tenantID = tenantID
    self.audiences = audiences
    self.objectIDClaim = objectIDClaim
    self.tenantClaim = tenantClaim
    self.applicationClaims = applicationClaims
  }
}

/// A foreign OpenID Connect issuer and what it is trusted with.
package struct TrustedIssuer: Sendable, Hashable {
  /// Compared byte for byte with `iss`.
  package let issuer: String
  package let keys: IssuerKeySource
  package let caPEM: String?
  package let algorithms: Set<JWSAlgorithm>
  /// nil: its tokens serve as federated assertions only.
  package let accessTokens: ExternalTenant?

  package init(
    issuer: String, keys: IssuerKeySource = .discovery, caPEM: String? = nil,
    algorithms: Set<JWSAlgorithm> = [.rs256, .rs384, .rs512, .ps256, .ps384, .ps512, .es256, .es384, .es512, .edDSA],
    accessTokens: ExternalTenant? = nil
  ) {
    self.issuer = issuer
    self.keys = keys
    self.caPEM = caPEM
    self.algorithms = algorithms
    self.accessTokens = accessTokens
  }
}

/// Why an entry or an issuer was not taken.
package enum DirectoryError: Error, Sendable, Equatable, CustomStringConvertible {
  case notFound
  case badEntry(String)
  case clientIDTaken(ApplicationID, by: PrincipalID)
  case alreadyInitialised
  case access(AccessError)

  package var description: String {
    switch self {
    case .notFound: "no such directory object"
    case .badEntry(let why): "directory entry: \(why)"
    case .clientIDTaken(let client, let owner): "application id \(client) belongs to \(owner)"
    case .alreadyInitialised: "the directory already has entries"
    case .access(let error): error.description
    }
  }
}
