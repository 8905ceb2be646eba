import Access
import Audit
import Clocks
import Custody
import Encodings
import ManagedHSMWire
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

@testable import ManagedHSMService

@Suite("The data plane")
struct DataPlaneTests {
  static let digest: JSONValue = .string(Base64URL.encode([UInt8](repeating: 7, count: 32)))

  private func create(_ hsm: HSM, _ body: JSONValue) async throws -> WireReply { try await hsm.send(.POST, "/keys/probe/create", as: HSM.user, body) }

  // MARK: - Headers

  @Test("A success carries the live service's headers, an error leaves out region and network")
  func headers() async throws {
    let hsm = try HSM()
    let get = try await hsm.send(.GET, "/keys", as: HSM.user)
    let post = try await hsm.send(.POST, "/rng", as: HSM.user, ["count": 4])
    let missing = try await hsm.send(.GET, "/keys/absent0", as: HSM.user)
    let refused = try await hsm.send(.GET, "/keys", as: HSM.nobody)
    for reply in [get, post, missing, refused] {
      #expect(reply.values("Content-Type") == ["application/json; charset=utf-8"])
      #expect(reply.values("Cache-Control") == ["no-cache"])
      #expect(reply.values("Content-Security-Policy") == ["default-src 'self'"])
      #expect(reply.values("Strict-Transport-Security") == ["max-age=31536000; includeSubDomains"])
      #expect(reply.values("X-Content-Type-Options") == ["nosniff"])
      #expect(reply.values("X-Frame-Options") == ["SAMEORIGIN"])
      #expect(reply.value("x-ms-server-latency").flatMap { Int($0) } != nil)
      let id = try #require(reply.value("x-ms-request-id"))
      // A version-1 UUID of the RFC 9562 variant.
      let groups = id.split(separator: "-")
      #expect(groups.map(\.count) == [8, 4, 4, 4, 12])
      #expect(groups[2].first == "1" && "89ab".contains(groups[3].first!))
      #expect(reply.values("WWW-Authenticate").isEmpty)
    }
    for reply in [get, post] {
      #expect(reply.value("x-ms-keyvault-region") == "test-region")
      #expect(reply.value("x-ms-keyvault-network-info") == "conn_type=Ipv4;addr=192.0.2.7;act_addr_fam=Ipv4;")
    }
    for reply in [missing, refused] {
      #expect(reply.value("x-ms-keyvault-region") == nil && reply.value("x-ms-keyvault-network-info") == nil)
      #expect(reply.json["error"]?.object?.names == ["code", "message"])
      // The Activity ID is the request id.
      #expect(reply.json["error"]?["message"]?.string?.hasSuffix(" (Activity ID: \(reply.value("x-ms-request-id")!))") == true)
    }
    #expect(get.value("x-ms-build-version") != nil && post.value("x-ms-build-version") == nil)
    #expect(Set([get, post, missing, refused].compactMap { $0.value("x-ms-request-id") }).count == 4)
  }

  @Test("The client's request id is not echoed, though it asks for it")
  func noEcho() async throws {
    let hsm = try HSM()
    let reply = try await hsm.send(.GET, "/keys", as: HSM.user, headers: ["x-ms-client-request-id": "cafe-1234", "x-ms-return-client-request-id": "true"])
    #expect(reply.status == 200)
    #expect(!reply.headers.contains { $0.value.contains("cafe-1234") || $0.name.lowercased() == "x-ms-client-request-id" })
  }

  // MARK: - Paths and methods

  @Test("A path that does not exist is 404 after authentication, and recorded", arguments: [
    "/", "/secrets", "/keys/a/b/c/d", "/keys/%2Fetc", "/keys/../rng", "/hallmark", "/hallmark/v1/none", "/keys/n/v/unknown", "//", "/keys/%",
  ])
  func notFound(_ path: String) async throws {
    let hsm = try HSM()
    let (reply, records) = try await hsm.recorded { try await hsm.send(.GET, path, as: HSM.user) }
    #expect(reply.status == 404, "\(reply.text)")
    #expect(reply.json["error"]?["code"]?.string != nil)
    #expect(records.count == 1 && records.first?.entry.status == 404)
  }

