import Clocks
import Crypto
import Encodings
import JOSE
import Secrets
import Synchronization

@testable import Access

/// A clock the test turns.
final class TestClock: Sendable {
  private let seconds: Mutex<Int64>
  init(_ seconds: Int64 = 1_800_000_000) { self.seconds = Mutex(seconds) }
  func advance(_ by: Int64) { seconds.withLock { $0 += by } }
  var now: Int64 { seconds.withLock { $0 } }
  var source: TimeSource { TimeSource { Instant(seconds: self.now) } }
}

/// An HSM's access part over the in-memory store, with an administrator.
struct World {
  static let tenant = TenantID("6b1f0c52-9b0e-4f1d-8c55-0f5a3a7f2d10")!
  static let admin = PrincipalID("11111111-1111-4111-8111-111111111111")!
  static let alice = PrincipalID("22222222-2222-4222-8222-222222222222")!
  static let team = PrincipalID("33333333-3333-4333-8333-333333333333")!
  static let build = PrincipalID("44444444-4444-4444-8444-444444444444")!

  let store: InMemoryAccessStore
  let clock: TestClock
  let access: AccessControl
  let rows: SealedRows

  init(
    store: InMemoryAccessStore = InMemoryAccessStore(), clock: TestClock = TestClock(), hsm: String = "hsm-1", key: UInt8 = 7,
    limits: RoleLimits = .standard, initialise: Bool = true
  ) throws {
    self.store = store
    self.clock = clock
    rows = try SealedRows(store: store, seal: Self.seal(hsm, key))
    access = try AccessControl(rows: rows, time: clock.source, entropy: .system, limits: limits)
    if initialise { try access.initialise(administrators: [Self.admin]) }
  }

  /// The same store after a restart.
  func restarted(hsm: String = "hsm-1", key: UInt8 = 7) throws -> World {
    try World(store: store, clock: clock, hsm: hsm, key: key, initialise: false)
  }

  static func seal(_ hsm: String = "hsm-1", _ key: UInt8 = 7) -> RowSeal {
    var bytes = [UInt8](repeating: key, count: 32)
    return RowSeal(mac: RowMAC(key: SecretBytes(wiping: &bytes)), hsm: hsm)
  }

  static func principal(_ id: PrincipalID, groups: [PrincipalID] = []) -> Principal {
    Principal(
      objectID: id, tenantID: tenant, kind: .user, displayName: "test", groups: groups, issuer: "https://issuer.example", subject: id.text)
  }

  func permit(
    _ action: DataAction, at scope: Scope = .root, as id: PrincipalID = World.admin, groups: [PrincipalID] = []
  ) throws -> Permit {
    try access.permit(Self.principal(id, groups: groups), action, at: scope).get()
  }

  @discardableResult
  func grant(
    _ role: RoleDefinitionID, to principal: PrincipalID, at scope: Scope = .root, id: RoleAssignmentID? = nil
  ) throws -> RoleAssignment {
    try access.assign(
      id ?? RoleAssignmentID(Entropy.system.uuid())!, role: role, to: principal, at: scope,
      permit: permit(.roleAssignmentsWrite, at: scope))
  }

  func revoke(_ assignment: RoleAssignment) throws {
    try access.revoke(assignment.id, at: assignment.scope, permit: permit(.roleAssignmentsDelete, at: assignment.scope))
  }

  func isAllowed(_ id: PrincipalID, _ action: DataAction, at scope: Scope, groups: [PrincipalID] = []) -> Bool {
    if case .allowed = access.decide(Self.principal(id, groups: groups), action, at: scope) { true } else { false }
  }
}

func scope(_ text: String) -> Scope { Scope(text)! }
