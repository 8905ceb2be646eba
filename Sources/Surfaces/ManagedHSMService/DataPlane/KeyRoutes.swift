import Access
import Audit
import Crypto
import Custody
import Encodings
import ManagedHSMWire

/// The key routes that are not hot: each turns an authenticated call into Custody's operation and its result into the wire's shape.
///
/// Every handler asks for the permit first, so a caller without the right learns nothing about the body or the object.
struct KeyRoutes: Sendable {
  let keyring: Keyring
  let gate: Gate
  let rendering: KeyRendering

  func create(_ call: Authenticated<Call>, _ notes: inout AuditNotes, name text: String) throws(RouteFailure) -> JSONObject {
    let name = try keyName(text, &notes)
    let permit = try creationPermit(call, .keysCreate, name, &notes)
    let body = try wire { () throws(WireError) in try RequestBody.createKey(call.request.body) }
    guard !body.hasReleasePolicy else { throw .wire(.badParameter("Release policies are not supported: this HSM does not release keys")) }
    let request = CreateKey(
      try spec(body), operations: try operations(body.operations), attributes: attributes(body.attributes), tags: try tags(body.tags))
    let version = try custody { () throws(CustodyError) in try keyring.create(name, request, permit: permit) }
    record(version, &notes)
    return rendering.bundle(version)
  }

  func importKey(_ call: Authenticated<Call>, _ notes: inout AuditNotes, name text: String) throws(RouteFailure) -> JSONObject {
    let name = try keyName(text, &notes)
    let permit = try creationPermit(call, .keysImport, name, &notes)
    let body = try wire { () throws(WireError) in try RequestBody.importKey(call.request.body) }
    guard !body.hasReleasePolicy else { throw .wire(.badParameter("Release policies are not supported: this HSM does not release keys")) }
    let material = try ImportedKey(webKey: body.jwk)
    let listed = try wire { () throws(WireError) in try body.jwk.optionalStrings("key_ops") }
    let request = ImportRequest(operations: try operations(listed), attributes: attributes(body.attributes), tags: try tags(body.tags))
    let version: KeyVersion
    do { version = try keyring.importKey(name, material, request, permit: permit) } catch { throw failure(error) }
    record(version, &notes)
    return rendering.bundle(version)
  }

  func get(_ call: Authenticated<Call>, _ notes: inout AuditNotes, name text: String, version: String?) throws(RouteFailure) -> JSONObject {
    let name = try keyName(text, &notes)
    let permit = try gate.permit(call, .keysRead, .key(name), &notes)
    let id = try versionID(version, of: name)
    let found = try custody { () throws(CustodyError) in try keyring.key(name, version: id, permit: permit) }
    record(found, &notes)
    return rendering.bundle(found)
  }

  func update(_ call: Authenticated<Call>, _ notes: inout AuditNotes, name text: String, version: String?) throws(RouteFailure) -> JSONObject {
    let name = try keyName(text, &notes)
    let permit = try gate.permit(call, .keysWrite, .key(name), &notes)
    let body = try wire { () throws(WireError) in try RequestBody.updateKey(call.request.body) }
    guard !body.hasReleasePolicy else { throw .wire(.badParameter("Release policies are not supported: this HSM does not release keys")) }
    let id = try versionID(version, of: name)
    let request = UpdateKey(
      operations: try operations(body.operations), attributes: attributes(body.attributes), tags: try body.tags == nil ? nil : tags(body.tags))
    let updated = try custody { () throws(CustodyError) in try keyring.update(name, version: id, request, permit: permit) }
    record(updated, &notes)
    return rendering.bundle(updated)
  }

  func list(_ call: Authenticated<Call>, _ notes: inout AuditNotes) throws(RouteFailure) -> JSONObject {
    let permit = try gate.permit(call, .keysRead, .keys, &notes)
    let request = try pageRequest(call.request)
    let page = try custody { () throws(CustodyError) in try keyring.keys(request, permit: permit) }
    return rendering.page(page.items.map(rendering.item), path: "/keys", pageSize: request.size, next: page.next)
  }