  @Test("A method that a path does not have is 405 after authentication, HEAD among them")
  func methods() async throws {
    let hsm = try HSM()
    for (method, path) in [
      (HTTPMethod.HEAD, "/keys"), (.HEAD, "/keys/k"), (.OPTIONS, "/keys"), (.POST, "/keys"), (.PUT, "/keys"), (.DELETE, "/keys"), (.GET, "/keys/k/create"), (.GET, "/keys/k/sign"),
      (.PUT, "/keys/k/sign"), (.POST, "/keys/k"), (.PUT, "/keys/k/0123456789abcdef0123456789abcdef"), (.DELETE, "/keys/k/0123456789abcdef0123456789abcdef"), (.GET, "/rng"),
      (.PUT, "/deletedkeys/k"), (.POST, "/settings"), (.GET, "/securitydomain/download"), (.POST, "/providers/Microsoft.Authorization/roleDefinitions"), (.RAW(value: "BREW"), "/keys"),
    ] {
      let (reply, records) = try await hsm.recorded { try await hsm.send(method, path, as: HSM.admin) }
      #expect(reply.status == 405, "\(method) \(path)")
      #expect(records.count == 1 && records.first?.entry.status == 405)
      #expect(await hsm.send(method, path).status == 401)
    }
  }

  @Test("Any api-version, known or not or none, is answered; what is no version is refused")
  func versions() async throws {
    let hsm = try HSM()
    for query in ["", "?api-version=7.2-preview", "?api-version=7.6", "?api-version=2026-03-01-preview", "?api-version=99.9", "?x=1&api-version=2025-07-01", "?"] {
      #expect(try await hsm.send(.GET, "/keys" + query, as: HSM.user).status == 200, "\(query)")
    }
    for query in ["?api-version=", "?api-version=latest", "?api-version=7.6%27", "?api-version=../..", "?x=1&api-version=;"] {
      #expect(try await hsm.send(.GET, "/keys" + query, as: HSM.user).code == "BadParameter", "\(query)")
    }
  }

  // MARK: - Keys

  @Test("A bundle has the members of a managed HSM's and no more")
  func bundle() async throws {
    let hsm = try HSM()
    let reply = try await create(hsm, ["kty": "EC", "crv": "P-256"])
    #expect(reply.status == 200)
    #expect(Set(reply.json.object?.names ?? []) == ["attributes", "key"])
    #expect(Set(reply.json["key"]?.object?.names ?? []) == ["kid", "kty", "key_ops", "crv", "x", "y"])
    #expect(reply.json["key"]?["kty"]?.string == "EC-HSM")
    #expect(Set(reply.json["attributes"]?.object?.names ?? []) == ["created", "updated", "enabled", "exportable", "recoverableDays", "recoveryLevel"])
    #expect(reply.json["attributes"]?["recoveryLevel"]?.string == "CustomizedRecoverable+Purgeable")
    #expect(reply.json["attributes"]?["recoverableDays"]?.int == 7)
    let kid = try #require(reply.json["key"]?["kid"]?.string)
    #expect(kid.hasPrefix(HSM.url + "/keys/probe/"))
    let version = kid.dropFirst((HSM.url + "/keys/probe/").count)
    #expect(version.count == 32 && version.allSatisfy { $0.isHexDigit && !$0.isUppercase })
    // Another version, and the latest answers to no version.
    let second = try await create(hsm, ["kty": "EC", "crv": "P-256", "tags": ["a": "b "]])
    #expect(second.json["tags"]?["a"]?.string == "b ")
    #expect(try await hsm.send(.GET, "/keys/probe/", as: HSM.user).json == second.json)
    #expect(try await hsm.send(.GET, "/keys/probe/\(version)", as: HSM.user).json["key"]?["kid"]?.string == kid)
    let oct = try await hsm.send(.POST, "/keys/sym/create", as: HSM.user, ["kty": "oct", "key_size": 256])
    #expect(Set(oct.json["key"]?.object?.names ?? []) == ["kid", "kty", "key_ops"])
  }

