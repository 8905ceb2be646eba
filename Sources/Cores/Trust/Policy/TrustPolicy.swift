/// Which keys and certificate roots are trusted, for what, when, and which no longer: `hallmark-trust.yaml` (`hallmark.trust/v1`).
///
/// A policy without rules is its first form: any of its keys, over anything, enforced. `effectiveRules` shows it as the rule it means.
package struct TrustPolicy: Sendable, Hashable {
  package var keys: [Key]
  package var keySets: [KeySet]
  package var roots: [CertificateRoot]
  package var rules: [Rule]
  package var revocations: [Revocation]

  package init(
    keys: [Key], keySets: [KeySet] = [], roots: [CertificateRoot] = [], rules: [Rule] = [], revocations: [Revocation] = []
  ) {
    self.keys = keys
    self.keySets = keySets
    self.roots = roots
    self.rules = rules
    self.revocations = revocations
  }

  /// Trusts exactly this key, at all times.
  package init(key: PublicKey, name: String, version: String? = nil) {
    self.init(keys: [Key(name: name, key: key, version: version)])
  }

  /// Fills in the bytes of keys that are pinned by fingerprint alone. Keys that are not pinned are ignored: supplying adds no trust.
  package func supplying(_ supplied: [PublicKey]) -> TrustPolicy {
    var result = self
    for i in result.keys.indices where result.keys[i].key == nil {
      result.keys[i].key = supplied.first { $0.fingerprint == result.keys[i].fingerprint }
    }
    return result
  }

  /// The rules, or the one rule that a policy without rules means: any key of the release channel or root, over every artifact, enforced.
  ///
  /// A signature by a key of the dev channel satisfies it only when the policy has nothing else.
  package var effectiveRules: [Rule] {
    guard rules.isEmpty else { return rules }
    var names: [String] = []
    for key in keys where !names.contains(key.name) { names.append(key.name) }
    let channel: Channel = keys.contains { $0.channel == .release } || roots.contains { $0.channel == .release } ? .release : .dev
    let requirement = Requirement.any(names.map { .key($0) } + roots.map { .root($0.name) })
    return [Rule(name: "every key", repositories: [.everything], blobs: true, requirement: requirement, channel: channel)]
  }
}

extension TrustPolicy {
  /// Which signatures a key is for. A signature of the dev channel never satisfies what demands release.
  package enum Channel: String, Sendable, Hashable, CaseIterable {
    case dev
    case release

    /// Whether a signer of this channel may stand where `demanded` is asked: release may stand for dev, never the other way.
    package func serves(_ demanded: Channel) -> Bool { self == .release || demanded == .dev }
  }

  /// One key, by its bytes or by its fingerprint alone. Several versions of one key are several entries of the same name.
  package struct Key: Sendable, Hashable {
    package var name: String
    /// SHA-256 of the DER SubjectPublicKeyInfo, 32 bytes.
    package var fingerprint: [UInt8]
    /// Nil when the file pins only the fingerprint and nobody supplied the bytes.
    package var key: PublicKey?
    /// The version in the HSM that this key is, when the file says so.
    package var version: String?
    package var channel: Channel
    /// Seconds since the epoch, inclusive; nil for no bound.
    package var from: Int64?
    package var until: Int64?

    package init(
      name: String, key: PublicKey, version: String? = nil, channel: Channel = .release, from: Int64? = nil, until: Int64? = nil
    ) {
      self.init(name: name, fingerprint: key.fingerprint, version: version, channel: channel, from: from, until: until)
      self.key = key
    }

    package init(
      name: String, fingerprint: [UInt8], version: String? = nil, channel: Channel = .release, from: Int64? = nil, until: Int64? = nil
    ) {
      self.name = name
      self.fingerprint = fingerprint
      self.version = version
      self.channel = channel
      self.from = from
      self.until = until
    }
  }

  /// A name for several keys. It stands for each of them, also where distinct keys are counted.
  package struct KeySet: Sendable, Hashable {
    package var name: String
    /// Names of keys.
    package var keys: [String]

    package init(name: String, keys: [String]) {
      self.name = name
      self.keys = keys
    }
  }

  /// Since when a key, one version of it, or a certificate is not to be trusted. Signatures provably older stay good.
  package struct Revocation: Sendable, Hashable {
    /// Name of a key of the policy; nil when only `fingerprint` or `certificate` says what is revoked.
    package var key: String?
    /// Nil: every version of the key.
    package var version: String?
    /// SHA-256 of a SubjectPublicKeyInfo: a key of the policy, or the key of a certificate under a root.
    package var fingerprint: [UInt8]?
    /// SHA-256 of a DER certificate anywhere in a chain.
    package var certificate: [UInt8]?
    package var at: Int64
    package var reason: String
    /// The private key is in other hands: a time that the key itself states proves nothing, however old it is.
    package var compromised: Bool

    package init(
      key: String?, version: String? = nil, fingerprint: [UInt8]? = nil, certificate: [UInt8]? = nil, at: Int64, reason: String,
      compromised: Bool = false
    ) {
      self.key = key
      self.version = version
      self.fingerprint = fingerprint
      self.certificate = certificate
      self.at = at
      self.reason = reason
      self.compromised = compromised
    }

    func covers(_ trusted: Key) -> Bool {
      if let fingerprint { return fingerprint == trusted.fingerprint }
      guard let key, key == trusted.name else { return false }
      // A key of unknown version may be the revoked one; believing it is not would be the unsafe guess.
      guard let version, let known = trusted.version else { return true }
      return version == known
    }
  }
}
