/// Every parser of outside bytes as one function from bytes to nothing: it must neither trap nor hang, and where there is a law, keep it.
///
/// The fuzzer (`Fuzz/Driver`) feeds them; `Tests/FuzzReplayTests` replays `Fuzz/failures` and `Fuzz/seeds` in the normal test run.
/// Imports allowed: the targets whose parsers stand here.
package enum FuzzTarget: String, CaseIterable, Sendable {
  // Ground
  case json
  case jsonScanner = "json-scanner"
  case base64
  case hex
  case pem
  case iso8601
  case duration
  case tile
  // Formats
  case jwk
  case jwks
  case jwt
  case jwe
  case route
  case query
  case keyRequests = "key-requests"
  case signRequest = "sign-request"
  case bundle
  // Cores
  case tokenRequest = "token-request"
  case scope
  case claims
  case signedNote = "signed-note"
  case auditRecord = "audit-record"
  case domainFile = "domain-file"
  case domainDownload = "domain-download"
  case domainUpload = "domain-upload"
  case trustPolicy = "trust-policy"
  case publicKey = "public-key"
  case keyReference = "key-reference"

  /// The longest input worth trying, bytes.
  package var lengthLimit: Int {
    switch self {
    case .claims, .route, .query, .iso8601, .duration, .tile, .scope, .keyReference: 512
    case .hex, .base64, .keyRequests, .signRequest, .tokenRequest, .auditRecord: 2048
    default: 8192
    }
  }

  /// Runs the parser once. Refusals are fine; a trap or a broken law ends the process, which is what the fuzzer looks for.
  package func run(_ bytes: UnsafeRawBufferPointer) {
    switch self {
    case .json: GroundTargets.json(bytes)
    case .jsonScanner: GroundTargets.scanner(bytes)
    case .base64: GroundTargets.base64(bytes)
    case .hex: GroundTargets.hex(bytes)
    case .pem: GroundTargets.pem(bytes)
    case .iso8601: GroundTargets.iso8601(bytes)
    case .duration: GroundTargets.duration(bytes)
    case .tile: GroundTargets.tile(bytes)
    case .jwk: FormatTargets.jwk(bytes)
    case .jwks: FormatTargets.jwks(bytes)
    case .jwt: FormatTargets.jwt(bytes)
    case .jwe: FormatTargets.jwe(bytes)
    case .route: FormatTargets.route(bytes)
    case .query: FormatTargets.query(bytes)
    case .keyRequests: FormatTargets.keyRequests(bytes)
    case .signRequest: FormatTargets.signRequest(bytes)
    case .bundle: FormatTargets.bundle(bytes)
    case .tokenRequest: CoreTargets.tokenRequest(bytes)
    case .scope: CoreTargets.scope(bytes)
    case .claims: CoreTargets.claims(bytes)
    case .signedNote: CoreTargets.signedNote(bytes)
    case .auditRecord: CoreTargets.auditRecord(bytes)
    case .domainFile: CoreTargets.domainFile(bytes)
    case .domainDownload: CoreTargets.domainDownload(bytes)
    case .domainUpload: CoreTargets.domainUpload(bytes)
    case .trustPolicy: CoreTargets.trustPolicy(bytes)
    case .publicKey: CoreTargets.publicKey(bytes)
    case .keyReference: CoreTargets.keyReference(bytes)
    }
  }
}

/// Input as text; bytes that are no UTF-8 are replaced, because the parser takes a `String`.
func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes, as: UTF8.self) }
