@testable import Access
import Clocks
import Custody
import Testing

/// A proof as only Access makes it; these tests reach inside that target to have one without a role table.
func permit(_ action: DataAction, at scope: Scope = .root) -> Permit {
  let principal = PrincipalID("7c9c1a52-6a60-4f0a-8a3c-1f5f2b6f0001")!
  let assignment = RoleAssignment(
    id: RoleAssignmentID("7c9c1a52-6a60-4f0a-8a3c-1f5f2b6f0002")!, scope: scope,
    role: RoleDefinitionID("7c9c1a52-6a60-4f0a-8a3c-1f5f2b6f0003")!, principal: principal, createdBy: nil,
    createdAt: Instant(seconds: 1))
  return Permit(
    principal: Principal(
      objectID: principal, tenantID: TenantID("7c9c1a52-6a60-4f0a-8a3c-1f5f2b6f0004")!, kind: .user, displayName: "tester",
      issuer: "https://issuer.example", subject: "tester"),
    action: action, scope: scope, grant: Grant(assignment: assignment, actions: [action]))
}

func name(_ text: String) throws -> KeyName { try #require(KeyName(text)) }

/// What an operation refused with; nil if it did not.
func refusal<R>(_ body: () throws -> R) -> CustodyError? {
  do {
    _ = try body()
    return nil
  } catch { return error as? CustodyError }
}
