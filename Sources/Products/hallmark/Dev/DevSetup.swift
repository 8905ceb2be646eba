import Access
import Clocks
import Encodings
import Foundation
import JOSE
import ManagedHSMService
import NIOCore
import NIOHTTP1
import Secrets
import SecurityDomain

/// The four principals of a throw-away HSM, each with exactly one role or none, and the administrator who made it.
struct DevPrincipals: Sendable {
  struct One: Sendable {
    let variable: String
    let name: String
    let role: RoleDefinitionID?
    let objectID: PrincipalID
  }

  let bootstrap: PrincipalID
  let all: [One]

  private static let plan: [(variable: String, name: String, role: RoleDefinitionID?)] = [
    ("ADMIN", "dev-admin", BuiltInRoles.administrator), ("OFFICER", "dev-officer", BuiltInRoles.cryptoOfficer),
    ("USER", "dev-user", BuiltInRoles.cryptoUser), ("NOBODY", "dev-nobody", nil),
  ]

  static func make(administrator: PrincipalID, _ layout: DevLayout) throws -> DevPrincipals {
    var object: JSONObject = ["BOOTSTRAP": .string(administrator.text)]
    for one in plan { object[one.variable] = .string(one.variable == "ADMIN" ? administrator.text : Entropy.system.uuid()) }
    try PrivateFile.write(Data(JSONValue.object(object).serialized(pretty: true)), to: layout.principals)
    return try read(layout)
  }

  static func read(_ layout: DevLayout) throws -> DevPrincipals {
    let value = try JSONValue.parse(Array(Data(contentsOf: layout.principals)))
    func id(_ name: String) throws -> PrincipalID {
      guard let id = value[name]?.string.flatMap({ PrincipalID($0) }) else {
        throw HSMCreation.Failure(description: "\(layout.principals.path): \(name) is missing; this folder was not made by hallmark dev up")
      }
      return id
    }
    return DevPrincipals(
      bootstrap: try id("BOOTSTRAP"), all: try plan.map { One(variable: $0.variable, name: $0.name, role: $0.role, objectID: try id($0.variable)) })
  }
}

/// Sets a fresh HSM up by the same requests a client would send, inside this process.
struct DevSetup {
  let hsm: OpenedHSM
  let layout: DevLayout
  let principals: DevPrincipals

  private static let tokenSeconds: Int64 = 8 * 3600

  func token(_ id: PrincipalID) throws -> String {
    guard let resource = hsm.authority.settings.resource(named: hsm.identity.resource) else {
      throw HSMCreation.Failure(description: "the authority does not know the HSM's own resource")
    }
    return try hsm.authority.mint(id, resource: resource, lifetimeSeconds: Self.tokenSeconds).accessToken
  }

  func activateAndAssign() async throws {
    for one in principals.all where one.objectID != principals.bootstrap { try addToDirectory(one) }
    let admin = try token(principals.bootstrap)
    let certificates = try makeCustodians()
    let reply = try await send(
      .POST, "/securitydomain/download?api-version=7.5", admin,
      ["certificates": .array(certificates.map { ["x5c": [.string(Base64.encode($0))], "kty": "RSA"] }), "required": 2])
    guard let file = reply["value"]?.string else { throw HSMCreation.Failure(description: "the activation answered no security domain") }
    try PrivateFile.write(Data(file.utf8), to: layout.domainFile)
    for one in principals.all where one.objectID != principals.bootstrap {
      if let role = one.role { try await assign(role, to: one.objectID, at: "/", admin) }
    }
  }

  /// A person in the directory; whoever opened the HSM's files may put one there in the name of its administrator.
  private func addToDirectory(_ one: DevPrincipals.One) throws {
    guard let actor = hsm.authority.actLocally(as: principals.bootstrap, ()) else { throw HSMCreation.Failure(description: "the administrator is not in the directory") }
    switch hsm.access.authorize(actor, .roleAssignmentsWrite, at: .root) {
    case .success(let authorized):
      try hsm.directory.put(
        DirectoryEntry(objectID: one.objectID, kind: .user, displayName: one.name, userPrincipalName: "\(one.name)@\(hsm.identity.name).localhost"),
        permit: authorized.permit)
    case .failure(let refusal): throw refusal
    }
  }

  func assign(_ role: RoleDefinitionID, to principal: PrincipalID, at scope: String, _ token: String) async throws {
    _ = try await send(
      .PUT, "\(scope == "/" ? "" : scope)/providers/Microsoft.Authorization/roleAssignments/\(Entropy.system.uuid())?api-version=7.4", token,
      ["properties": ["roleDefinitionId": .string("Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/\(role)"), "principalId": .string(principal.text)]])
  }

  private func makeCustodians() throws -> [[UInt8]] {
    try PrivateFile.makeFolder(layout.custodians)
    return try (1...3).map { number in
      let key = try CustodianKey.generate(commonName: "custodian\(number)", bits: 2048, entropy: .system, clock: .system)
      let base = layout.custodians.appending(path: "custodian\(number)")
      try key.privateKeyPEM.withUnsafeBytes { bytes in try PrivateFile.write(Data(bytes), to: base.appendingPathExtension("key")) }
      try PrivateFile.write(Data(key.certificatePEM.utf8), to: base.appendingPathExtension("cer"), mode: 0o644)
      return key.certificate
    }
  }

  /// One request through the service's own responder. Anything but success is an error that says what was asked.
  func send(_ method: HTTPMethod, _ target: String, _ token: String, _ body: JSONValue? = nil) async throws -> JSONValue {
    var headers = HTTPHeaders([("Authorization", "Bearer \(token)")])
    if body != nil { headers.add(name: "Content-Type", value: "application/json") }
    let request = WireRequest(
      method: method, target: target, headers: headers, body: ByteBuffer(bytes: body?.serialized() ?? []), peer: "127.0.0.1",
      arrived: DispatchTime.now().uptimeNanoseconds)
    let reply = await withCheckedContinuation { continuation in
      hsm.service.respond(to: request) { continuation.resume(returning: $0) }
    }
    guard (200..<300).contains(reply.status) else {
      throw HSMCreation.Failure(description: "\(method.rawValue) \(target) answered \(reply.status): \(String(decoding: reply.body.prefix(500), as: UTF8.self))")
    }
    return reply.body.isEmpty ? .null : try JSONValue.parse(reply.body)
  }

  func writeEnvironment() throws {
    var lines: [(String, String)] = [
      ("HALLMARK_URL", hsm.identity.url), ("HALLMARK_CA", layout.folder.tls.appending(path: "ca.pem").path), ("HALLMARK_HSM_NAME", hsm.identity.name),
      ("HALLMARK_AUTHORITY", hsm.identity.authority), ("HALLMARK_TENANT", hsm.identity.tenant.text), ("HALLMARK_DOMAIN_FILE", layout.domainFile.path),
      ("HALLMARK_CUSTODIANS", layout.custodians.path), ("HALLMARK_DIR", layout.root.path),
    ]
    for one in principals.all {
      let token = try token(one.objectID)
      for prefix in ["", "HALLMARK_"] {
        lines.append(("\(prefix)\(one.variable)_TOKEN", token))
        lines.append(("\(prefix)\(one.variable)_OID", one.objectID.text))
      }
    }
    let text = lines.map { "export \($0.0)='\($0.1)'\n" }.joined()
    try PrivateFile.write(Data(text.utf8), to: layout.environment)
  }
}
