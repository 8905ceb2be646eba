/// Names of tags that are made from the digest of what they belong to.
package enum ReferrersTag {
  /// The fallback tag under which a registry without a referrers API keeps the list (distribution-spec, Referrers Tag Schema):
  /// algorithm cut to 32 characters, `-`, encoded part cut to 64. So for sha512 only the first 64 of 128 digits.
  package static func fallback(of digest: ContentDigest) -> String { "\(digest.algorithm.rawValue.prefix(32))-\(digest.hex.prefix(64))" }

  /// The tags cosign used before referrers.
  package enum Legacy: String, Sendable, CaseIterable {
    case signature = "sig"
    case attestation = "att"
    case sbom = "sbom"
  }

  /// `sha256-HEX.sig` and its siblings.
  package static func legacy(_ kind: Legacy, of digest: ContentDigest) -> String { "\(digest.algorithm.rawValue)-\(digest.hex).\(kind.rawValue)" }
}
