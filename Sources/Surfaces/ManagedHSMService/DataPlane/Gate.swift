import Access
import Custody

/// Where the data plane asks `AccessControl`: a permit, or a refusal that the record explains.
struct Gate: Sendable {
  let access: AccessControl

  func permit(_ call: Authenticated<Call>, _ action: DataAction, _ scope: Scope, _ notes: inout AuditNotes) throws(RouteFailure) -> Permit {
    switch access.authorize(call, action, at: scope) {
    case .success(let authorized):
      notes.assignment = authorized.permit.assignment.id.text
      return authorized.permit
    case .failure(let refusal):
      throw .refused(refusal)
    }
  }
}

extension Scope {
  /// The scope of one key. A `KeyName` is always a valid scope name: both have the same grammar.
  static func key(_ name: KeyName) -> Scope { Scope.key(named: name.text) ?? .keys }
}
