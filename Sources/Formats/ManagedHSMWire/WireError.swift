import Encodings

/// An error as the wire carries it: `{"error":{"code":…,"message":"… (Activity ID: <request id>)"}}`.
///
/// Codes and wordings that the live service was seen to use are used for the same cases; the others follow its style.
package struct WireError: Error, Hashable, Sendable {
  package var status: Int
  package var code: String
  package var message: String
  /// `innererror.code`, which clients of a 409 look at.
  package var inner: String?
  /// For 429 and 503, seconds.
  package var retryAfter: Int?

  package init(_ status: Int, _ code: String, _ message: String, inner: String? = nil, retryAfter: Int? = nil) {
    self.status = status
    self.code = code
    self.message = message
    self.inner = inner
    self.retryAfter = retryAfter
  }

  /// - Parameter activity: the reply's `x-ms-request-id`.
  package func body(activity: String) -> [UInt8] {
    var error: JSONObject = ["code": .string(code)]
    if let inner { error["innererror"] = ["code": .string(inner)] }
    error["message"] = .string("\(message) (Activity ID: \(activity))")
    return (["error": .object(error)] as JSONValue).serialized()
  }
}

extension WireError {
  package static func badParameter(_ message: String) -> WireError { WireError(400, "BadParameter", message) }
  package static func accessDenied(action: String, scope: String) -> WireError {
    WireError(403, "AccessDenied", "Not authorized to access \(action) on \(scope)")
  }
  package static func keyNotFound(_ url: String) -> WireError { WireError(404, "KeyNotFound", "Key not found: \(url)") }
  package static let pathNotFound = WireError(404, "NotFound", "There is no such path on a managed HSM")
  package static func methodNotAllowed(_ method: String) -> WireError {
    WireError(405, "MethodNotAllowed", "\(method) is not supported on this path")
  }
  package static func tooLarge(limit: Int) -> WireError {
    WireError(413, "RequestTooLarge", "The request body is larger than the limit of \(limit) bytes")
  }
  package static let notActivated = WireError(
    403, "HsmNotActivated",
    "This managed HSM is not activated: until its security domain is downloaded, only the security domain calls of an administrator work")
}
