package import SigstoreFormats
package import Trust

/// A wish to sign in a channel.
package struct ChannelRequest: Sendable, Hashable {
  package var channel: SigningPolicy.ChannelName
  /// The key that is to sign, or to endorse.
  package var key: KeyReference
  /// The git ref: as the token says, else as the user says; nil when nobody said.
  package var ref: String?
  package var identity: SigningIdentity
  /// The dev attestation that the release signature will name; nil when none.
  package var promotion: Promotion?

  package init(
    channel: SigningPolicy.ChannelName, key: KeyReference, ref: String? = nil, identity: SigningIdentity, promotion: Promotion? = nil
  ) {
    self.channel = channel
    self.key = key
    self.ref = ref
    self.identity = identity
    self.promotion = promotion
  }
}

/// Whether a wish is granted.
package enum ChannelDecision: Sendable, Hashable {
  case allowed(ChannelGrant)
  case refused(ChannelRefusal)
}

/// What the policy gives to an allowed request. Made only by `SigningPolicy.evaluate`.
package struct ChannelGrant: Sendable, Hashable {
  package let channel: SigningPolicy.ChannelName
  /// Seconds a key made in memory may sign; nil: the HSM key signs.
  package let shortLivedSeconds: Int64?
  package let cache: SigningPolicy.CacheRule
  package let promotion: SigningPolicy.PromotionRule
  package let standbyKey: KeyReference?
  package let standby: StandbyRules?
  /// What cache keys call the purpose.
  package var purpose: String { channel.rawValue }

  fileprivate init(_ channel: SigningPolicy.Channel, standby: StandbyRules?) {
    self.channel = channel.name
    shortLivedSeconds = channel.shortLivedSeconds
    cache = channel.cache
    promotion = channel.promotion
    standbyKey = channel.standbyKey
    self.standby = standby
  }
}

/// Why a wish is refused.
package enum ChannelRefusal: Sendable, Hashable, CustomStringConvertible {
  case noSuchChannel(SigningPolicy.ChannelName)
  case keyNotInChannel(key: String, channel: SigningPolicy.ChannelName, belongsTo: SigningPolicy.ChannelName?)
  case refUnknown(SigningPolicy.ChannelName)
  case refNotAllowed(String, SigningPolicy.ChannelName)
  /// The token names one ref, the user another.
  case refContradicts(token: String, given: String)
  case identityNotAllowed(String, SigningPolicy.ChannelName)
  case promotionMissing(predicateType: String?)
  /// Only a release can stand on something.
  case promotionOutsideRelease

  package var description: String {
    switch self {
    case .noSuchChannel(let name): "the signing policy has no channel \(name.rawValue)"
    case .keyNotInChannel(let key, let channel, let other):
      "key \(key) is not among the keys of channel \(channel.rawValue)" + (other.map { "; it belongs to \($0.rawValue)" } ?? "")
    case .refUnknown(let name): "channel \(name.rawValue) asks for a git ref, and neither the token nor --ref names one"
    case .refNotAllowed(let ref, let name): "git ref \(ref.prefix(200)) may not sign in channel \(name.rawValue)"
    case .refContradicts(let token, let given): "--ref \(given.prefix(200)) contradicts the token, which was issued for \(token.prefix(200))"
    case .identityNotAllowed(let who, let name): "\(who.prefix(300)) may not sign in channel \(name.rawValue)"
    case .promotionMissing(let type):
      "a release must name the dev attestation\(type.map { " (\($0))" } ?? "") that its bytes were tested under; give --promotes"
    case .promotionOutsideRelease: "only a release signature can name the dev attestation it stands on"
    }
  }

  package var code: String {
    switch self {
    case .noSuchChannel: "no-such-channel"
    case .keyNotInChannel: "key-not-in-channel"
    case .refUnknown: "ref-unknown"
    case .refNotAllowed: "ref-not-allowed"
    case .refContradicts: "ref-contradicts"
    case .identityNotAllowed: "identity-not-allowed"
    case .promotionMissing: "promotion-missing"
    case .promotionOutsideRelease: "promotion-outside-release"
    }
  }
}

extension SigningPolicy {
  /// Decides one wish. Pure.
  ///
  /// A ref in the token wins over one that was only given; the two must not contradict each other.
  package func evaluate(_ request: ChannelRequest) -> ChannelDecision {
    guard let channel = self[request.channel] else { return .refused(.noSuchChannel(request.channel)) }
    let isStandby = channel.standbyKey.map { request.key.isNamed(by: $0) } ?? false
    guard isStandby || channel.keys.contains(where: { request.key.isNamed(by: $0) }) else {
      let owner = channels.first { $0.keys.contains { request.key.isNamed(by: $0) } }?.name
      return .refused(.keyNotInChannel(key: request.key.name, channel: request.channel, belongsTo: owner))
    }
    if let proved = request.identity.ref, let given = request.ref, proved != given {
      return .refused(.refContradicts(token: proved, given: given))
    }
    if !channel.refs.isEmpty {
      guard let ref = request.identity.ref ?? request.ref else { return .refused(.refUnknown(request.channel)) }
      guard channel.refs.contains(where: { $0.matches(ref) }) else { return .refused(.refNotAllowed(ref, request.channel)) }
    }
    if !channel.identities.isEmpty, !channel.identities.contains(where: { $0.matches(request.identity) }) {
      return .refused(.identityNotAllowed(request.identity.text, request.channel))
    }
    switch (channel.promotion, request.promotion) {
    case (.required(let type), nil): return .refused(.promotionMissing(predicateType: type))
    case (_, .some) where request.channel != .release: return .refused(.promotionOutsideRelease)
    case (.required, .some), (.none, _): break
    }
    return .allowed(ChannelGrant(channel, standby: standby))
  }

  /// Whether a key version was withdrawn.
  package func isRevoked(_ key: PublicKey) -> Bool { revoked.contains(key.fingerprint) }
}

extension KeyReference {
  /// Whether the policy's entry means this key: equal names, and equal stores and versions where the entry names them.
  func isNamed(by entry: KeyReference) -> Bool {
    guard name.lowercased() == entry.name.lowercased() else { return false }
    if let wanted = entry.store, wanted != store { return false }
    if let wanted = entry.version, wanted != version { return false }
    return true
  }
}
