import Audit
import Clocks
import Encodings
import ManagedHSMService
import ManagedHSMWire
import NIOHTTP1
import Secrets
import SecurityDomain
import Testing

@Suite("Before activation")
struct ActivationTests {
  /// Three custodians' certificates, made once: RSA key generation is slow.
  private static let certificates: [JSONValue] = (0..<3).map { index in
    // A failure here shows as an empty certificate, which the service refuses.
    let made = try? CustodianKey.generate(commonName: "custodian \(index)", entropy: .system, clock: .system)
    return ["x5c": [.string(Base64.encode(made?.certificate ?? []))], "kty": "RSA", "kid": "not used", "use": "enc"]
  }

  private static func body(_ certificates: [JSONValue] = certificates, required: JSONValue = 2) -> JSONValue {
    ["certificates": .array(certificates), "required": required]
  }

  @Test("Everything but the security domain's download is refused by its name, for whoever asks", arguments: [
    ("GET", "/keys"), ("POST", "/keys/k/create"), ("PUT", "/keys/k"), ("GET", "/keys/k"), ("POST", "/keys/k/sign"), ("POST", "/keys/k/verify"), ("POST", "/rng"), ("GET", "/deletedkeys"),
    ("GET", "/settings"), ("PATCH", "/settings/AllowKeyManagementOperationsThroughARM"), ("POST", "/backup"), ("PUT", "/restore"), ("GET", "/providers/Microsoft.Authorization/roleDefinitions"),
    ("PUT", "/providers/Microsoft.Authorization/roleAssignments/99999999-9999-4999-8999-999999999999"),
  ])
  func refused(_ method: String, _ path: String) async throws {
    let hsm = try HSM(active: false)
    for principal in [HSM.admin, HSM.user] {
      let (reply, records) = try await hsm.recorded { try await hsm.send(HTTPMethod(rawValue: method), path, as: principal, ["kty": "EC"]) }
      #expect(reply.status == 403, "\(reply.text)")
      #expect(reply.message?.contains("not activated") == true)
      #expect(records.count == 1 && records.first?.entry.decision == .deny)
    }
    // Authentication comes first, as ever.
    #expect(await hsm.send(HTTPMethod(rawValue: method), path).status == 401)
    #expect(try hsm.keyStore.keyCount() == 0)
  }

  @Test("Only an administrator may download")
  func rights() async throws {
    let hsm = try HSM(active: false)
    for principal in [HSM.officer, HSM.user, HSM.nobody] {
      let reply = try await hsm.send(.POST, "/securitydomain/download", as: principal, Self.body())
      #expect(reply.status == 403 && reply.code == "AccessDenied")
    }
    #expect(try await hsm.send(.GET, "/keys", as: HSM.user).code != "AccessDenied")
  }

  @Test("A download that cannot be made says why and activates nothing")
  func badDownloads() async throws {
    let hsm = try HSM(active: false)
    let c = Self.certificates
    let half = try JSONValue.parse(Array("2.5".utf8))
    for body in [
      nil, [:], ["certificates": []], ["certificates": .array(c)], Self.body(Array(c.prefix(2))), Self.body(required: 1), Self.body(required: 4), Self.body(required: 0),
      Self.body(required: -1), Self.body(required: "2"), Self.body(required: half), Self.body([c[0], c[1], c[0]]), Self.body([c[0], c[1], ["x5c": ["AAAA"]]]),
      Self.body([c[0], c[1], [:]]), Self.body([c[0], c[1], "x"]), Self.body([JSONValue](repeating: c[0], count: 11)), ["certificates": [:], "required": 2],
    ] as [JSONValue?] {
      let reply = try await hsm.send(.POST, "/securitydomain/download", as: HSM.admin, body)
      #expect(reply.status == 400 && reply.code == "BadParameter", "\(reply.text)")
    }
    #expect(try await hsm.send(.GET, "/keys", as: HSM.user).status == 403)
    #expect(try await hsm.send(.GET, "/securitydomain/download/pending", as: HSM.admin).json["status"]?.string == "InProgress")
  }

  @Test("The download answers as recorded, and with it the HSM is activated")
  func download() async throws {
    let hsm = try HSM(active: false)
    let (reply, records) = try await hsm.recorded { try await hsm.send(.POST, "/securitydomain/download?api-version=7.5", as: HSM.admin, Self.body()) }
    try #require(reply.status == 202, "\(reply.text)")
    #expect(reply.values("azure-asyncoperation") == ["\(HSM.url)/securitydomain/download/pending?api-version=7.5"])
    #expect(reply.value("Retry-After") == nil)
    #expect(reply.json.object?.names == ["value"])
    // The file is a JSON text in a string.
    let file = try JSONValue.parse(Array(try #require(reply.json["value"]?.string).utf8))
    #expect(file["version"]?.int == 2)
    #expect(file["EncData"]?["kdf"]?.string == "sp108_kdf")
    #expect(file["EncData"]?["data"]?.array?.compactMap { $0["tag"]?.string } == ["hsm_backup", "base_enclave_backup", "partition_enclave_backup"])
    #expect(file["SharedKeys"]?["enc_shares"]?.array?.count == 3)
    #expect(file["SharedKeys"]?["key_algorithm"]?.string == "shamir_share" && file["SharedKeys"]?["required"]?.int == 2)
    #expect(records.count == 1 && records.first?.entry.operation == .domainDownload && records.first?.entry.assignment != nil)
    #expect(records.first?.entry.reason?.contains("2 of 3") == true)
    let status = try await hsm.send(.GET, "/securitydomain/download/pending", as: HSM.admin)
    #expect(status.status == 200 && status.json["status"]?.string == "Success")
    #expect(try await hsm.send(.GET, "/keys", as: HSM.user).status == 200)
  }

  @Test("When the activation cannot be stored, no security domain is given out")
  func notStored() async throws {
    let hsm = try HSM(active: false)
    hsm.state.breakDown()
    let reply = try await hsm.send(.POST, "/securitydomain/download", as: HSM.admin, Self.body())
    #expect(reply.status == 503 && !reply.text.contains("EncData"))
    hsm.state.breakDown(false)
    #expect(try await hsm.send(.GET, "/keys", as: HSM.user).status == 403)
  }
}
