package import Clocks

/// What each identity is for, which keys are signing keys, and what was excused: `hallmark.intent/v1` (guard-formats §1).
///
/// The organisation keeps it in git; everything here was decided by people.
package struct IntentRegister: Sendable, Hashable {
  package static let schema = "hallmark.intent/v1"

  package var identities: [Entry]
  package var signingKeys: SigningKeys
  package var defaults: Defaults
  package var revocations: [Revocation]
  package var waivers: [Waiver]

  package init(
    identities: [Entry] = [], signingKeys: SigningKeys = SigningKeys(), defaults: Defaults = Defaults(),
    revocations: [Revocation] = [], waivers: [Waiver] = []
  ) {
    self.identities = identities
    self.signingKeys = signingKeys
    self.defaults = defaults
    self.revocations = revocations
    self.waivers = waivers
  }

  package enum Purpose: String, Sendable, Hashable, CaseIterable {
    case signOnly = "sign-only"
    case encryptService = "encrypt-service"
    case officer, administrator, auditor, backup
    case breakGlass = "break-glass"
    /// Nobody said. Only `defaults` may use this word.
    case unclassified
  }

  /// One identity, or a group and everyone in it.
  package struct Entry: Sendable, Hashable {
    /// Unique, for people.
    package var name: String
    package var match: Match
    package var purpose: Purpose
    /// Key names or globs; nil means any key of its purpose.
    package var keys: [String]?
    package var hours: Hours?
    package var addresses: [AddressRange]?

    package init(
      name: String, match: Match, purpose: Purpose, keys: [String]? = nil, hours: Hours? = nil, addresses: [AddressRange]? = nil
    ) {
      self.name = name
      self.match = match
      self.purpose = purpose
      self.keys = keys
      self.hours = hours
      self.addresses = addresses
    }
  }

  /// Any one line identifies the principal, except `issuer`, which only narrows `subject`.
  package struct Match: Sendable, Hashable {
    package var objectId: String?
    package var clientId: String?
    package var armId: String?
    /// A Terraform address; instance keys may be left out.
    package var address: String?
    /// The subject of a federated credential; the only place where globs count.
    package var subject: String?
    package var issuer: String?
    /// A group's object id: the group and everyone in it, transitively.
    package var group: String?

    package init(
      objectId: String? = nil, clientId: String? = nil, armId: String? = nil, address: String? = nil, subject: String? = nil,
      issuer: String? = nil, group: String? = nil
    ) {
      self.objectId = objectId
      self.clientId = clientId
      self.armId = armId
      self.address = address
      self.subject = subject
      self.issuer = issuer
      self.group = group
    }
  }

  /// Which keys are signing keys, by any of these.
  package struct SigningKeys: Sendable, Hashable {
    /// Names or globs.
    package var names: [String]
    /// Tag name to the values that make a key a signing key.
    package var tags: [String: [String]]
    /// Subjects of certificates over the key.
    package var subjects: [String]

    package init(names: [String] = [], tags: [String: [String]] = [:], subjects: [String] = []) {
      self.names = names
      self.tags = tags
      self.subjects = subjects
    }
  }

  package struct Defaults: Sendable, Hashable {
    /// The purpose of an unlisted identity that a CI platform can become.
    package var ciFederated: Purpose
    package var unlisted: Purpose

    package init(ciFederated: Purpose = .signOnly, unlisted: Purpose = .unclassified) {
      self.ciFederated = ciFederated
      self.unlisted = unlisted
    }
  }

  /// Since when a key version is not to be trusted.
  package struct Revocation: Sendable, Hashable {
    package var store: String
    package var key: String
    /// nil means every version of the key.
    package var version: String?
    package var at: Instant
    package var reason: String?

    package init(store: String, key: String, version: String? = nil, at: Instant, reason: String? = nil) {
      self.store = store
      self.key = key
      self.version = version
      self.at = at
      self.reason = reason
    }
  }

  /// An excuse for one finding. Only `rule` and `address` are sure to be there: what else is missing is a reason to refuse the waiver
  /// where it would have counted, so that the finding can say so.
  package struct Waiver: Sendable, Hashable {
    package var rule: String
    package var address: String
    package var reason: String?
    /// The text of the register, for people.
    package var expires: String?
    /// The first moment at which it no longer counts: a date alone counts until the end of that day, UTC.
    package var expiresAt: Instant?
    package var approvedBy: String?
    package var proposedBy: String?

    package init(
      rule: String, address: String, reason: String? = nil, expires: String? = nil, expiresAt: Instant? = nil,
      approvedBy: String? = nil, proposedBy: String? = nil
    ) {
      self.rule = rule
      self.address = address
      self.reason = reason
      self.expires = expires
      self.expiresAt = expiresAt
      self.approvedBy = approvedBy
      self.proposedBy = proposedBy
    }
  }
}
