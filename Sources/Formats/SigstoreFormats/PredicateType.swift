/// The predicate types in use, by what they are for. Any other URI is allowed in a statement as well.
package enum PredicateType: String, Sendable, Hashable, CaseIterable {
  case cosignImage = "https://sigstore.dev/cosign/sign/v1"
  case spdx = "https://spdx.dev/Document"
  case cycloneDX = "https://cyclonedx.org/bom"
  case slsaProvenance1 = "https://slsa.dev/provenance/v1"
  case slsaProvenance02 = "https://slsa.dev/provenance/v0.2"
  case slsaVerificationSummary = "https://slsa.dev/verification_summary/v1"
  case link = "https://in-toto.io/Link/v1"
  case cosignVulnerabilities = "https://cosign.sigstore.dev/attestation/vuln/v1"
  case vulnerabilities02 = "https://in-toto.io/attestation/vulns/v0.2"
  case openVEX = "https://openvex.dev/ns"
  case cosignCustom = "https://cosign.sigstore.dev/attestation/v1"

  /// The predicate type that a word of cosign's `--type` stands for; nil for a word it does not know. `custom` is cosign's own wrapping and
  /// is not offered.
  package static func named(_ word: String) -> PredicateType? {
    switch word {
    case "slsaprovenance", "slsaprovenance02": .slsaProvenance02
    case "slsaprovenance1": .slsaProvenance1
    case "link": .link
    case "spdx", "spdxjson": .spdx
    case "cyclonedx": .cycloneDX
    case "vuln": .cosignVulnerabilities
    case "openvex": .openVEX
    default: nil
    }
  }

  /// Whether the text can stand as a predicate type: an absolute URI without spaces, at most 512 bytes.
  package static func isURI(_ text: String) -> Bool {
    guard (3...512).contains(text.utf8.count), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), let colon = text.firstIndex(of: ":") else {
      return false
    }
    let scheme = text[..<colon].utf8
    guard let first = scheme.first, (first | 0x20) >= 0x61, (first | 0x20) <= 0x7A, text.index(after: colon) < text.endIndex else { return false }
    return scheme.allSatisfy { ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A || $0 >= 0x30 && $0 <= 0x39 || [0x2B, 0x2D, 0x2E].contains($0) }
  }
}