  func versions(_ call: Authenticated<Call>, _ notes: inout AuditNotes, name text: String) throws(RouteFailure) -> JSONObject {
    let name = try keyName(text, &notes)
    let permit = try gate.permit(call, .keysRead, .key(name), &notes)
    let request = try pageRequest(call.request)
    let page = try custody { () throws(CustodyError) in try keyring.versions(of: name, request, permit: permit) }
    return rendering.page(
      page.items.map(rendering.versionItem), path: "/keys/\(name.text)/versions", pageSize: request.size, next: page.next)
  }

  func rotate(_ call: Authenticated<Call>, _ notes: inout AuditNotes, name text: String) throws(RouteFailure) -> JSONObject {
    let name = try keyName(text, &notes)
    let permit = try gate.permit(call, .keysRotate, .key(name), &notes)
    let version: KeyVersion
    do { version = try keyring.rotate(name, permit: permit) } catch {
      // Recorded: this one route doubles the prefix of its 404.
      if case .keyNotFound = error {
        throw .wire(.keyNotFound("Key not found: \(rendering.identity.kid("keys/\(name.text)"))"))
      }
      throw failure(error)
    }
    record(version, &notes)
    return rendering.bundle(version)
  }

  func rotationPolicy(_ call: Authenticated<Call>, _ notes: inout AuditNotes, name text: String) throws(RouteFailure) -> JSONObject {
    let name = try keyName(text, &notes)
    let permit = try gate.permit(call, .keysRead, .key(name), &notes)
    let policy = try custody { () throws(CustodyError) in try keyring.rotationPolicy(of: name, permit: permit) }
    return rendering.rotationPolicy(policy, of: name)
  }

  func setRotationPolicy(_ call: Authenticated<Call>, _ notes: inout AuditNotes, name text: String) throws(RouteFailure) -> JSONObject {
    let name = try keyName(text, &notes)
    let permit = try gate.permit(call, .keysWrite, .key(name), &notes)
    let request = try RotationPolicyRequest(body: call.request.body)
    let policy = try custody { () throws(CustodyError) in try keyring.setRotationPolicy(request, of: name, permit: permit) }
    return rendering.rotationPolicy(policy, of: name)
  }

  func delete(_ call: Authenticated<Call>, _ notes: inout AuditNotes, name text: String) throws(RouteFailure) -> JSONObject {
    let name = try keyName(text, &notes)
    let permit = try gate.permit(call, .keysDelete, .key(name), &notes)
    let deleted = try custody { () throws(CustodyError) in try keyring.delete(name, permit: permit) }
    record(deleted.latest, &notes)
    return rendering.deletedBundle(deleted)
  }

  func listDeleted(_ call: Authenticated<Call>, _ notes: inout AuditNotes) throws(RouteFailure) -> JSONObject {
    let permit = try gate.permit(call, .deletedKeysRead, .keys, &notes)
    let request = try pageRequest(call.request)
    let page = try custody { () throws(CustodyError) in try keyring.deletedKeys(request, permit: permit) }
    return rendering.page(page.items.map(rendering.deletedItem), path: "/deletedkeys", pageSize: request.size, next: page.next)
  }

  func getDeleted(_ call: Authenticated<Call>, _ notes: inout AuditNotes, name text: String) throws(RouteFailure) -> JSONObject {
    let name = try keyName(text, &notes)
    let permit = try gate.permit(call, .deletedKeysRead, .key(name), &notes)
    let deleted = try custody { () throws(CustodyError) in try keyring.deletedKey(name, permit: permit) }
    record(deleted.latest, &notes)
    return rendering.deletedBundle(deleted)
  }

