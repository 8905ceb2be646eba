import Clocks
import Testing

@testable import Access

@Suite("Rows changed behind our back")
struct SealedRowsTests {
  func filled() throws -> World {
    let world = try World()
    try world.grant(BuiltInRoles.cryptoUser, to: World.alice, at: scope("/keys/a"))
    return world
  }

  @Test("A store is read back as it was written")
  func roundTrip() throws {
    let world = try filled()
    #expect(try world.restarted().access.allAssignments() == world.access.allAssignments())
  }

  @Test("One changed bit in any row, body or MAC, stops the load and names the row")
  func tampered() throws {
    let world = try filled()
    let rows = world.store.rows
    #expect(rows.count == 4)
    for row in rows {
      for (body, mac) in [
        (row.body.map { $0 ^ 1 }, row.mac), (row.body, row.mac.map { $0 ^ 1 }), (row.body, []), (row.body + [32], row.mac),
      ] {
        world.store.overwrite(AccessRow(table: row.table, id: row.id, body: body, mac: mac))
        #expect(throws: AccessError.rowTampered(row.table, id: row.id)) { try world.restarted() }
      }
      world.store.overwrite(row)
    }
    _ = try world.restarted()
  }

  @Test("A removed row stops the load", arguments: [AccessTable.assignment, .definition, .manifest])
  func removed(_ table: AccessTable) throws {
    let world = try filled()
    for row in world.store.rows where row.table == table {
      world.store.erase(row)
      #expect(throws: AccessError.rowsMissingOrRevived) { try world.restarted() }
      world.store.overwrite(row)
    }
  }

  @Test("A withdrawn assignment that is brought back stops the load")
  func revived() throws {
    let world = try filled()
    let assignment = try #require(world.access.assignments(at: scope("/keys/a")).first)
    let before = world.store.rows
    try world.revoke(assignment)
    for row in before where row.table == .assignment { world.store.overwrite(row) }
    #expect(throws: AccessError.rowsMissingOrRevived) { try world.restarted() }
  }

  @Test("A row is bound to its place: under another id or in another table it is foreign")
  func moved() throws {
    let world = try filled()
    let row = try #require(world.store.rows.first { $0.table == .assignment })
    world.store.overwrite(AccessRow(table: .assignment, id: "000000077", body: row.body, mac: row.mac))
    #expect(throws: AccessError.rowTampered(.assignment, id: "000000077")) { try world.restarted() }
  }

  @Test("Rows of another HSM, or under another key, are foreign")
  func foreign() throws {
    let world = try filled()
    #expect { try world.restarted(hsm: "hsm-2") } throws: { if case .rowTampered? = $0 as? AccessError { true } else { false } }
    #expect { try world.restarted(key: 8) } throws: { if case .rowTampered? = $0 as? AccessError { true } else { false } }
  }

  @Test("A commit that failed changes nothing, and the next one goes through")
  func failedBefore() throws {
    let world = try filled()
    let before = world.access.allAssignments()
    world.store.failNextCommit(.before)
    #expect(throws: AccessError.store(.commitFailed(detail: "asked to"))) { try world.grant(BuiltInRoles.cryptoUser, to: World.build) }
    #expect(world.access.allAssignments() == before)
    try world.grant(BuiltInRoles.cryptoUser, to: World.build)
    #expect(try world.restarted().access.allAssignments().count == before.count + 1)
  }

  @Test("A commit that happened although it was reported failed is found out before the next")
  func failedAfter() throws {
    let world = try filled()
    world.store.failNextCommit(.after)
    #expect(throws: AccessError.self) { try world.grant(BuiltInRoles.cryptoUser, to: World.build) }
    #expect(!world.isAllowed(World.build, .keysSign, at: .keys))
    #expect(throws: AccessError.storeChangedUnderneath) { try world.grant(BuiltInRoles.cryptoOfficer, to: World.build) }
    #expect(try world.restarted().isAllowed(World.build, .keysSign, at: .keys))
  }
}
