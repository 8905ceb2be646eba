/// OCI: the documents of the OCI image and distribution specifications 1.1, as values, with the Docker forms they grew out of.
///
/// Digests, references, descriptors, manifests and indexes, the referrers fallback tag, and the small texts a registry speaks: challenges
/// (RFC 7235), links (RFC 8288), error documents, and the `config.json` in which Docker keeps credentials. Every parser takes bytes of
/// strangers: bounded before anything is built, doubled JSON members refused. Members the specifications do not name are tolerated, as they
/// demand, and carried along where a document is written again (an index or a manifest that somebody else may have extended).
///
/// Must never know: HTTP, files, sockets, what a signature means.
/// Allowed imports: Encodings, swift-crypto (digests).

/// Why a text or document is none of those of an OCI registry. It names members and short texts, never whole documents.
package enum OCIError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Not `sha256:` with 64 or `sha512:` with 128 lower-case hexadecimal digits.
  case badDigest(String)
  /// Not an image reference.
  case badReference(String, why: String)
  /// A document is longer than its limit.
  case tooLarge(document: String, bytes: Int, limit: Int)
  /// Not JSON, JSON with a doubled member, or beyond the limits of `OCILimits`.
  case notJSON(document: String, why: String)
  /// A member is missing or has the wrong form. The path is written `a.b[0].c`.
  case badMember(document: String, path: String, wanted: String)
  /// The document's media type is none that is read here.
  case unsupportedMediaType(document: String, mediaType: String)
  /// The document says another media type than the one it was served or described with.
  case mediaTypeMismatch(said: String, found: String)
  /// A header has not the grammar of its RFC.
  case badHeader(name: String, why: String)

  package var description: String {
    switch self {
    case .badDigest(let text):
      "\"\(text.prefix(150))\" is no digest: sha256: and 64, or sha512: and 128, lower-case hexadecimal digits are wanted"
    case .badReference(let text, let why): "\"\(text.prefix(200))\" is no image reference: \(why)"
    case .tooLarge(let document, let bytes, let limit): "the \(document) is \(bytes) bytes long; at most \(limit) are read"
    case .notJSON(let document, let why): "the \(document) is not acceptable JSON: \(why)"
    case .badMember(let document, let path, let wanted): "the \(document)'s member \(path.isEmpty ? "(the whole)" : path): \(wanted) wanted"
    case .unsupportedMediaType(let document, let type): "the \(document) has media type \"\(type.prefix(150))\", which is not read"
    case .mediaTypeMismatch(let said, let found):
      "the document was served as \"\(said.prefix(150))\" but says of itself \"\(found.prefix(150))\""
    case .badHeader(let name, let why): "header \(name): \(why)"
    }
  }
}

/// What a document may cost. The manifest limit is the one the distribution specification asks registries for (§ Pushing Manifests).
package enum OCILimits {
  /// 4 MiB.
  package static let manifestBytes = 4 << 20
  package static let layers = 4096
  /// Entries of one index or of one page of referrers.
  package static let manifests = 20_000
  package static let annotations = 512
  /// Of one annotation's value: a legacy cosign signature carries a certificate chain and a log entry there.
  package static let annotationBytes = 1 << 20
  /// Of the bytes that a descriptor may carry inside it (`data`).
  package static let embeddedBytes = 256 << 10
  package static let mediaTypeBytes = 255
}
