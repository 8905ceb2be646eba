/// A principal as far as the register can know it by. What was not seen is nil and matches nothing.
package struct IntentPrincipal: Sendable, Hashable {
  package var objectId: String?
  package var clientId: String?
  package var armId: String?
  /// A Terraform address.
  package var address: String?
  package var federated: [InventorySnapshot.Federated]
  /// Object ids of every group it is in, transitively, and its own when it is a group.
  package var groups: [String]
  package var tags: [String: String]

  package init(
    objectId: String? = nil, clientId: String? = nil, armId: String? = nil, address: String? = nil,
    federated: [InventorySnapshot.Federated] = [], groups: [String] = [], tags: [String: String] = [:]
  ) {
    self.objectId = objectId
    self.clientId = clientId
    self.armId = armId
    self.address = address
    self.federated = federated
    self.groups = groups
    self.tags = tags
  }

  /// The principal of this object id as an estate knows it, with its groups.
  package init(objectId: String, in estate: EstateRights) {
    let identity = estate.identities[objectId.lowercased()]
    self.init(
      objectId: objectId, clientId: identity?.clientId, armId: identity?.armId, federated: identity?.federated ?? [],
      groups: [objectId] + estate.groups(of: objectId).compactMap { $0.last?.objectId }, tags: identity?.tags ?? [:])
  }
}

extension IntentRegister {
  /// Where a purpose comes from.
  package enum PurposeSource: Sendable, Hashable {
    case register(entry: String)
    case tag(name: String)
    /// The default for identities that a CI platform can become.
    case ciFederated
    case unlisted
  }

  package struct PurposeDecision: Sendable, Hashable {
    package var purpose: Purpose
    package var source: PurposeSource
    /// The register's entry, when it lists the principal.
    package var entry: Entry?
  }

  /// What the principal is for: by the register, else by its tags, else by the defaults.
  ///
  /// Entries that name the principal itself come before entries that name its group; among equals the order of the register counts.
  package func purpose(of principal: IntentPrincipal) -> PurposeDecision {
    if let entry = entries(for: principal).first {
      return PurposeDecision(purpose: entry.purpose, source: .register(entry: entry.name), entry: entry)
    }
    for name in ["hallmark.purpose", "purpose"] {
      guard let word = principal.tags.first(where: { $0.key.lowercased() == name })?.value, let purpose = Purpose(rawValue: word),
        purpose != .unclassified
      else { continue }
      return PurposeDecision(purpose: purpose, source: .tag(name: name))
    }
    if principal.federated.contains(where: { FederatedSubject($0).isCI }) {
      return PurposeDecision(purpose: defaults.ciFederated, source: .ciFederated)
    }
    return PurposeDecision(purpose: defaults.unlisted, source: .unlisted)
  }

  /// Every entry that lists the principal, those that name it itself first.
  package func entries(for principal: IntentPrincipal) -> [Entry] {
    identities.filter { $0.match.names(principal) } + identities.filter { !$0.match.names(principal) && $0.match.namesGroup(of: principal) }
  }

  /// Whether the register calls this key a signing key. Letter case of names, tags and subjects does not count.
  package func isSigningKey(name: String?, tags: [String: String]? = nil, subject: String? = nil) -> Bool {
    if let name, signingKeys.names.contains(where: { Glob.matches($0, name, caseSensitive: false) }) { return true }
    if let tags {
      for (tag, values) in signingKeys.tags {
        guard let value = tags.first(where: { $0.key.lowercased() == tag.lowercased() })?.value.lowercased() else { continue }
        if values.contains(where: { $0.lowercased() == value }) { return true }
      }
    }
    if let subject {
      let parts = Self.nameParts(subject)
      return signingKeys.subjects.contains { let wanted = Self.nameParts($0); return !wanted.isEmpty && wanted.isSubset(of: parts) }
    }
    return false
  }

  /// The parts of a subject, in any order: the register names those that count, a certificate may have more.
  private static func nameParts(_ subject: String) -> Set<String> {
    Set(subject.lowercased().filter { $0 != " " }.split(separator: ",").map(String.init))
  }
}

extension IntentRegister.Entry {
  /// Whether the entry lets its identity use this key. An entry without keys allows any key of its purpose.
  package func allows(key: String) -> Bool { keys.map { $0.contains { Glob.matches($0, key, caseSensitive: false) } } ?? true }
}

extension IntentRegister.Match {
  /// Whether a line other than `group` identifies the principal.
  package func names(_ principal: IntentPrincipal) -> Bool {
    if Self.same(objectId, principal.objectId) || Self.same(clientId, principal.clientId) { return true }
    if let armId, let other = principal.armId, RightsScope(armId) == RightsScope(other) { return true }
    if let address, let other = principal.address, TerraformAddress.matches(address, other) { return true }
    guard let subject else { return false }
    return principal.federated.contains { credential in
      let given = FederatedSubject(credential).subject
      return Glob.matches(subject, given) && (issuer == nil || FederatedSubject.sameIssuer(issuer ?? "", credential.issuer))
    }
  }

  package func namesGroup(of principal: IntentPrincipal) -> Bool { principal.groups.contains { Self.same(group, $0) } }

  private static func same(_ a: String?, _ b: String?) -> Bool {
    guard let a, let b else { return false }
    return a.lowercased() == b.lowercased()
  }
}

/// Patterns of the register: `*` is any run of characters, `?` exactly one byte.
package enum Glob {
  package static func matches(_ pattern: String, _ text: String, caseSensitive: Bool = true) -> Bool {
    let (pattern, text) = caseSensitive ? (pattern, text) : (pattern.lowercased(), text.lowercased())
    return Wildcards.matches(pattern: Array(pattern.utf8), text: Array(text.utf8), single: UInt8(ascii: "?"))
  }
}

/// Addresses of Terraform resources.
package enum TerraformAddress {
  /// Whether two addresses name the same resource; one without instance keys stands for every instance.
  package static func matches(_ listed: String, _ address: String) -> Bool {
    listed == address || (listed == withoutKeys(listed) && listed == withoutKeys(address))
  }

  /// The address without `[0]` and `["name"]`.
  package static func withoutKeys(_ address: String) -> String {
    var result = ""
    var depth = 0
    var quoted = false
    var escaped = false
    for character in address {
      if quoted {
        if escaped { escaped = false } else if character == "\\" { escaped = true } else if character == "\"" { quoted = false }
      } else if depth > 0, character == "\"" {
        quoted = true
      } else if character == "[" {
        depth += 1
      } else if character == "]", depth > 0 {
        depth -= 1
      } else if depth == 0 {
        result.append(character)
      }
    }
    return result
  }
}
