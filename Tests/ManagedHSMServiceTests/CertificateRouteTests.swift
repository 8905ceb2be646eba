import Access
import Audit
import Custody
import Encodings
import ManagedHSMWire
import NIOHTTP1
import Synchronization
import Testing

@testable import ManagedHSMService

@Suite("Certificate chains of key versions")
struct CertificateRouteTests {
  /// A key and its version.
  private func key(_ hsm: HSM, _ name: String = "release") async throws -> String {
    try #require(try await hsm.createKey(name).split(separator: "/").last.map(String.init))
  }

  private func path(_ name: String, _ version: String) -> String { "/hallmark/v1/keys/\(name)/\(version)/certificates" }
  private func body(_ version: String) -> JSONValue { ["pem": .string(WordRules.good(version))] }

  /// A role with exactly these actions, held by `HSM.nobody`.
  private func role(_ hsm: HSM, _ actions: [String], at scope: String = "/keys") async throws {
    let id = "abcdef00-0000-4000-8000-0000000000\(10 + actions.count)"
    let reply = try await hsm.send(
      .PUT, "/providers/Microsoft.Authorization/roleDefinitions/\(id)", as: HSM.admin,
      ["properties": [
        "roleName": "certificates test", "type": "CustomRole", "assignableScopes": ["/"],
        "permissions": [["dataActions": .array(actions.map { .string("Microsoft.KeyVault/managedHsm/\($0)") })]],
      ]])
    #expect(reply.status == 201, "\(reply.text)")
    try hsm.grant(id, to: HSM.nobody, at: scope)
  }

