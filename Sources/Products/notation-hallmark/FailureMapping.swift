import Issuance
import NotaryFormats
import Outbound
import Signing

/// Errors in the words of the plugin protocol. notation shows the message alone, so it says what failed, why, and what next.
enum FailureMapping {
  static func failure(_ error: any Error, keyID: String) -> NotaryPlugin.Failure {
    switch error {
    case let failure as NotaryPlugin.Failure: return failure
    case let error as OutboundError: return outbound(error, keyID)
    case let error as CertificateHomeError: return home(error, keyID)
    case let error as IssuanceError: return make(.validation, error.description, keyID)
    case let error as NotaryError: return make(.validation, error.description, keyID)
    case let error as SigningError: return signing(error, keyID)
    default: return make(.error, String(describing: error), keyID)
    }
  }

  private static func make(
    _ code: NotaryPlugin.Failure.Code, _ why: String, _ keyID: String, next: String? = nil, requestID: String? = nil
  ) -> NotaryPlugin.Failure {
    let text = "key \(keyID): \(why)" + (next.map { "; next: \($0)" } ?? "")
    return NotaryPlugin.Failure(code, plain(text), metadata: requestID.map { ["requestId": plain($0)] } ?? [:])
  }

  private static func signing(_ error: SigningError, _ keyID: String) -> NotaryPlugin.Failure {
    switch error {
    case .badKeyReference:
      let hint = keyID.contains("/certificates/") ? " (a certificate's address: an HSM has keys only, name the key)" : ""
      return NotaryPlugin.Failure(
        .validation, plain("key id \"\(keyID.prefix(200))\" is not usable\(hint); next: write https://HOST[:PORT]/keys/NAME[/VERSION], a version being 32 lower-case hexadecimal digits"))
    case .keyNotUsable: return make(.validation, error.description, keyID, next: "enable the key, or name another version")
    case .wrongKeyVersion, .signatureDoesNotVerify: return make(.error, error.description, keyID)
    default: return make(.validation, error.description, keyID)
    }
  }

  private static func home(_ error: CertificateHomeError, _ keyID: String) -> NotaryPlugin.Failure {
    switch error {
    case .remote(let cause): return outbound(cause, keyID)
    case .none: return make(.validation, error.description, keyID, next: "the commands it names, or --plugin-config cert_chain=FILE")
    default: return make(.validation, error.description, keyID)
    }
  }

  private static func outbound(_ error: OutboundError, _ keyID: String) -> NotaryPlugin.Failure {
    switch error {
    case .refused(let refusal): return refused(refusal, keyID)
    case .unreachable(_, _, let attempts):
      let isTimeout = attempts.last?.failure == .timedOut
      return make(
        isTimeout ? .timeout : .error, error.description, keyID, next: "check the host of the key id, that the service runs, and its CA (HALLMARK_CA)")
    case .credential(let cause):
      return make(.accessDenied, cause.description, keyID, next: "set HALLMARK_TOKEN, HALLMARK_PROFILE or Azure's own variables, or az login")
    case .badAddress: return make(.validation, error.description, keyID)
    case .challenge, .badAnswer: return make(.error, error.description, keyID, next: "check that the host is a Managed HSM, a vault or a Hallmark service")
    }
  }

  private static func refused(_ refusal: RemoteRefusal, _ keyID: String) -> NotaryPlugin.Failure {
    let (code, next): (NotaryPlugin.Failure.Code, String?) =
      switch refusal.status {
      case 401: (.accessDenied, "the token was not accepted: get a new one")
      case 403:
        (.accessDenied, "if the key is disabled, enable it; if the right is missing, an administrator grants it (hallmark access grant; in Azure the role Managed HSM Crypto User)")
      case 404: (.validation, "check name and version in the key id")
      case 408, 504: (.timeout, "try again")
      case 429: (.throttled, "try again later")
      case 400..<500: (.validation, nil)
      default: (.error, "try again later")
      }
    return make(code, refusal.description, keyID, next: next, requestID: refusal.requestID)
  }

  /// Foreign text made safe for a terminal and for one line.
  private static func plain(_ text: String) -> String {
    String(String.UnicodeScalarView(text.prefix(3000).unicodeScalars.map { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) ? "?" : $0 }))
  }
}
