/// Outbound: the HTTP clients. Everything Hallmark asks of other servers goes through here.
///
/// `ManagedHSMClient` speaks to a Hallmark service, a real Managed HSM or a Key Vault alike: it learns from the 401 challenge whose token is
/// wanted, gets one from a `Credential`, retries what may be retried, and says of every sign call how often it was sent. `IssuerKeys`
/// fetches the keys of token issuers for the server.
///
/// Three rules hold everywhere here: every wait has a deadline, every body has a limit, and no redirect is followed. Tokens and assertions
/// never appear in errors, descriptions, logs or argument lists.
///
/// Must never know: how keys are kept, what a signature means, what the user typed.
/// Allowed imports: floors below, AsyncHTTPClient, NIO, NIOSSL, Foundation for files and processes.

/// Why a remote call has no usable answer.
package enum OutboundError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The last of these attempts had no answer; earlier ones may have had one that asked to come again.
  case unreachable(url: String, why: String, attempts: [RequestAttempt])
  /// The service answered with an error.
  case refused(RemoteRefusal)
  /// The 401 challenge is missing, malformed, or asks for a token that this host has no business with.
  case challenge(url: String, why: String)
  /// No token could be had.
  case credential(CredentialError)
  /// The answer is not what the protocol says.
  case badAnswer(url: String, why: String)
  /// The address itself cannot be used.
  case badAddress(String, why: String)

  package var description: String {
    switch self {
    case .unreachable(let url, let why, let attempts):
      "no answer from \(url) (\(attempts.count) \(attempts.count == 1 ? "attempt" : "attempts")): \(why)" + RequestAttempt.lost(attempts, url: url)
    case .refused(let refusal): refusal.description
    case .challenge(let url, let why): "cannot find out whose token \(url) wants: \(why)"
    case .credential(let error): error.description
    case .badAnswer(let url, let why): "unusable answer from \(url): \(why)"
    case .badAddress(let text, let why): "address \"\(text.prefix(200))\": \(why)"
    }
  }
}

/// An error answer of a service, as far as it explains itself.
package struct RemoteRefusal: Sendable, Equatable, CustomStringConvertible {
  package var method: String
  /// Without query.
  package var url: String
  package var status: Int
  package var code: String?
  package var message: String?
  package var requestID: String?
  /// Every attempt, the one that brought this answer last.
  package var attempts: [RequestAttempt]

  package init(
    method: String, url: String, status: Int, code: String?, message: String?, requestID: String?, attempts: [RequestAttempt]
  ) {
    self.method = method
    self.url = url
    self.status = status
    self.code = code
    self.message = message
    self.requestID = requestID
    self.attempts = attempts
  }

  package var description: String {
    var text = "\(method) \(url) was answered \(status)"
    if let code { text += " \(code)" }
    if let message { text += ": \(message)" }
    if let requestID, message?.contains(requestID) != true { text += " (request \(requestID))" }
    if attempts.count > 1 { text += " after \(attempts.count) attempts" }
    return text + RequestAttempt.lost(attempts, url: url)
  }
}

extension OutboundError {
  /// The attempts that were made, as far as the error knows them.
  package var attempts: [RequestAttempt] {
    switch self {
    case .unreachable(_, _, let attempts): attempts
    case .refused(let refusal): refusal.attempts
    case .challenge, .credential, .badAnswer, .badAddress: []
    }
  }

  /// The same error with what was tried before it.
  func after(_ earlier: [RequestAttempt]) -> OutboundError {
    switch self {
    case .unreachable(let url, let why, let attempts): return .unreachable(url: url, why: why, attempts: earlier + attempts)
    case .refused(var refusal):
      refusal.attempts = earlier + refusal.attempts
      return .refused(refusal)
    case .challenge, .credential, .badAnswer, .badAddress: return self
    }
  }
}

extension RequestAttempt {
  /// What a failed sign call must say about signatures that nobody received; empty for other calls.
  static func lost(_ attempts: [RequestAttempt], url: String) -> String {
    let count = url.hasSuffix("/sign") ? attempts.filter(\.mayHaveSigned).count : 0
    guard count > 0 else { return "" }
    return "; \(count) of the sign requests may have been performed and \(count == 1 ? "its answer" : "their answers") lost, the service's audit log shows each"
  }
}
