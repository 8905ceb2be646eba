/// SigstoreFormats: the documents of the Sigstore world, as values.
///
/// Bundle, DSSE envelope, in-toto statement, the payload of cosign's older image signatures, and the messages of its plugin protocol. The
/// bundle (`application/vnd.dev.sigstore.bundle.v0.3+json`) is one signature over one artifact together with what a verifier needs to
/// check it: written as cosign 3 writes it, read in the versions cosign reads (0.1, 0.2, 0.3), and refused when a member is unknown, missing,
/// doubled or too large, because cosign refuses those as well and a file that only we accept helps nobody.
///
/// Payloads may be large (an SBOM of 128 MiB inside an attestation): they are read without a tree, hashed in pieces and kept verbatim.
///
/// Must never know: keys of ours, where a file came from, whether a signature is good (that is `Trust`), or any network.
/// Allowed imports: Encodings, swift-crypto (digests).

/// Why a text is not a bundle we can use. It names members, never their contents.
package enum BundleError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Not JSON, or JSON beyond the limits of `SigstoreBundle.limits`.
  case notJSON(String)
  /// The `mediaType` is none of those that are read.
  case unknownMediaType(String)
  /// A required member is absent, or an optional one has the wrong type. The path is written `a.b[0].c`.
  case badMember(path: String, wanted: String)
  /// A member this version of the format does not have.
  case unknownMember(path: String)
  /// More entries than `limit`, which is the limit of sigstore-go.
  case tooMany(path: String, limit: Int)
  /// Of members of which exactly one must be present, none or several are.
  case notExactlyOne(of: [String], path: String)

  package var description: String {
    switch self {
    case .notJSON(let why): "not a JSON document: \(why)"
    case .unknownMediaType(let type): "media type \"\(type.prefix(120))\" is not a Sigstore bundle of version 0.1, 0.2 or 0.3"
    case .badMember(let path, let wanted): "member \(path): \(wanted) expected"
    case .unknownMember(let path): "member \(path) is not part of the format"
    case .tooMany(let path, let limit): "member \(path) has more than \(limit) entries"
    case .notExactlyOne(let names, let path): "exactly one of \(names.joined(separator: ", ")) expected in \(path.isEmpty ? "the bundle" : path)"
    }
  }
}