  static let badCreations: [(body: JSONValue, says: String)] = [
    (["kty": "DSA"], "kty"), (["kty": "OKP", "crv": "Ed25519"], "kty"), (["kty": ""], "kty"), (["kty": "EC", "crv": "P-224"], "crv"), (["kty": "EC", "crv": "p-256"], "crv"),
    (["kty": "RSA", "key_size": 1024], "1024"), (["kty": "RSA", "key_size": 0], "0"), (["kty": "RSA", "key_size": -2048], "-2048"), (["kty": "RSA", "key_size": 2049], "2049"),
    (["kty": "RSA", "key_size": 1_000_000_000], "1000000000"), (["kty": "RSA", "public_exponent": 4], "4"), (["kty": "RSA", "public_exponent": 1], "1"),
    (["kty": "RSA", "public_exponent": -3], "public_exponent"), (["kty": "oct", "key_size": 100], "100"), (["kty": "oct", "key_size": 0], "0"),
    (["kty": "EC", "key_ops": ["sign", "fly"]], "fly"), (["kty": "EC", "key_ops": ["import", "sign"]], "import"), (["kty": "EC", "release_policy": [:]], "elease polic"),
    (["kty": "EC", "attributes": ["exportable": true]], "elease polic"), (["kty": "EC", "attributes": ["enabled": "yes"]], "enabled"),
    (["kty": "EC", "tags": ["a": .string(String(repeating: "x", count: 257))]], "256"),
    (["kty": "EC", "tags": .object(JSONObject(numbered: 16))], "15"),
  ]

  @Test("A key that cannot be is refused with the property and nothing is made", arguments: badCreations.indices)
  func badCreation(_ index: Int) async throws {
    let hsm = try HSM()
    let row = Self.badCreations[index]
    let reply = try await create(hsm, row.body)
    #expect(reply.status == 400 && reply.code == "BadParameter", "\(reply.text)")
    #expect(reply.message?.contains(row.says) == true, "\(reply.text)")
    #expect(try await hsm.send(.GET, "/keys", as: HSM.user).text == #"{"value":[]}"#)
  }

  @Test("A name that is no key name is refused by name, before anything is made", arguments: ["a_b", "a%20b", "%C3%A9", "a.b", "%F0%9F%94%91", String(repeating: "x", count: 128), "a%00b", "..."])
  func names(_ name: String) async throws {
    let hsm = try HSM()
    let reply = try await hsm.send(.POST, "/keys/\(name)/create", as: HSM.user, ["kty": "EC"])
    #expect(reply.status == (name.contains("%00") ? 404 : 400), "\(reply.text)")
    #expect(try hsm.keyStore.keyCount() == 0)
  }

