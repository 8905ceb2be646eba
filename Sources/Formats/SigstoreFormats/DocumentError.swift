/// The documents besides the bundle, for messages.
package enum SigstoreDocument: String, Sendable, Hashable {
  case envelope = "DSSE envelope"
  case statement = "in-toto statement"
  case simpleSigning = "cosign image payload"
  case predicate = "predicate"
  case spdx = "SPDX document"
  case cycloneDX = "CycloneDX document"
  case provenance = "SLSA provenance"
  case pluginRequest = "plugin request"
  case pluginResponse = "plugin answer"
}

/// Why a text is not the document it should be. It names members, never their contents.
package enum DocumentError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A member is missing, of the wrong type, doubled, unknown or too large.
  case malformed(SigstoreDocument, BundleError)
  /// Well-formed, but of a type or version that is not read.
  case unsupported(SigstoreDocument, String)
  /// Well-formed, but it breaks a rule of what may be written or relied on.
  case unfit(SigstoreDocument, String)

  package var description: String {
    switch self {
    case .malformed(let document, let error): "\(document.rawValue): \(error.description)"
    case .unsupported(let document, let why): "\(document.rawValue): \(why)"
    case .unfit(let document, let why): "\(document.rawValue): \(why)"
    }
  }
}
