import Clocks
import Testing

@testable import Access

@Suite("Role definitions and assignments")
struct AccessControlTests {
  let id = RoleDefinitionID("aaaaaaaa-0000-4000-8000-000000000001")!

  func draft(_ permissions: RolePermission..., name: String = "Signer") -> RoleDraft { RoleDraft(name: name, permissions: permissions) }

  @discardableResult
  func put(_ world: World, _ draft: RoleDraft, id: RoleDefinitionID? = nil) throws -> RoleDefinition {
    try world.access.putDefinition(id ?? self.id, draft, permit: world.permit(.roleDefinitionsWrite))
  }

  // MARK: Scopes

  @Test(
    "Scopes are read in every form clients send",
    arguments: [
      ("", "/"), ("/", "/"), ("//", "/"), ("keys", "/keys"), ("/keys", "/keys"), ("/keys/", "/keys"), ("KEYS", "/keys"),
      ("keys/a", "/keys/a"), ("/keys/a/", "/keys/a"), ("//keys//a", "/keys/a"),
    ])
  func scopes(_ text: String, _ canonical: String) { #expect(Scope(text)?.text == canonical) }

  @Test(
    "What is no scope is not taken",
    arguments: [
      "/keys/a/b", "/key", "a", "/keys/..", "/keys/a%2Fb", "/keys/ä", "/keys/a b", "/keys/*", "/keys/\u{0}", "keys/a?x",
      "/keys/" + String(repeating: "a", count: 128), "secrets", "/subscriptions/1",
    ])
  func badScopes(_ text: String) { #expect(Scope(text) == nil) }

  // MARK: Evasion

  @Test("Key names compare without case, and a longer name is another key")
  func names() throws {
    let world = try World()
    try world.grant(BuiltInRoles.cryptoUser, to: World.alice, at: scope("/keys/Release"))
    #expect(world.isAllowed(World.alice, .keysSign, at: scope("/keys/rELEASE")))
    for other in ["/keys/release-", "/keys/releas", "/keys/releasee", "/keys", "/"] {
      #expect(!world.isAllowed(World.alice, .keysSign, at: scope(other)))
    }
  }

  @Test("notDataActions take away within their entry only, and the refusal says so")
  func notDataActions() throws {
    let world = try World()
    try put(world, draft(RolePermission(dataActions: [.keysSign, .keysRead], notDataActions: [.keysSign])))
    try world.grant(id, to: World.alice)
    #expect(world.isAllowed(World.alice, .keysRead, at: .keys))
    guard case .denied(let refusal) = world.access.decide(World.principal(World.alice), .keysSign, at: .keys),
      case .excludedByNotDataActions(_, id) = refusal.reasons.first
    else { Issue.record("allowed, or refused without the reason"); return }
    #expect(refusal.message == "Not authorized to access Microsoft.KeyVault/managedHsm/keys/sign/action on /keys")
    // Another entry of the same role gives it again, and so does another assignment.
    try put(
      world, draft(RolePermission(dataActions: [.keysSign], notDataActions: [.keysSign]), RolePermission(dataActions: [.keysSign])))
    #expect(world.isAllowed(World.alice, .keysSign, at: .keys))
  }

  @Test("A role with only notDataActions gives nothing")
  func onlyNot() throws {
    let world = try World()
    let written = try put(world, draft(RolePermission(notDataActions: [.keysCreate])))
    #expect(written.permissions == [RolePermission(notDataActions: [.keysCreate])])
    try world.grant(id, to: World.alice)
    for action in DataAction.allCases { #expect(!world.isAllowed(World.alice, action, at: .root)) }
  }

  @Test("A role of a group serves its members, not the group's namesakes")
  func groups() throws {
    let world = try World()
    try world.grant(BuiltInRoles.cryptoUser, to: World.team)
    #expect(world.isAllowed(World.alice, .keysSign, at: .keys, groups: [World.build, World.team]))
    #expect(!world.isAllowed(World.alice, .keysSign, at: .keys))
    #expect(!world.isAllowed(World.alice, .keysSign, at: .keys, groups: [World.build]))
  }

  @Test("A withdrawn role is gone for the next decision, also for a permit made before")
  func staleP() throws {
    let world = try World()
    let assignment = try world.grant(BuiltInRoles.policyAdministrator, to: World.alice)
    let stale = try world.permit(.roleAssignmentsWrite, as: World.alice)
    try world.revoke(assignment)
    #expect(!world.isAllowed(World.alice, .roleAssignmentsWrite, at: .root))
    #expect {
      try world.access.assign(
        RoleAssignmentID(Entropy.system.uuid())!, role: BuiltInRoles.administrator, to: World.alice, at: .root, permit: stale)
    } throws: { if case .refused? = $0 as? AccessError { true } else { false } }
  }

  @Test("A permit serves for its own action and scope only")
  func wrongPermit() throws {
    let world = try World()
    try world.grant(BuiltInRoles.policyAdministrator, to: World.alice, at: scope("/keys/a"))
    let keyPermit = try world.permit(.roleAssignmentsWrite, at: scope("/keys/a"), as: World.alice)
    let new = RoleAssignmentID(Entropy.system.uuid())!
    for wanted in ["/", "/keys", "/keys/b"] {
      #expect(throws: AccessError.permitDoesNotServe(needed: .roleAssignmentsWrite, at: scope(wanted))) {
        try world.access.assign(new, role: BuiltInRoles.administrator, to: World.alice, at: scope(wanted), permit: keyPermit)
      }
    }
    #expect(throws: AccessError.permitDoesNotServe(needed: .roleAssignmentsDelete, at: .root)) {
      try world.access.revoke(new, at: .root, permit: world.permit(.roleAssignmentsWrite))
    }
    #expect(throws: AccessError.permitDoesNotServe(needed: .roleDefinitionsWrite, at: .root)) {
      try world.access.putDefinition(id, draft(), permit: world.permit(.roleAssignmentsWrite))
    }
    // At its own scope it serves.
    try world.access.assign(new, role: BuiltInRoles.cryptoUser, to: World.build, at: scope("/keys/a"), permit: keyPermit)
  }

  @Test("An assignment above is not found, and not deleted, through a key's path")
  func deleteThroughKey() throws {
    let world = try World()
    try world.grant(BuiltInRoles.policyAdministrator, to: World.alice, at: scope("/keys/a"))
    let root = try world.grant(BuiltInRoles.cryptoUser, to: World.build)
    let permit = try world.permit(.roleAssignmentsDelete, at: scope("/keys/a"), as: World.alice)
    #expect(throws: AccessError.assignmentNotFound) { try world.access.revoke(root.id, at: scope("/keys/a"), permit: permit) }
    #expect(throws: AccessError.assignmentNotFound) { try world.access.assignment(root.id, at: scope("/keys/a")) }
    #expect(world.isAllowed(World.build, .keysSign, at: .keys))
  }

  // MARK: Definitions

  @Test("Built-in roles are neither changed nor deleted, and their names cannot be taken", arguments: BuiltInRoles.all.map(\.id))
  func builtIn(_ role: RoleDefinitionID) throws {
    let world = try World()
    #expect(throws: AccessError.builtInDefinition(role)) { try put(world, draft(), id: role) }
    #expect(throws: AccessError.builtInDefinition(role)) {
      try world.access.deleteDefinition(role, permit: world.permit(.roleDefinitionsDelete))
    }
    let name = BuiltInRoles.byID[role]!.name.uppercased()
    #expect(throws: AccessError.roleNameTaken(name, by: role)) { try put(world, draft(name: name)) }
  }

  @Test("A custom role is created, replaced in place and deleted, and comes back with what it was")
  func custom() throws {
    let world = try World()
    try put(world, draft(RolePermission(dataActions: [.keysSign])))
    let second = RoleDefinitionID(Entropy.system.uuid())!
    try put(world, draft(name: "Second"), id: second)
    let updated = try put(world, draft(RolePermission(actions: ["x"], dataActions: [.keysRead]), name: "Renamed"))
    #expect(world.access.definitions().suffix(2).map(\.name) == ["Renamed", "Second"])
    #expect(try world.access.deleteDefinition(id, permit: world.permit(.roleDefinitionsDelete)) == updated)
    #expect(throws: AccessError.definitionNotFound) { try world.access.definition(id) }
    #expect(throws: AccessError.definitionNotFound) {
      try world.access.deleteDefinition(id, permit: world.permit(.roleDefinitionsDelete))
    }
    #expect(try world.restarted().access.definitions() == world.access.definitions())
  }

  @Test("Changing a role changes what its holders may do at once")
  func changedRole() throws {
    let world = try World()
    try put(world, draft(RolePermission(dataActions: [.keysSign])))
    try world.grant(id, to: World.alice)
    #expect(world.isAllowed(World.alice, .keysSign, at: .keys))
    try put(world, draft(RolePermission(dataActions: [.keysRead])))
    #expect(!world.isAllowed(World.alice, .keysSign, at: .keys))
    #expect(world.isAllowed(World.alice, .keysRead, at: .keys))
  }

  @Test("A role in use is not deleted")
  func inUse() throws {
    let world = try World()
    try put(world, draft())
    let assignment = try world.grant(id, to: World.alice)
    #expect(throws: AccessError.definitionInUse(id, assignments: 1)) {
      try world.access.deleteDefinition(id, permit: world.permit(.roleDefinitionsDelete))
    }
    try world.revoke(assignment)
    try world.access.deleteDefinition(id, permit: world.permit(.roleDefinitionsDelete))
  }

  @Test("Fifty custom roles are taken beside the ready one, the next is not")
  func fifty() throws {
    let world = try World()
    for index in 0..<50 { try put(world, draft(name: "Role \(index)"), id: RoleDefinitionID(Entropy.system.uuid())!) }
    #expect(throws: AccessError.tooManyDefinitions(limit: 50)) { try put(world, draft(name: "One more")) }
  }

  @Test("A role name is bounded and printable", arguments: [String(repeating: "x", count: 129), "a\u{0}b", "line\nbreak"])
  func badNames(_ name: String) throws {
    let world = try World()
    #expect { try put(world, draft(name: name)) } throws: { if case .badRoleName? = $0 as? AccessError { true } else { false } }
  }

  // MARK: Assignments

  @Test("An unknown role is refused in the service's own spelling")
  func unknownRole() throws {
    let world = try World()
    #expect(throws: AccessError.unknownRole(id)) { try world.grant(id, to: World.alice) }
    #expect(AccessError.unknownRole(id).description.contains("Unkown role definition"))
  }

  @Test("The same role for the same principal at the same scope exists once; a repeated PUT is no second one")
  func duplicates() throws {
    let world = try World()
    let first = try world.grant(BuiltInRoles.cryptoUser, to: World.alice, at: scope("/keys/a"))
    let commits = world.store.commits
    #expect(try world.grant(BuiltInRoles.cryptoUser, to: World.alice, at: scope("/keys/A"), id: first.id) == first)
    #expect(world.store.commits == commits)
    #expect(throws: AccessError.sameAssignmentExists(first.id)) {
      try world.grant(BuiltInRoles.cryptoUser, to: World.alice, at: scope("/keys/a"))
    }
    #expect(throws: AccessError.assignmentIDTaken(first.id)) {
      try world.grant(BuiltInRoles.cryptoOfficer, to: World.alice, at: scope("/keys/a"), id: first.id)
    }
    #expect(throws: AccessError.assignmentIDTaken(first.id)) {
      try world.grant(BuiltInRoles.cryptoUser, to: World.alice, at: .root, id: first.id)
    }
    try world.grant(BuiltInRoles.cryptoUser, to: World.alice, at: scope("/keys/b"))
  }

  @Test("Under Azure's limits the 51st assignment at the top and the 11th at a key are refused")
  func limits() throws {
    let world = try World(limits: .azure)
    func someone() -> PrincipalID { PrincipalID(Entropy.system.uuid())! }
    for _ in 0..<49 { try world.grant(BuiltInRoles.cryptoUser, to: someone()) }
    #expect(throws: AccessError.tooManyAssignments(limit: 50, scope: .root)) { try world.grant(BuiltInRoles.cryptoUser, to: someone()) }
    for _ in 0..<10 { try world.grant(BuiltInRoles.cryptoUser, to: someone(), at: scope("/keys/a")) }
    #expect(throws: AccessError.tooManyAssignments(limit: 10, scope: scope("/keys/a"))) {
      try world.grant(BuiltInRoles.cryptoUser, to: someone(), at: scope("/keys/a"))
    }
    try world.grant(BuiltInRoles.cryptoUser, to: someone(), at: scope("/keys/b"))
  }

  @Test("Listing at / shows no assignment of a single key; listing at a key shows its own")
  func listing() throws {
    let world = try World()
    try world.grant(BuiltInRoles.cryptoUser, to: World.alice)
    try world.grant(BuiltInRoles.cryptoUser, to: World.alice, at: .keys)
    try world.grant(BuiltInRoles.cryptoUser, to: World.alice, at: scope("/keys/a"))
    #expect(world.access.assignments(at: .root).map(\.scope.text) == ["/", "/", "/keys"])
    #expect(world.access.assignments(at: .root, principal: World.alice).map(\.scope.text) == ["/", "/keys"])
    #expect(world.access.assignments(at: .keys).map(\.scope.text) == ["/keys"])
    #expect(world.access.assignments(at: scope("/keys/A")).map(\.scope.text) == ["/keys/a"])
    #expect(world.access.assignments(at: scope("/keys/b")).isEmpty)
  }

  @Test("The last right to assign roles at / is not deleted")
  func lockOut() throws {
    let world = try World()
    let first = try #require(world.access.assignments(at: .root).first)
    #expect(throws: AccessError.wouldLockEverybodyOut(first.id)) { try world.revoke(first) }
    try world.grant(BuiltInRoles.administrator, to: World.alice)
    try world.revoke(first)
    #expect(!world.isAllowed(World.admin, .roleAssignmentsRead, at: .root))
  }

  @Test("The first administrator is named once")
  func initialiseOnce() throws {
    let world = try World()
    #expect(throws: AccessError.alreadyInitialised) { try world.access.initialise(administrators: [World.alice]) }
    #expect(throws: AccessError.alreadyInitialised) { try world.restarted().access.initialise(administrators: [World.alice]) }
  }

  // MARK: Audit readers

  @Test("The audit trail is read by who may assign roles at /, by the auditor, or by an explicit right, and by nobody else")
  func auditReaders() throws {
    let world = try World()
    func mayRead(_ id: PrincipalID) -> Bool {
      if case .success = world.access.authorizeAuditReading(Authenticated(request: 0, principal: World.principal(id))) { true } else { false }
    }
    #expect(mayRead(World.admin))
    for role in BuiltInRoles.all {
      let someone = PrincipalID(Entropy.system.uuid())!
      try world.grant(role.id, to: someone)
      let expected = ["Managed HSM Administrator", "Managed HSM Crypto Officer", "Managed HSM Policy Administrator", "Managed HSM Crypto Auditor"]
      #expect(mayRead(someone) == expected.contains(role.name), "\(role.name)")
    }
    try world.grant(BuiltInRoles.cryptoOfficer, to: World.build, at: .keys)
    #expect(!mayRead(World.build))
    try put(world, draft(RolePermission(dataActions: [.hallmarkAuditRead])))
    try world.grant(id, to: World.alice)
    #expect(mayRead(World.alice))
  }

  // MARK: History and questions

  @Test("What was true at a moment can be asked later: who held what, who granted it, who took it back")
  func history() throws {
    let world = try World()
    world.clock.advance(100)
    let before = world.clock.source.now()
    world.clock.advance(100)
    let assignment = try world.grant(BuiltInRoles.cryptoUser, to: World.alice, at: scope("/keys/a"))
    let during = world.clock.source.now()
    world.clock.advance(100)
    try world.revoke(assignment)
    let after = world.clock.source.now()
    for world in [world, try world.restarted()] {
      func could(_ time: Instant) -> Bool {
        if case .allowed(assignment) = world.access.decide(World.alice, .keysSign, at: scope("/keys/a"), at: time) { true } else { false }
      }
      #expect([before, during, after].map(could) == [false, true, false])
      let entry = try #require(world.access.assignmentHistory(assignment.id).first)
      #expect(entry.assignment.createdBy == World.admin)
      #expect(entry.deletedBy == World.admin)
      #expect(entry.deletedAt == after)
      #expect(world.access.assignmentHistory(principal: World.alice).count == 1)
      #expect(world.access.whoCan(.keysSign, at: scope("/keys/a"), at: during).map(\.principal) == [World.alice])
      #expect(world.access.whoCan(.keysSign, at: scope("/keys/a")).isEmpty)
    }
  }

  @Test("The past is judged by the role as it was then")
  func roleHistory() throws {
    let world = try World()
    try put(world, draft(RolePermission(dataActions: [.keysSign])))
    try world.grant(id, to: World.alice)
    let then = world.clock.source.now()
    world.clock.advance(60)
    try put(world, draft(RolePermission(dataActions: [.keysRead])))
    func could(_ action: DataAction, _ time: Instant) -> Bool {
      if case .allowed = world.access.decide(World.alice, action, at: .keys, at: time) { true } else { false }
    }
    #expect(could(.keysSign, then) && !could(.keysRead, then))
    let now = world.clock.source.now()
    #expect(!could(.keysSign, now) && could(.keysRead, now))
  }

  @Test("why names every assignment and what speaks against it")
  func why() throws {
    let world = try World()
    let nothing = world.access.why(World.alice, .keysSign, at: .keys)
    #expect(nothing.findings.isEmpty)
    if case .denied(let refusal) = nothing.decision { #expect(refusal.reasons == [.noAssignment]) } else { Issue.record("allowed") }

    let elsewhere = try world.grant(BuiltInRoles.cryptoUser, to: World.alice, at: scope("/keys/b"))
    let auditor = try world.grant(BuiltInRoles.cryptoAuditor, to: World.team)
    let asked = world.access.why(World.alice, groups: [World.team], .keysSign, at: scope("/keys/a"))
    guard case .denied(let refusal) = asked.decision else { Issue.record("allowed"); return }
    #expect(
      Set(refusal.reasons) == [
        .outsideScope(assignment: elsewhere.id, role: BuiltInRoles.cryptoUser, at: scope("/keys/b")),
        .notInRole(assignment: auditor.id, role: BuiltInRoles.cryptoAuditor),
      ])
    #expect(asked.findings.first { $0.assignment == auditor }?.viaGroup == World.team)
    let allowed = world.access.why(World.alice, .keysSign, at: scope("/keys/b"))
    #expect(allowed.decision == .allowed(elsewhere))
    #expect(allowed.findings.map(\.against) == [nil])
  }

  @Test("The permitting assignment is the most specific one")
  func specific() throws {
    let world = try World()
    try world.grant(BuiltInRoles.cryptoUser, to: World.alice)
    let key = try world.grant(BuiltInRoles.cryptoUser, to: World.alice, at: scope("/keys/a"))
    let permit = try world.permit(.keysSign, at: scope("/keys/a"), as: World.alice)
    #expect(permit.assignment == key)
  }
}
