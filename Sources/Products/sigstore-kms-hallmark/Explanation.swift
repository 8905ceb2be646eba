import Outbound
import Signing
import SigstoreFormats

/// Errors as the user of cosign reads them: what failed, why, and what to do next, in one line.
enum Explanation {
  static func text(_ error: any Error, key: String, doing call: CosignPlugin.Call) -> String {
    let (why, next) = parts(error, key: key)
    return "\(what(call)) \(plain(key)): \(plain(why))" + (next.map { "; next: \($0)" } ?? "")
  }

  private static func what(_ call: CosignPlugin.Call) -> String {
    switch call {
    case .defaultAlgorithm, .supportedAlgorithms: "naming algorithms for"
    case .createKey: "creating"
    case .publicKey: "reading the public key of"
    case .signMessage: "signing with"
    case .verifySignature: "verifying with"
    }
  }

  private static func parts(_ error: any Error, key: String) -> (why: String, next: String?) {
    switch error {
    case let error as OutboundError: return outbound(error)
    case let error as CredentialError: return outbound(.credential(error))
    case let error as SigningError: return (error.description, "look at the key: hallmark keys show")
    case let refusal as PluginSession.Refusal: return session(refusal)
    case let refusal as MessageChoice.Refusal: return message(refusal)
    case let unknown as KeyAlgorithm.Unknown:
      return (
        "there is no algorithm \"\(unknown.name.prefix(80))\"",
        "use one of \(KeyAlgorithm.allCases.map(\.rawValue).joined(separator: ", ")) (HALLMARK_NEW_KEY_ALGORITHM)"
      )
    case let unreadable as MessageInput.Unreadable: return ("the message on standard input cannot be read: \(unreadable.why)", nil)
    case is Deadline.Passed: return ("the time that the caller allowed is over", "allow more with --timeout, or find out why the service is slow")
    default: return (String(describing: error), nil)
    }
  }

  private static func session(_ refusal: PluginSession.Refusal) -> (why: String, next: String?) {
    switch refusal {
    case .badKey:
      return ("this is no key URI", "write hallmark://HOST[:PORT]/keys/NAME[/VERSION]; a version is 32 lower-case hexadecimal digits")
    case .badVersion(let version): return ("\"\(version.prefix(80))\" is no key version", "a version is 32 lower-case hexadecimal digits")
    case .versionInCreation: return ("a new key cannot have a version given by the caller", "leave the version out of the URI")
    case .existsOtherwise(let name, let kind, let wanted):
      return ("key \(name) exists already and is \(kind), not \(wanted)", "choose another name, or set HALLMARK_NEW_KEY_ALGORITHM to its kind")
    case .doesNotVerify(let kid, let versionless):
      return (
        "the signature is not by \(kid) over this message",
        versionless ? "if the key was rotated since, name the version that signed in the URI" : nil
      )
    case .pinnedVersionRefused(let error, let version):
      return ("\(error.description); version \(version) was the newest some minutes ago and is not there any more", "run the command again: the newest version will be used")
    }
  }

  private static func message(_ refusal: MessageChoice.Refusal) -> (why: String, next: String?) {
    switch refusal {
    case .unknownCurve(let key): return ("key \(key) is on P-256K, which no Sigstore client knows", "use a P-256 key")
    case .wrongHash(let got, let key, let wanted):
      return ("the digest is \(got.rawValue), but key \(key) signs \(wanted)", "ask for \(wanted) (cosign: --signature-digest-algorithm \(wanted)), or use a key whose hash is \(got.rawValue)")
    case .digestMismatch(let hash):
      return ("the \(hash.rawValue) digest in the request is not that of the message on standard input; nothing was signed", "report this to the maker of the calling program")
    }
  }

  private static func outbound(_ error: OutboundError) -> (why: String, next: String?) {
    switch error {
    case .unreachable:
      return (error.description, "check the host and port in the key URI, that the service runs, and its CA (HALLMARK_CA); for an outage there is hallmark standby")
    case .refused(let refusal): return (refusal.description, afterRefusal(refusal))
    case .challenge, .badAnswer: return (error.description, "check that the host in the key URI is a Managed HSM, a vault or a Hallmark service")
    case .badAddress: return (error.description, "write hallmark://HOST[:PORT]/keys/NAME")
    case .credential(let cause):
      switch cause {
      case .notConfigured:
        return (cause.description, "set HALLMARK_TOKEN, HALLMARK_PROFILE or AZURE_CLIENT_CERTIFICATE_PATH with a client id, run in a workload with a federated identity, or az login")
      case .unusable: return (cause.description, "mend the file or variable it names")
      case .refused: return (cause.description, "check the client id and the tenant")
      case .unreachable, .badAnswer: return (cause.description, "check HALLMARK_AUTHORITY or AZURE_AUTHORITY_HOST")
      }
    }
  }

  private static func afterRefusal(_ refusal: RemoteRefusal) -> String? {
    switch refusal.status {
    case 401: return "the token was not accepted: get a new one"
    case 403: return "if the key is disabled, enable it or name another version; if the right is missing, an administrator grants it (hallmark access grant; in Azure the role Managed HSM Crypto User)"
    case 404: return "check the name and the version in the URI, or make the key: cosign generate-key-pair --kms URI"
    case 409: return "a deleted key may still hold the name: hallmark keys list --deleted"
    case 400..<500 where refusal.status != 429 && refusal.status != 408: return nil
    default: return "try again later"
    }
  }

  /// Foreign text made safe for a terminal and for one line.
  private static func plain(_ text: String) -> String {
    String(String.UnicodeScalarView(text.prefix(2000).unicodeScalars.map { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) ? "?" : $0 }))
  }
}
