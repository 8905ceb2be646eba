package import NotaryFormats
internal import SigstoreFormats

extension TrustPolicy {
  /// What must hold for the artifacts of some scopes.
  package struct Rule: Sendable, Hashable {
    package var name: String
    /// Images of these repositories.
    package var repositories: [RepositoryPattern]
    /// Files and everything else that is no image.
    package var blobs: Bool
    package var level: Level
    /// Who must have signed.
    package var requirement: Requirement
    /// The channel that the signers of `requirement` must at least have.
    package var channel: Channel
    /// The statement types that count as a signature. Plain signatures (bundle messages, detached, simple signing, Notary) always do.
    package var predicateTypes: [String]
    /// Statements that must be there besides.
    package var attestations: [AttestationRequirement]
    /// Subjects of signing certificates; empty: those that the root allows. It narrows, never widens.
    package var identities: [NotaryDistinguishedName]
    package var promotion: PromotionDemand?
    /// What a legacy cosign signature that names another repository is worth.
    package var repositoryIdentity: RepositoryIdentity

    /// What `cosign sign` writes, and our Merkle batch, in which one statement signs for many artifacts.
    package static let signaturePredicateTypes = [PredicateType.cosignImage.rawValue, MerkleBatch.predicateType]

    package init(
      name: String, repositories: [RepositoryPattern] = [], blobs: Bool = false, level: Level = .enforce, requirement: Requirement,
      channel: Channel = .release, predicateTypes: [String] = Self.signaturePredicateTypes,
      attestations: [AttestationRequirement] = [], identities: [NotaryDistinguishedName] = [], promotion: PromotionDemand? = nil,
      repositoryIdentity: RepositoryIdentity = .report
    ) {
      self.name = name
      self.repositories = repositories
      self.blobs = blobs
      self.level = level
      self.requirement = requirement
      self.channel = channel
      self.predicateTypes = predicateTypes
      self.attestations = attestations
      self.identities = identities
      self.promotion = promotion
      self.repositoryIdentity = repositoryIdentity
    }
  }

  /// What a refusal does: the stages in which a rule is brought in.
  package enum Level: String, Sendable, Hashable, CaseIterable {
    /// A refusal refuses.
    case enforce
    /// A refusal is shown as a warning, and the artifact is let through.
    case warn
    /// A refusal is written down, and the artifact is let through.
    case audit
  }

  /// Who must have signed, as an expression. At most `maxDepth` deep and `maxNodes` large.
  package indirect enum Requirement: Sendable, Hashable {
    /// A version of this key.
    case key(String)
    /// A key of this set.
    case keySet(String)
    /// A certificate that chains to this root.
    case root(String)
    case any([Requirement])
    case all([Requirement])
    /// So many of these, with a different key behind each. A key set counts as its keys.
    case atLeast(Int, [Requirement])

    package static let maxDepth = 8
    package static let maxNodes = 256
  }

  /// A statement of this type about the artifact must be there, by these signers.
  package struct AttestationRequirement: Sendable, Hashable {
    package var predicateType: String
    /// Nil: the signers of the rule.
    package var signers: Requirement?
    /// Nil: the channel of the rule.
    package var channel: Channel?

    package init(predicateType: String, signers: Requirement? = nil, channel: Channel? = nil) {
      self.predicateType = predicateType
      self.signers = signers
      self.channel = channel
    }
  }

  /// The release signature must name an attestation of the dev channel about the same bytes, which must be there and good.
  package struct PromotionDemand: Sendable, Hashable {
    /// What the dev attestation must be; nil: of any type.
    package var predicateType: String?
    package var signers: Requirement

    package init(predicateType: String?, signers: Requirement) {
      self.predicateType = predicateType
      self.signers = signers
    }
  }

  package enum RepositoryIdentity: String, Sendable, Hashable, CaseIterable {
    /// Say so, as cosign does not.
    case report
    /// The signature does not count.
    case enforce
  }
}

/// Repositories of a registry: one (`registry.example/team/app`), all below a path (`registry.example/team/*`), or all (`*`).
package struct RepositoryPattern: Sendable, Hashable {
  package enum Form: Sendable, Hashable {
    case exact(String)
    /// With its final slash.
    case prefix(String)
    case everything
  }

  package let form: Form

  package static let everything = RepositoryPattern(form: .everything)
  package static let maxBytes = 512

  private init(form: Form) { self.form = form }

  /// Nil unless it is a host with an optional port, a path in lower case, and at most one `*`, at the end, after a slash.
  package init?(_ text: String) {
    if text == "*" { self = .everything; return }
    guard !text.isEmpty, text.utf8.count <= Self.maxBytes else { return nil }
    let isPrefix = text.hasSuffix("/*")
    let parts = (isPrefix ? text.dropLast(2) : text[...]).split(separator: "/", omittingEmptySubsequences: false)
    guard let host = parts.first, Self.isHost(host), isPrefix || parts.count > 1, parts.dropFirst().allSatisfy(Self.isPathPart) else { return nil }
    form = isPrefix ? .prefix(String(text.dropLast())) : .exact(text)
  }

  package var text: String {
    switch form {
    case .exact(let text): text
    case .prefix(let text): text + "*"
    case .everything: "*"
    }
  }

  package func matches(_ repository: String) -> Bool {
    switch form {
    case .exact(let text): text.utf8.elementsEqual(repository.utf8)
    case .prefix(let text): repository.utf8.count > text.utf8.count && repository.utf8.starts(with: text.utf8)
    case .everything: true
    }
  }

  /// The higher, the narrower. No two different patterns of one repository have the same.
  package var specificity: Int {
    switch form {
    case .exact: .max
    case .prefix(let text): text.utf8.count
    case .everything: 0
    }
  }

  private static func isHost(_ text: Substring) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { isLowerOrDigit($0) || isUpper($0) || ".-:[]".utf8.contains($0) }
  }

  private static func isPathPart(_ text: Substring) -> Bool {
    guard let first = text.utf8.first, let last = text.utf8.last, isLowerOrDigit(first), isLowerOrDigit(last) else { return false }
    return text.utf8.allSatisfy { isLowerOrDigit($0) || "._-".utf8.contains($0) }
  }

  private static func isLowerOrDigit(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) }
  private static func isUpper(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte) }
}