  func recover(_ call: Authenticated<Call>, _ notes: inout AuditNotes, name text: String) throws(RouteFailure) -> JSONObject {
    let name = try keyName(text, &notes)
    let permit = try gate.permit(call, .deletedKeysRecover, .key(name), &notes)
    let version = try custody { () throws(CustodyError) in try keyring.recover(name, permit: permit) }
    record(version, &notes)
    return rendering.bundle(version)
  }

  func purge(_ call: Authenticated<Call>, _ notes: inout AuditNotes, name text: String) throws(RouteFailure) {
    let name = try keyName(text, &notes)
    let permit = try gate.permit(call, .deletedKeysPurge, .key(name), &notes)
    try custody { () throws(CustodyError) in try keyring.purge(name, permit: permit) }
  }

  func random(_ call: Authenticated<Call>, _ notes: inout AuditNotes) throws(RouteFailure) -> JSONObject {
    let permit = try gate.permit(call, .random, .root, &notes)
    let count = try wire { () throws(WireError) in try RequestBody.randomCount(call.request.body) }
    let bytes = try custody { () throws(CustodyError) in try keyring.random(count, permit: permit) }
    notes.engine = AuditEngine(rawValue: keyring.engineName)
    return ["value": .string(Base64URL.encode(bytes))]
  }

  // MARK: - Steps

  func keyName(_ text: String, _ notes: inout AuditNotes) throws(RouteFailure) -> KeyName {
    notes.key = text
    guard let name = KeyName(text) else {
      throw .wire(.badParameter("'\(text.prefix(160))' is not a key name: use 1 to 127 letters, digits and hyphens"))
    }
    return name
  }

  /// A version that is no version id names no key: 404, as for any unknown version.
  func versionID(_ text: String?, of name: KeyName) throws(RouteFailure) -> KeyVersionID? {
    guard let text else { return nil }
    guard let id = KeyVersionID(text) else {
      throw .wire(.keyNotFound(rendering.identity.kid("keys/\(name.text)/\(text.prefix(64))")))
    }
    return id
  }

  /// A refusal to make a new key names the scope `/keys`, as the live service's does; the right itself may be held at the key's own scope.
  private func creationPermit(
    _ call: Authenticated<Call>, _ action: DataAction, _ name: KeyName, _ notes: inout AuditNotes
  ) throws(RouteFailure) -> Permit {
    do { return try gate.permit(call, action, .key(name), &notes) } catch {
      guard case .refused = error else { throw error }
      return try gate.permit(call, action, .keys, &notes)
    }
  }

  private func record(_ version: KeyVersion, _ notes: inout AuditNotes) {
    notes.key = version.identity.name.text
    notes.version = version.identity.version.text
    notes.kid = rendering.identity.kid(version.identity.path)
    notes.engine = AuditEngine(rawValue: keyring.engineName)
  }

  private func pageRequest(_ call: Call) throws(RouteFailure) -> PageRequest {
    let query = try call.query()
    var size: Int?
    if let text = query["maxresults"] {
      guard let number = Int(text), number >= 1 else { throw .wire(.badParameter("Query parameter 'maxresults' must be a positive integer")) }
      size = number
    }
    var after: PageToken?
    if let text = query["$skiptoken"] {
      guard let token = PageToken(text) else { throw .wire(.badParameter("Query parameter '$skiptoken' is not one that this service gave out")) }
      after = token
    }
    guard let request = PageRequest(size: size, after: after) else { throw .wire(.badParameter("Query parameter 'maxresults' must be positive")) }
    return request
  }

