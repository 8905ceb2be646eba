import Audit
import Dispatch
import Encodings
import JOSE
import ManagedHSMWire
import NIOHTTP1
import Testing

@testable import ManagedHSMService

@Suite("Bounded lanes")
struct LaneTests {
  @Test("A full lane answers 503 at once, records nothing, and takes work again when it is free")
  func full() async throws {
    let lanes = Lanes(cores: 1)
    let hsm = try HSM(lanes: lanes)
    let token = try hsm.token(HSM.user)
    let gate = DispatchSemaphore(value: 0)
    // Two threads are busy, and the queue behind them is filled to its limit.
    for _ in 0..<2 { #expect(lanes.run(on: .state) { gate.wait() }) }
    var queued = 0
    while queued < Lanes.limit + 2, lanes.run(on: .state, {}) { queued += 1 }
    #expect(queued >= Lanes.limit - 2 && queued <= Lanes.limit)
    for (method, path) in [(HTTPMethod.GET, "/keys"), (.GET, "/keys/k"), (.POST, "/keys/k/sign"), (.GET, "/settings")] {
      let (reply, records) = try await hsm.recorded { await hsm.send(method, path, bearer: token) }
      #expect(reply.status == 503 && reply.code == "ServiceUnavailable" && reply.value("Retry-After") == "1", "\(path)")
      #expect(records.isEmpty)
    }
    #expect(await hsm.send(.POST, "/\(HSM.tenant)/oauth2/v2.0/token").status == 503)
    // What needs no lane is served all the same.
    #expect(await hsm.send(.GET, "/healthz").status == 200)
    #expect(await hsm.send(.GET, "/keys").status == 401)
    for _ in 0..<2 { gate.signal() }
    #expect(try await eventually { await hsm.send(.GET, "/keys", bearer: token).status == 200 })
    await lanes.shutDown()
  }

  @Test("A token whose issuer's keys cannot be fetched is refused and recorded, and the caller is not left waiting")
  func unreachableIssuer() async throws {
    let lanes = Lanes(cores: 1)
    let hsm = try HSM(lanes: lanes)
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await lanes.run() }
      do {
        let token = try hsm.forgedToken(["iss": "https://slow.example", "tid": "99999999-0000-4000-8000-000000000000"])
        let (reply, records) = try await hsm.recorded { await hsm.send(.GET, "/keys", bearer: token) }
        #expect(reply.status == 401 && reply.values("WWW-Authenticate").count == 1)
        #expect(records.count == 1 && records.first?.entry.principal == nil)
      } catch { Issue.record(error) }
      lanes.finishNetwork()
    }
    // Once the network lane is closed, such a token is told to come again.
    hsm.clock.advance(3600)
    let token = try hsm.forgedToken(["iss": "https://slow.example", "tid": "99999999-0000-4000-8000-000000000000"])
    #expect(await hsm.send(.GET, "/keys", bearer: token).status == 503)
    await lanes.shutDown()
  }
}