  @Test("Signing with what cannot be is refused by kind")
  func badSignatures() async throws {
    let hsm = try HSM()
    let kid = try await hsm.createKey("probe")
    for (algorithm, value, says) in [
      ("ES257", Self.digest, "ES257"), ("", Self.digest, "lgorithm"), ("es256", Self.digest, "es256"), ("none", Self.digest, "none"), ("RS256", Self.digest, "RS256"),
      ("ES384", .string(Base64URL.encode([UInt8](repeating: 1, count: 48))), "ES384"), ("ES256", .string(Base64URL.encode([UInt8](repeating: 1, count: 31))), "32 bytes"),
      ("ES256", .string(Base64URL.encode([UInt8](repeating: 1, count: 33))), "32 bytes"), ("ES256", "", "32 bytes"), ("ES256", "*", "value"), ("ES256", nil, "value"),
      ("ES256", 7, "value"), (String(repeating: "A", count: 10_000), Self.digest, "lgorithm"),
    ] as [(String, JSONValue, String)] {
      let reply = try await hsm.send(.POST, "/keys/probe/sign", as: HSM.user, ["alg": .string(algorithm), "value": value])
      #expect(reply.status == 400 && reply.code == "BadParameter", "\(algorithm.prefix(20)): \(reply.text)")
      #expect(reply.message?.contains(says) == true, "\(reply.text)")
      #expect(reply.body.count < 1000)
    }
    let version = kid.split(separator: "/").last!
    for (path, status) in [
      ("/keys/absent0/sign", 404), ("/keys/probe/00000000000000000000000000000000/sign", 404), ("/keys/probe/latest/sign", 404), ("/keys/probe/\(version)0/sign", 404),
      ("/keys/pro_be/sign", 400),
    ] { #expect(try await hsm.send(.POST, path, as: HSM.user, ["alg": "ES256", "value": Self.digest]).status == status, "\(path)") }
  }

  @Test("A disabled, an expired and an early key do not sign, and the record says denied")
  func states() async throws {
    let hsm = try HSM()
    for (name, attributes, inner) in [
      ("disabled", ["enabled": false], "KeyDisabled"), ("expired", ["exp": .integer(hsm.clock.now - 10)], "KeyExpired"),
      ("early", ["nbf": .integer(hsm.clock.now + 1000)], "KeyNotYetValid"),
    ] as [(String, JSONValue, String)] {
      try await hsm.createKey(name, ["kty": "EC", "attributes": attributes])
      let (reply, records) = try await hsm.recorded { try await hsm.send(.POST, "/keys/\(name)/sign", as: HSM.user, ["alg": "ES256", "value": Self.digest]) }
      #expect(reply.status == 403 && reply.code == "Forbidden", "\(reply.text)")
      #expect(reply.json["error"]?["innererror"]?["code"]?.string == inner)
      #expect(records.first?.entry.decision == .deny && records.first?.entry.operation == .sign)
      // It is still shown.
      #expect(try await hsm.send(.GET, "/keys/\(name)", as: HSM.user).status == 200)
    }
    try await hsm.createKey("verify-only", ["kty": "EC", "key_ops": ["verify"]])
    let reply = try await hsm.send(.POST, "/keys/verify-only/sign", as: HSM.user, ["alg": "ES256", "value": Self.digest])
    #expect(reply.status == 403 && reply.json["error"]?["innererror"]?["code"]?.string == "KeyOperationForbidden")
    // The early key signs when its time comes, without a restart.
    hsm.clock.advance(1001)
    #expect(try await hsm.send(.POST, "/keys/early/sign", as: HSM.user, ["alg": "ES256", "value": Self.digest]).status == 200)
    // And disabling a loaded key stops it at once.
    #expect(try await hsm.send(.PATCH, "/keys/early/", as: HSM.user, ["attributes": ["enabled": false]]).status == 200)
    #expect(try await hsm.send(.POST, "/keys/early/sign", as: HSM.user, ["alg": "ES256", "value": Self.digest]).status == 403)
  }

  @Test("A signature verifies, and anything changed about it does not")
  func verification() async throws {
    let hsm = try HSM()
    try await hsm.createKey("probe")
    let signature = try #require(try await hsm.send(.POST, "/keys/probe/sign", as: HSM.user, ["alg": "ES256", "value": Self.digest]).json["value"]?.string)
    let bytes = try Base64URL.decode(signature)
    func verify(_ digest: JSONValue, _ signature: [UInt8]) async throws -> JSONValue? {
      let reply = try await hsm.send(.POST, "/keys/probe/verify", as: HSM.user, ["alg": "ES256", "digest": digest, "value": .string(Base64URL.encode(signature))])
      #expect(reply.status == 200, "\(reply.text)")
      return reply.json["value"]
    }
    #expect(try await verify(Self.digest, bytes) == true)
    #expect(try await verify(.string(Base64URL.encode([UInt8](repeating: 8, count: 32))), bytes) == false)
    var flipped = bytes
    flipped[10] ^= 1
    for bad in [flipped, [UInt8](repeating: 0, count: 64), Array(bytes.reversed()), Array(bytes.dropLast()), bytes + [0], []] { #expect(try await verify(Self.digest, bad) == false) }
  }

  @Test("A deleted key's name is a 409 that clients understand, and lists show it where it is")
  func softDelete() async throws {
    let hsm = try HSM()
    try await hsm.createKey("probe")
    let deleted = try await hsm.send(.DELETE, "/keys/probe", as: HSM.user)
    #expect(deleted.status == 200)
    #expect(deleted.json["recoveryId"]?.string == HSM.url + "/deletedkeys/probe")
    #expect(deleted.json["scheduledPurgeDate"]?.int64 == deleted.json["deletedDate"]?.int64.map { $0 + 7 * 86_400 })
    #expect(try await hsm.send(.GET, "/keys/probe", as: HSM.user).code == "KeyNotFound")
    #expect(try await hsm.send(.POST, "/keys/probe/sign", as: HSM.user, ["alg": "ES256", "value": Self.digest]).status == 404)
    let again = try await hsm.send(.POST, "/keys/probe/create", as: HSM.user, ["kty": "EC"])
    #expect(again.status == 409 && again.json["error"]?["innererror"]?["code"]?.string == "ObjectIsDeletedButRecoverable")
    #expect(try await hsm.send(.GET, "/deletedkeys/probe", as: HSM.officer).status == 200)
    #expect(try await hsm.send(.POST, "/deletedkeys/probe/recover", as: HSM.officer).status == 200)
    _ = try await hsm.send(.DELETE, "/keys/probe", as: HSM.user)
    let purged = try await hsm.send(.DELETE, "/deletedkeys/probe", as: HSM.officer)
    #expect(purged.status == 204 && purged.body.isEmpty)
    #expect(try await hsm.send(.GET, "/deletedkeys/probe", as: HSM.officer).message == "Key not found: \(HSM.url)/deletedkeys/probe")
  }

  // MARK: - Lists

  @Test("Pages follow nextLink, oldest first, each key once; the last page has none")
  func paging() async throws {
    let hsm = try HSM()
    let names = (0..<7).map { "k\(6 - $0)" }
    for name in names { try await hsm.createKey(name) }
    var found: [String] = []
    var target = "/keys?api-version=7.6&maxresults=3"
    var sizes: [Int] = []
    while true {
      let page = try await hsm.send(.GET, target, as: HSM.user)
      #expect(page.status == 200)
      let items = try #require(page.json["value"]?.array)
      sizes.append(items.count)
      for item in items {
        #expect(item["key"] == nil)
        found.append(String(try #require(item["kid"]?.string).dropFirst((HSM.url + "/keys/").count)))
      }
      guard let next = page.json["nextLink"]?.string else {
        #expect(page.json.object?.names == ["value"])
        break
      }
      #expect(next.hasPrefix(HSM.url + "/keys?maxresults=3&$skiptoken="))
      #expect(!next.contains("api-version"))
      // As the Python SDK follows it: with the api-version appended.
      target = String(next.dropFirst(HSM.url.count)) + "&api-version=7.6"
      try #require(sizes.count < 10)
    }
    #expect(found == names)
    #expect(sizes == [3, 3, 1])
  }

  @Test("Bad paging parameters are refused", arguments: [
    "maxresults=0", "maxresults=-1", "maxresults=x", "maxresults=", "maxresults=99999999999999999999", "maxresults=1.5", "$skiptoken=", "$skiptoken=garbage", "$skiptoken=%00", "%zz", "$skiptoken=-1",
  ])
  func badPaging(_ query: String) async throws {
    let hsm = try HSM()
    for path in ["/keys", "/keys/k/versions"] { #expect(try await hsm.send(.GET, "\(path)?\(query)", as: HSM.user).code == "BadParameter", "\(path)?\(query)") }
    #expect(try await hsm.send(.GET, "/deletedkeys?\(query)", as: HSM.officer).code == "BadParameter")
  }

  @Test("Versions of a key that does not exist are an empty list, not 404")
  func noVersions() async throws {
    let reply = try await HSM().send(.GET, "/keys/absent0/versions", as: HSM.user)
    #expect(reply.status == 200 && reply.text == #"{"value":[]}"#)
  }

  @Test("Recorded error texts")
  func recordedErrors() async throws {
    let hsm = try HSM()
    #expect(try await hsm.send(.GET, "/keys/absent0/", as: HSM.user).message == "Key not found: \(HSM.url)/keys/absent0")
    #expect(try await hsm.send(.POST, "/keys/absent0/rotate", as: HSM.user).message == "Key not found: Key not found: \(HSM.url)/keys/absent0")
    for method in [HTTPMethod.GET, .PATCH] {
      let reply = try await hsm.send(method, "/settings/nosuch", as: HSM.admin, ["value": "true"])
      #expect(reply.status == 400 && reply.code == "InvalidSetting")
      #expect(reply.message?.hasPrefix("Invalid setting name. Please check the spelling") == true)
    }
    let base = "/providers/Microsoft.Authorization"
    for name in ["99999999-9999-4999-8999-999999999999", "no-guid"] {
      #expect(try await hsm.send(.GET, "\(base)/roleDefinitions/\(name)", as: HSM.admin).message == "Requested role definition not found")
      #expect(try await hsm.send(.DELETE, "\(base)/roleAssignments/\(name)", as: HSM.admin).code == "RoleAssignmentNotFound")
    }
    #expect(try await hsm.send(.PUT, "\(base)/roleDefinitions/no-guid", as: HSM.admin, ["properties": ["roleName": "x"]]).code == "BadParameter")
    let builtIn = "\(base)/roleDefinitions/21dbd100-6940-42c2-9190-5d6cb909625b"
    #expect(try await hsm.send(.PUT, builtIn, as: HSM.admin, ["properties": ["roleName": "x", "permissions": []]]).code == "BadParameter")
    #expect(try await hsm.send(.DELETE, builtIn, as: HSM.admin).code == "BadParameter")
    let unknown = try await hsm.send(
      .PUT, "\(base)/roleAssignments/99999999-9999-4999-8999-999999999999", as: HSM.admin,
      ["properties": ["roleDefinitionId": "Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/99999999-9999-4999-8999-99999999ffff", "principalId": .string(HSM.user.text)]])
    #expect(unknown.code == "BadParameter" && unknown.message?.contains("Unkown role definition") == true)
    #expect(try await hsm.send(.GET, "/keys/no_name/providers/Microsoft.Authorization/roleAssignments", as: HSM.admin).code == "Invalidkeyidentifier")
  }

  @Test("A tampered key row is refused and nothing is said about it")
  func tampered() async throws {
    let hsm = try HSM()
    try await hsm.createKey("probe")
    hsm.keyStore.contents.withLock { contents in
      guard let name = contents.versions.keys.first, let id = contents.versions[name]?.keys.first, let row = contents.versions[name]?[id] else { return }
      contents.versions[name]?[id] = row.damaged()
    }
    let reply = try await hsm.send(.GET, "/keys/probe", as: HSM.user)
    #expect(reply.status == 500 && reply.code == "IntegrityFailure", "\(reply.text)")
  }

  @Test("A store that is away is 503 with Retry-After, and the key is not half made")
  func storeAway() async throws {
    let hsm = try HSM()
    hsm.keyStore.contents.withLock { $0.failNextCommit = .unavailable(reason: "asked") }
    let reply = try await create(hsm, ["kty": "EC"])
    #expect(reply.status == 503 && reply.value("Retry-After") != nil)
    #expect(try await hsm.send(.GET, "/keys/probe", as: HSM.user).status == 404)
    #expect(try await create(hsm, ["kty": "EC"]).status == 200)
  }

  @Test("Settings: one, a boolean that is a string")
  func settings() async throws {
    let hsm = try HSM()
    let name = "AllowKeyManagementOperationsThroughARM"
    let list = try await hsm.send(.GET, "/settings", as: HSM.admin)
    #expect(list.json == ["settings": [["name": .string(name), "type": "boolean", "value": "false"]]])
    #expect(try await hsm.send(.PATCH, "/settings/\(name)", as: HSM.admin, ["value": "true"]).json["value"]?.string == "true")
    #expect(try await hsm.send(.GET, "/settings/\(name)", as: HSM.admin).json["value"]?.string == "true")
    for bad in [["value": true], ["value": "yes"], [:], ["value": nil], "true", ["value": ["true"]]] as [JSONValue] {
      #expect(try await hsm.send(.PATCH, "/settings/\(name)", as: HSM.admin, bad).code == "BadParameter", "\(bad)")
    }
    hsm.state.breakDown()
    #expect(try await hsm.send(.PATCH, "/settings/\(name)", as: HSM.admin, ["value": "false"]).status == 503)
  }

  @Test("An oversized body is told the limit in bytes")
  func oversized() throws {
    let hsm = try HSM()
    let reply = hsm.service.refuseOversized(
      WireRequest(method: .POST, target: "/keys/k/sign", headers: [:], body: .init(), peer: "", arrived: 0), limit: 12_345)
    #expect(reply.status == 413 && reply.message?.contains("12345 bytes") == true)
  }
}

extension KeyVersionRow {
  fileprivate func damaged() -> KeyVersionRow {
    var row = self
    row.payload[row.payload.count / 2] ^= 1
    return row
  }
}

extension JSONObject {
  /// `t0`, `t1`, …
  fileprivate init(numbered count: Int) {
    self.init()
    for index in 0..<count { self["t\(index)"] = "x" }
  }
}
