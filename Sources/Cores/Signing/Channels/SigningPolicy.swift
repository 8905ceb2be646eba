package import SigstoreFormats

/// Who may sign what with which key: `hallmark-signing.yaml` (`hallmark.signing/v1`).
///
/// It is read and kept on the side that signs. It keeps honest builds apart and explains refusals; against somebody who changes the client, the HSM's
/// role assignments are what holds, and on the verifier's side the trust policy, which knows for itself which keys are dev and which release.
package struct SigningPolicy: Sendable, Hashable {
  package static let schema = "hallmark.signing/v1"
  package static let maxBytes = 1 << 20

  package enum ChannelName: String, Sendable, Hashable, CaseIterable {
    case dev
    case release
  }

  /// The rules of one channel. What a list does not name may not sign.
  package struct Channel: Sendable, Hashable {
    package var name: ChannelName
    /// Keys of the HSMs: for dev, those that endorse short-lived keys or sign themselves. At least one.
    package var keys: [KeyReference]
    /// The key that stands in when the first of `keys` cannot be reached (see `SigningPolicy.standby`).
    package var standbyKey: KeyReference?
    /// Git refs. Empty: no ref is asked for.
    package var refs: [TextPattern]
    /// Of whom one must match. Empty: everybody whom the HSM lets sign.
    package var identities: [IdentityPattern]
    /// Dev only: how long a key made in memory may sign, seconds; nil: the HSM key signs each artifact itself.
    package var shortLivedSeconds: Int64?
    /// Release only: whether a signature must name the dev attestation its bytes were tested under.
    package var promotion: PromotionRule
    package var cache: CacheRule
  }

  /// What a release signature must stand on.
  package enum PromotionRule: Sendable, Hashable {
    case none
    /// It must name a dev attestation of the same bytes, of this predicate type when one is named.
    case required(predicateType: String?)
  }

  /// Whether finished signatures may be used again, and how old they may be.
  package enum CacheRule: Sendable, Hashable {
    case off
    /// Seconds.
    case maxAge(Int64)

    /// A week, where the policy says nothing.
    package static let standard = CacheRule.maxAge(7 * 86_400)
  }

  package var channels: [Channel]
  /// Whether the standby may sign without approval; nil: never.
  package var standby: StandbyRules?
  /// Key versions whose signatures are not used again, by SHA-256 of their SubjectPublicKeyInfo.
  package var revoked: [[UInt8]]
  /// SHA-256 of the file: part of every cache key, so that a changed policy finds nothing of the old one.
  package var digest: MessageDigest

  package subscript(name: ChannelName) -> Channel? { channels.first { $0.name == name } }
}

/// A text with `*` for any run of characters, at most eight of them. Compared byte for byte.
package struct TextPattern: Sendable, Hashable {
  package let text: String

  /// Nil when empty, longer than 512 bytes, or with more than eight `*`.
  package init?(_ text: String) {
    guard (1...512).contains(text.utf8.count), text.utf8.count(where: { $0 == UInt8(ascii: "*") }) <= 8 else { return nil }
    self.text = text
  }

  /// Whether nothing but `*` stands in it.
  package var isEverything: Bool { text.utf8.allSatisfy { $0 == UInt8(ascii: "*") } }

  /// - Complexity: at most length of the pattern times length of the value; values beyond 4096 bytes never match.
  package func matches(_ value: String) -> Bool {
    let (pattern, value) = (Array(text.utf8), Array(value.utf8))
    guard value.count <= 4096 else { return false }
    var (p, v) = (0, 0)
    // Where to go on when what follows the last star does not fit: one byte more goes to the star.
    var resume: (pattern: Int, value: Int)?
    while v < value.count {
      if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
        resume = (p + 1, v)
        p += 1
      } else if p < pattern.count, pattern[p] == value[v] {
        p += 1
        v += 1
      } else if let (afterStar, from) = resume {
        resume = (afterStar, from + 1)
        p = afterStar
        v = from + 1
      } else {
        return false
      }
    }
    return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
  }
}

/// An identity by claims of its token: the issuer exactly, the others by pattern, all that are named.
package struct IdentityPattern: Sendable, Hashable {
  /// Compared exactly. Of the federated assertion behind the token where there is one.
  package var issuer: String
  package var subject: TextPattern?
  package var repository: TextPattern?

  package func matches(_ identity: SigningIdentity) -> Bool {
    guard identity.issuer == issuer else { return false }
    if let subject, !(identity.subject.map { subject.matches($0) } ?? false) { return false }
    if let repository, !(identity.repository.map { repository.matches($0) } ?? false) { return false }
    return true
  }
}

/// Who signs, as far as the token says.
package struct SigningIdentity: Sendable, Hashable {
  package var issuer: String?
  package var subject: String?
  /// Claim `repository` (GitHub) or `project_path` (GitLab).
  package var repository: String?
  /// Claim `ref`: the git ref the build runs for.
  package var ref: String?

  package init(issuer: String?, subject: String?, repository: String? = nil, ref: String? = nil) {
    self.issuer = issuer
    self.subject = subject
    self.repository = repository
    self.ref = ref
  }

  /// For people and endorsements.
  package var text: String { subject ?? repository ?? "(unnamed)" }
}