  private func spec(_ body: CreateKeyRequest) throws(RouteFailure) -> KeySpec {
    switch body.kty.lowercased() {
    case "rsa", "rsa-hsm":
      let exponent = body.publicExponent ?? Int64(KeySpec.usualPublicExponent)
      guard exponent > 0 else { throw .wire(.badParameter("Property 'public_exponent' must be positive")) }
      return .rsa(bits: body.keySize ?? 2048, publicExponent: UInt64(exponent))
    case "ec", "ec-hsm":
      guard let text = body.curve else { return .ec(.p256) }
      if let curve = Curve(rawValue: text) { return .ec(curve) }
      if text == "SECP256K1" { return .ec(.p256K) }
      throw .wire(.badParameter("Property 'crv' '\(text.prefix(40))' is not supported: use P-256, P-384, P-521 or P-256K"))
    case "oct", "oct-hsm":
      return .oct(bits: body.keySize ?? 256)
    default:
      throw .wire(.badParameter("Property 'kty' '\(body.kty.prefix(40))' is not supported: use RSA-HSM, EC-HSM or oct-HSM"))
    }
  }

  private func operations(_ texts: [String]?) throws(RouteFailure) -> KeyOperations? {
    guard let texts else { return nil }
    var operations: KeyOperations = []
    for text in texts {
      guard let operation = KeyOperation(rawValue: text) ?? KeyOperation.allCases.first(where: { $0.rawValue.lowercased() == text.lowercased() })
      else { throw .wire(.badParameter("Property 'key_ops' has an unknown operation '\(text.prefix(40))'")) }
      operations.formUnion(KeyOperations(operation))
    }
    return operations
  }

  private func attributes(_ wanted: AttributesRequest) -> AttributeRequest {
    AttributeRequest(
      enabled: wanted.enabled, notBefore: wanted.notBefore.map { UnixTime(seconds: $0) }, expires: wanted.expires.map { UnixTime(seconds: $0) },
      exportable: wanted.exportable)
  }

  private func tags(_ pairs: [String: String]?) throws(RouteFailure) -> KeyTags {
    guard let pairs else { return .empty }
    do { return try KeyTags(pairs) } catch { throw failure(error) }
  }

  func custody<R>(_ body: () throws(CustodyError) -> R) throws(RouteFailure) -> R {
    do { return try body() } catch { throw failure(error) }
  }

  func failure(_ error: CustodyError) -> RouteFailure { .wire(WireError(error, identity: rendering.identity)) }

  private func wire<R>(_ body: () throws(WireError) -> R) throws(RouteFailure) -> R {
    do { return try body() } catch { throw .wire(error) }
  }
}

extension RotationPolicyRequest {
  fileprivate init(body: [UInt8]) throws(RouteFailure) {
    self.init(rotate: nil, expiryTime: nil)
    do {
      let object = try RequestBody.object(body)
      if let text = try object.present("attributes")?.object?.optionalString("expiryTime") { expiryTime = try Self.span(text, "expiryTime") }
      guard let actions = object.present("lifetimeActions") else { return }
      guard let list = actions.array else { throw WireError.badParameter("Property 'lifetimeActions' must be an array") }
      for action in list {
        guard let type = action["action"]?["type"]?.string, let trigger = action["trigger"]?.object else {
          throw WireError.badParameter("Each lifetime action needs 'action.type' and 'trigger'")
        }
        guard type.lowercased() == "rotate" else { throw WireError.badParameter("Action '\(type.prefix(40))' is not supported: a managed HSM only rotates") }
        guard rotate == nil else { throw WireError.badParameter("A rotation policy has at most one rotate action") }
        if let text = try trigger.optionalString("timeAfterCreate") {
          rotate = .afterCreation(try Self.span(text, "timeAfterCreate"))
        } else if let text = try trigger.optionalString("timeBeforeExpiry") {
          rotate = .beforeExpiry(try Self.span(text, "timeBeforeExpiry"))
        } else {
          throw WireError.badParameter("A trigger needs 'timeAfterCreate' or 'timeBeforeExpiry'")
        }
      }
    } catch let error as WireError {
      throw .wire(error)
    } catch {
      throw .wire(.badParameter("The rotation policy could not be read"))
    }
  }

  private static func span(_ text: String, _ name: String) throws(WireError) -> CalendarSpan {
    guard let span = CalendarSpan(text) else { throw .badParameter("Property '\(name)' is not an ISO 8601 duration such as P90D") }
    return span
  }
}
