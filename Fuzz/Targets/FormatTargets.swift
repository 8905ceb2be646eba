import Encodings
import JOSE
import ManagedHSMWire
import SigstoreFormats

enum FormatTargets {
  static func jwk(_ bytes: UnsafeRawBufferPointer) {
    for acceptance in [JWK.Acceptance.publicOnly, .privateOnly, .any] { _ = try? JWK.parse(Array(bytes), accepting: acceptance) }
  }

  static func jwks(_ bytes: UnsafeRawBufferPointer) { _ = try? JWK.parseSet(Array(bytes)) }

  static func jwt(_ bytes: UnsafeRawBufferPointer) {
    guard let token = try? UnverifiedJWT.parse(bytes) else { return }
    _ = (token.claimedIssuer, token.kid)
  }

  static func jwe(_ bytes: UnsafeRawBufferPointer) { _ = try? JWE.parse(text(bytes)) }

  /// Law: no segment that a route carries is a dot segment, empty, or holds a slash or a NUL.
  static func route(_ bytes: UnsafeRawBufferPointer) {
    guard let route = Route(path: text(bytes)) else { return }
    let names: [String] =
      switch route {
      case .key(let name, let version), .keyAttestation(let name, let version): [name, version].compactMap(\.self)
      case .keyOperation(let name, let version, _): [name, version].compactMap(\.self)
      case .keyCreate(let name), .keyVersions(let name), .deletedKey(let name), .deletedKeyRecover(let name), .setting(let name): [name]
      case .roleDefinition(_, let id), .roleAssignment(_, let id): [id]
      default: []
      }
    for name in names { precondition(!name.isEmpty && name != "." && name != ".." && !name.utf8.contains(0) && !name.utf8.contains(UInt8(ascii: "/"))) }
    _ = route.forMethod("POST")
  }

  static func query(_ bytes: UnsafeRawBufferPointer) { _ = Query(text(bytes))?["api-version"] }

  static func keyRequests(_ bytes: UnsafeRawBufferPointer) {
    let body = Array(bytes)
    _ = try? RequestBody.createKey(body)
    _ = try? RequestBody.importKey(body)
    _ = try? RequestBody.updateKey(body)
    _ = try? RequestBody.randomCount(body)
  }

  /// Law: the hot route takes nothing that the full parser refuses, and reads the same members.
  static func signRequest(_ bytes: UnsafeRawBufferPointer) {
    if let request = try? SignRequest(bytes) {
      let tree = try? JSONValue.parse(bytes)
      precondition(tree?["alg"]?.string == request.algorithm)
      precondition((tree?["value"]?.string).flatMap { try? Base64URL.decode($0) } == request.digest)
    }
    _ = try? VerifyRequest(bytes)
  }

  static func bundle(_ bytes: UnsafeRawBufferPointer) { _ = try? SigstoreBundle.parse(bytes) }
}
