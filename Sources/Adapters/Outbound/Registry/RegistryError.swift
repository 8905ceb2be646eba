package import OCI

/// Why a registry did not do, or did not give, what was asked. No case holds a password or a token.
package enum RegistryError: Error, Sendable, Equatable, CustomStringConvertible {
  /// No answer arrived, or none that HTTP allows; try again later.
  case unreachable(place: String, why: String)
  /// There is no such manifest, blob or repository (or the registry hides it from this caller).
  case notFound(place: String)
  /// The registry wants credentials it was not given, or does not accept those it was given.
  case unauthorized(registry: String, why: String)
  /// No credentials could be had: a file, a helper or an exchange failed.
  case credential(registry: String, why: String)
  /// The registry answered with an error. `codes` are those of its error document.
  case refused(place: String, status: Int, codes: [String], message: String?)
  /// The bytes are not the ones their digest or size names. Never retried: somebody answers with other content.
  case wrongContent(place: String, wanted: String, found: String)
  /// A document cannot be used.
  case badDocument(place: String, why: OCIError)
  /// The answer is not what the distribution specification says.
  case badAnswer(place: String, why: String)
  /// The content is longer than the caller takes.
  case tooLarge(place: String, limit: Int)
  /// Something would have been sent in the clear, or to a host that has no business with it.
  case insecure(place: String, why: String)
  /// A tag could not be changed such that the entry was seen in it afterwards: other writers kept overwriting it.
  case updateLost(tag: String, attempts: Int)
  /// The tag holds something else than what belongs there; it is left as it is.
  case foreignTag(tag: String, why: String)
  /// A file of this machine (lock, blob, configuration) cannot be used.
  case localFile(path: String, why: String)
  case cancelled

  package var description: String {
    switch self {
    case .unreachable(let place, let why): "no answer from \(place): \(why)"
    case .notFound(let place): "there is nothing at \(place), or these credentials may not see it"
    case .unauthorized(let registry, let why): "the registry \(registry) did not accept the caller: \(why)"
    case .credential(let registry, let why): "no credentials for the registry \(registry): \(why)"
    case .refused(let place, let status, let codes, let message):
      "\(place) was answered \(status)" + (codes.isEmpty ? "" : " \(codes.joined(separator: ", "))") + (message.map { ": \($0)" } ?? "")
    case .wrongContent(let place, let wanted, let found): "\(place) returned other content: \(wanted) was wanted, \(found) came; it was not used"
    case .badDocument(let place, let why): "\(place): \(why.description)"
    case .badAnswer(let place, let why): "unusable answer from \(place): \(why)"
    case .tooLarge(let place, let limit): "\(place) is longer than \(limit) bytes"
    case .insecure(let place, let why): "\(place) was not asked: \(why)"
    case .updateLost(let tag, let attempts):
      "the entry was not seen in \(tag) after \(attempts) attempts: other writers keep replacing it; nothing is lost but the listing, run the command again"
    case .foreignTag(let tag, let why): "the tag \(tag) holds something else (\(why)) and was left as it is; remove or rename it first"
    case .localFile(let path, let why): "\(path): \(why)"
    case .cancelled: "cancelled"
    }
  }
}

extension RegistryError {
  /// The registry says that content the manifest names is not there.
  var isMissingBlob: Bool {
    if case .refused(_, _, let codes, _) = self { codes.contains("MANIFEST_BLOB_UNKNOWN") || codes.contains("BLOB_UNKNOWN") } else { false }
  }
}
