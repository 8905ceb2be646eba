package import Clocks
internal import Encodings
package import Signing
internal import SigstoreFormats
internal import Trust

extension SigningLedger {
  /// Notes a document in its place (`hallmark.signing/v1`): which sign request made it, over what, about which artifact. Together with the
  /// attempts this joins an artifact to the service's own log, which knows only request ids.
  package func write(document: DocumentResult, artifact: String, at time: Instant) throws {
    let planned = document.planned
    var object: JSONObject = [
      "schema": "hallmark.signing/v1", "time": .string(ISO8601.format(nanoseconds: time.nanoseconds)), "artifact": .string(artifact),
      "artifactDigest": .string(planned.cacheKey.artifact.text), "format": .string(planned.format.rawValue),
      "predicateType": planned.cacheKey.predicateType.map { .string($0) } ?? .null, "signer": .string(planned.signer),
      "kid": .string(planned.call.kid), "algorithm": .string(planned.call.scheme.rawValue), "signed": .string(planned.call.digest.text),
    ]
    switch document.origin {
    case .signed(let made):
      object["requestId"] = made.requestID.map { .string($0) } ?? .null
      object["attempts"] = .integer(made.attempts)
    case .reused(let from): object["reusedFrom"] = .string(from)
    case .doneBefore: return
    }
    object["place"] = document.placed.map { .string($0.text) } ?? .null
    object["placeDigest"] = document.placed.map { .string($0.digest.text) } ?? .null
    try write(.object(object))
  }
}