  @Test("A chain is stored for a key version, read back, listed and deleted, and each call is in the trail with key and version")
  func wholeLife() async throws {
    let hsm = try HSM()
    let version = try await key(hsm)
    let (_, records) = try await hsm.recorded {
      let put = try await hsm.send(.PUT, path("release", version), as: HSM.user, body(version))
      #expect(put.status == 200 && put.json["certificates"]?.int64 == 2, "\(put.text)")
      let get = try await hsm.send(.GET, path("release", version), as: HSM.user)
      #expect(get.status == 200 && get.json["pem"] == put.json["pem"] && get.json["storedBy"]?.string == HSM.user.text)
      #expect(try PEM.parse(get.json["pem"]?.string ?? "").map(\.bytes) == [Array(WordRules.good(version).utf8), Array("root".utf8)])
      let list = try await hsm.send(.GET, "/hallmark/v1/certificates", as: HSM.user)
      #expect(list.json["value"]?.array?.map { $0["version"]?.string } == [version] && list.json["nextLink"] == nil)
      let deleted = try await hsm.send(.DELETE, path("release", version), as: HSM.user)
      #expect(deleted.status == 204)
      let gone = try await hsm.send(.GET, path("release", version), as: HSM.user)
      #expect(gone.status == 404 && gone.code == "CertificatesNotFound")
      #expect(try await hsm.send(.DELETE, path("release", version), as: HSM.user).status == 404)
    }
    #expect(
      records.map(\.entry.operation) == [
        .certificatesWrite, .certificatesRead, .certificatesList, .certificatesDelete, .certificatesRead, .certificatesDelete,
      ])
    for record in records where record.entry.operation != .certificatesList {
      #expect(record.entry.key == "release" && record.entry.version == version && record.entry.assignment != nil)
    }
    #expect(records[0].entry.reason?.contains("leaf SHA-256") == true)
  }

  @Test("A role that may only read and sign reads chains and cannot change them, and the trail says why")
  func signOnly() async throws {
    let hsm = try HSM()
    let version = try await key(hsm)
    try await role(hsm, ["keys/read/action", "keys/sign/action"])
    #expect(try await hsm.send(.PUT, path("release", version), as: HSM.user, body(version)).status == 200)
    #expect(try await hsm.send(.GET, path("release", version), as: HSM.nobody).status == 200)
    let (replies, records) = try await hsm.recorded {
      [try await hsm.send(.PUT, path("release", version), as: HSM.nobody, body(version)), try await hsm.send(.DELETE, path("release", version), as: HSM.nobody)]
    }
    #expect(replies.map(\.status) == [403, 403])
    #expect(records.map(\.entry.decision) == [.deny, .deny] && records.map(\.entry.operation) == [.certificatesWrite, .certificatesDelete])
    #expect(records.allSatisfy { $0.entry.version == version })
    #expect(try await hsm.send(.GET, path("release", version), as: HSM.user).status == 200)
  }

  @Test("Signing alone does not let a caller read chains")
  func signWithoutRead() async throws {
    let hsm = try HSM()
    let version = try await key(hsm)
    try await role(hsm, ["keys/sign/action"])
    #expect(try await hsm.send(.GET, path("release", version), as: HSM.nobody).status == 403)
    #expect(try await hsm.send(.GET, "/hallmark/v1/certificates", as: HSM.nobody).status == 403)
  }

  @Test("A right on one key says nothing about another key's chain, nor about the list")
  func oneKey() async throws {
    let hsm = try HSM()
    let mine = try await key(hsm, "mine")
    let other = try await key(hsm, "other")
    try await role(hsm, ["keys/read/action", "keys/write/action"], at: "/keys/mine")
    #expect(try await hsm.send(.PUT, path("mine", mine), as: HSM.nobody, body(mine)).status == 200)
    #expect(try await hsm.send(.PUT, path("other", other), as: HSM.nobody, body(other)).status == 403)
    #expect(try await hsm.send(.GET, "/hallmark/v1/certificates", as: HSM.nobody).status == 403)
  }

  @Test("A chain that the rules refuse is not kept, and the answer says why")
  func refused() async throws {
    let hsm = try HSM()
    let version = try await key(hsm)
    let other = try await key(hsm, "other")
    let reply = try await hsm.send(.PUT, path("release", version), as: HSM.user, body(other))
    #expect(reply.status == 400 && reply.message?.contains("belongs to another key") == true, "\(reply.text)")
    #expect(try await hsm.send(.GET, path("release", version), as: HSM.user).status == 404)
  }

  @Test("A chain that is refused leaves the one before in place")
  func refusedKeepsOld() async throws {
    let hsm = try HSM()
    let version = try await key(hsm)
    #expect(try await hsm.send(.PUT, path("release", version), as: HSM.user, body(version)).status == 200)
    #expect(try await hsm.send(.PUT, path("release", version), as: HSM.user, ["pem": "something else"]).status == 400)
    #expect(try await hsm.send(.GET, path("release", version), as: HSM.user).json["pem"]?.string?.isEmpty == false)
  }

  @Test("Bodies with other members, without pem, or longer than a chain may be are refused", arguments: [
    "{}", #"{"pem":1}"#, #"{"pem":"x","certificates":[]}"#, #"{"pem":"x","pem":"y"}"#, "[]", "", "{",
  ])
  func badBodies(_ text: String) async throws {
    let hsm = try HSM()
    let version = try await key(hsm)
    let reply = await hsm.send(.PUT, path("release", version), bearer: try hsm.token(HSM.user), Array(text.utf8))
    #expect(reply.status == 400, "\(reply.text)")
  }

  @Test("A chain longer than the limit is refused before it is judged")
  func tooLong() async throws {
    let hsm = try HSM()
    let version = try await key(hsm)
    let reply = try await hsm.send(
      .PUT, path("release", version), as: HSM.user, ["pem": .string(String(repeating: "x", count: CertificateShelf.maxChainBytes + 1))])
    #expect(reply.status == 400 && reply.message?.contains("more than the \(CertificateShelf.maxChainBytes)") == true)
  }

  @Test("Unknown keys, unknown versions and texts that are no version are 404", arguments: [
    "absent0/0123456789abcdef0123456789abcdef", "release/0123456789abcdef0123456789abcdef", "release/latest", "release/..",
  ])
  func unknown(_ target: String) async throws {
    let hsm = try HSM()
    _ = try await key(hsm)
    for method in [HTTPMethod.GET, .PUT, .DELETE] {
      #expect(try await hsm.send(method, "/hallmark/v1/keys/\(target)/certificates", as: HSM.user, method == .PUT ? ["pem": "x"] : nil).status == 404)
    }
  }

  @Test("Other methods are 405", arguments: [HTTPMethod.POST, .PATCH])
  func methods(_ method: HTTPMethod) async throws {
    let hsm = try HSM()
    let version = try await key(hsm)
    #expect(try await hsm.send(method, path("release", version), as: HSM.user, body(version)).status == 405)
    #expect(try await hsm.send(method, "/hallmark/v1/certificates", as: HSM.user).status == 405)
  }

  @Test("A row changed outside the service is refused as an integrity failure, for one chain and in the list")
  func tampered() async throws {
    let hsm = try HSM()
    let version = try await key(hsm)
    #expect(try await hsm.send(.PUT, path("release", version), as: HSM.user, body(version)).status == 200)
    hsm.chainStore.rows.withLock { rows in for name in rows.keys { rows[name]?.payload[20] ^= 1 } }
    let (replies, records) = try await hsm.recorded {
      [try await hsm.send(.GET, path("release", version), as: HSM.user), try await hsm.send(.GET, "/hallmark/v1/certificates", as: HSM.user)]
    }
    #expect(replies.map(\.status) == [500, 500] && replies.map(\.code) == ["IntegrityFailure", "IntegrityFailure"])
    #expect(records.allSatisfy { $0.entry.reason?.contains("changed outside this service") == true })
  }

  @Test("A genuine row moved to another key version is refused")
  func moved() async throws {
    let hsm = try HSM()
    let mine = try await key(hsm, "mine")
    let other = try await key(hsm, "other")
    #expect(try await hsm.send(.PUT, path("mine", mine), as: HSM.user, body(mine)).status == 200)
    hsm.chainStore.rows.withLock { rows in
      var row = rows["mine/\(mine)"]
      row?.name = "other"
      row?.version = other
      rows["other/\(other)"] = row
    }
    #expect(try await hsm.send(.GET, path("other", other), as: HSM.user).code == "IntegrityFailure")
    #expect(try await hsm.send(.GET, path("mine", mine), as: HSM.user).status == 200)
  }

  @Test("A deleted key shows no chain and takes none; recovered, it has its chain again; purged, it is gone")
  func deletedKey() async throws {
    let hsm = try HSM()
    let version = try await key(hsm)
    #expect(try await hsm.send(.PUT, path("release", version), as: HSM.user, body(version)).status == 200)
    #expect(try await hsm.send(.DELETE, "/keys/release", as: HSM.user).status == 200)
    #expect(try await hsm.send(.GET, path("release", version), as: HSM.user).status == 404)
    #expect(try await hsm.send(.PUT, path("release", version), as: HSM.user, body(version)).status == 404)
    #expect(try await hsm.send(.GET, "/hallmark/v1/certificates", as: HSM.user).json["value"]?.array?.isEmpty == true)
    #expect(try await hsm.send(.POST, "/deletedkeys/release/recover", as: HSM.officer).status == 200)
    #expect(try await hsm.send(.GET, path("release", version), as: HSM.user).status == 200)
    #expect(try await hsm.send(.DELETE, "/keys/release", as: HSM.user).status == 200)
    #expect(try await hsm.send(.DELETE, "/deletedkeys/release", as: HSM.officer).status == 204)
    _ = try await key(hsm)
    #expect(try await hsm.send(.GET, path("release", version), as: HSM.user).status == 404)
  }

  @Test("The list comes in pages that together hold every chain once")
  func pages() async throws {
    let hsm = try HSM()
    var expected: Set<String> = []
    for number in 0..<(CertificateShelf.pageSize + 3) {
      let version = try await key(hsm, "key-\(number)")
      #expect(try await hsm.send(.PUT, path("key-\(number)", version), as: HSM.user, body(version)).status == 200)
      expected.insert(version)
    }
    var target: String? = "/hallmark/v1/certificates"
    var found: [String] = []
    var count = 0
    while let next = target {
      let page = try await hsm.send(.GET, next, as: HSM.user)
      found += page.json["value"]?.array?.compactMap { $0["version"]?.string } ?? []
      target = page.json["nextLink"]?.string.map { String($0.dropFirst(HSM.url.count)) }
      count += 1
    }
    #expect(count == 2 && found.count == expected.count && Set(found) == expected)
  }

  @Test("A place in the list that is none is refused", arguments: ["x", "a/b", "a/b/c", "", "/0123456789abcdef0123456789abcdef"])
  func badPlace(_ text: String) async throws {
    let hsm = try HSM()
    #expect(try await hsm.send(.GET, "/hallmark/v1/certificates?after=\(text)", as: HSM.user).status == 400)
  }

  @Test("Without a token nothing is answered")
  func anonymous() async throws {
    let hsm = try HSM()
    #expect(try await hsm.send(.GET, "/hallmark/v1/certificates", as: nil).status == 401)
    #expect(try await hsm.send(.PUT, path("release", "0"), as: nil, ["pem": "x"]).status == 401)
  }
}
