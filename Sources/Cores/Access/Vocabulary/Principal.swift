/// What kind of directory object a principal is.
package enum PrincipalKind: String, Sendable, Hashable, CaseIterable {
  case user, servicePrincipal, group
}

/// Who is asking, as a validated token (or the directory) says.
///
/// Immutable. A class so that passing it along a request costs one reference count, whatever it carries.
package final class Principal: Sendable, Equatable, CustomStringConvertible {
  package let objectID: PrincipalID
  package let tenantID: TenantID
  /// The application that asked, if the token names one.
  package let clientID: ApplicationID?
  package let kind: PrincipalKind
  /// Name for people to read; never used in a decision.
  package let displayName: String
  /// Groups the principal belongs to; role assignments may name them.
  package let groups: [PrincipalID]
  /// Issuer and subject of the proof behind the token: the federated assertion's for a workload, else the token's own.
  package let issuer: String
  package let subject: String
  /// Claims that matter to an auditor, e.g. `repository`, `workflow`, `run_id`, `ref`, `sha`, `actor`, `upn`. Bounded by the validator.
  package let claims: [String: String]

  package init(
    objectID: PrincipalID, tenantID: TenantID, clientID: ApplicationID? = nil, kind: PrincipalKind, displayName: String,
    groups: [PrincipalID] = [], issuer: String, subject: String, claims: [String: String] = [:]
  ) {
    self.objectID = objectID
    self.tenantID = tenantID
    self.clientID = clientID
    self.kind = kind
    self.displayName = displayName
    self.groups = groups
    self.issuer = issuer
    self.subject = subject
    self.claims = claims
  }

  package static func == (a: Principal, b: Principal) -> Bool {
    a.objectID == b.objectID && a.tenantID == b.tenantID && a.clientID == b.clientID && a.kind == b.kind
      && a.displayName == b.displayName && a.groups == b.groups && a.issuer == b.issuer && a.subject == b.subject
      && a.claims == b.claims
  }

  package var description: String { "\(kind.rawValue) \(displayName) (\(objectID))" }
}
