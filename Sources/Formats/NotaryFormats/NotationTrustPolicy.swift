package import Encodings

/// The trust policy document of notation: `{config}/notation/trustpolicy.json`, version 1.0.
///
/// Source: trust-store-trust-policy, "OCI Trust Policy". Written by `serialized()`; `parse` and `validated()` enforce what notation 1.3 enforces, plus:
/// unknown members are errors.
package struct NotationTrustPolicy: Sendable, Hashable {
  package static let version = "1.0"
  package static let limits = JSONLimits(maxBytes: 1 << 20, maxDepth: 8, maxElements: 20_000)

  package var statements: [Statement]

  package init(statements: [Statement]) { self.statements = statements }

  package struct Statement: Sendable, Hashable {
    package var name: String
    /// `host/repository`, exact; or the single element `*`.
    package var registryScopes: [String]
    package var verification: Verification
    package var trustStores: [TrustStore]
    package var trustedIdentities: [Identity]

    package init(
      name: String, registryScopes: [String], verification: Verification = Verification(), trustStores: [TrustStore],
      trustedIdentities: [Identity]
    ) {
      self.name = name
      self.registryScopes = registryScopes
      self.verification = verification
      self.trustStores = trustStores
      self.trustedIdentities = trustedIdentities
    }
  }

  package enum Level: String, Sendable, Hashable, CaseIterable {
    case strict
    case permissive
    case audit
    case skip
  }

  /// What is checked, besides integrity, which always is.
  package enum Check: String, Sendable, Hashable, CaseIterable {
    case authenticity
    case authenticTimestamp
    case expiry
    case revocation
  }

  package enum Action: String, Sendable, Hashable, CaseIterable {
    case enforce
    case log
    /// For revocation only.
    case skip
  }

  package struct Verification: Sendable, Hashable {
    package enum Timestamp: String, Sendable, Hashable, CaseIterable {
      case always
      case afterCertExpiry
    }

    package var level: Level
    package var override: [Check: Action]
    /// Has effect only when a `tsa` store is named. Nil: notation's default, `always`.
    package var verifyTimestamp: Timestamp?

    package init(level: Level = .strict, override: [Check: Action] = [:], verifyTimestamp: Timestamp? = nil) {
      self.level = level
      self.override = override
      self.verifyTimestamp = verifyTimestamp
    }

    /// What a failed check leads to: the override, else the level's own.
    package func action(for check: Check) -> Action {
      if let chosen = override[check] { return chosen }
      return switch (level, check) {
      case (.strict, _): .enforce
      case (.permissive, .authenticity): .enforce
      case (.permissive, _), (.audit, _): .log
      case (.skip, _): .skip
      }
    }
  }

  /// A named trust store: `ca:release`. It lies in `{config}/notation/truststore/x509/{kind}/{name}/`.
  package struct TrustStore: Sendable, Hashable, CustomStringConvertible {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
      case ca
      case signingAuthority
      case tsa
    }

    package var kind: Kind
    /// `[A-Za-z0-9_.-]+`.
    package var name: String

    package init(kind: Kind, name: String) {
      self.kind = kind
      self.name = name
    }

    package var description: String { "\(kind.rawValue):\(name)" }

    /// Whether signatures of this scheme are trusted by stores of this kind.
    package func serves(_ scheme: NotaryEnvelope.SigningScheme) -> Bool {
      switch kind {
      case .ca: scheme == .x509
      case .signingAuthority: scheme == .signingAuthority
      case .tsa: false
      }
    }
  }

  package enum Identity: Sendable, Hashable, CustomStringConvertible {
    /// `*`: any subject whose chain reaches a store.
    case any
    case subject(NotaryDistinguishedName)

    package static let subjectPrefix = "x509.subject:"

    package var description: String {
      switch self {
      case .any: "*"
      case .subject(let name): "\(Self.subjectPrefix) \(name)"
      }
    }

    package func matches(_ leaf: NotaryDistinguishedName) -> Bool {
      switch self {
      case .any: true
      case .subject(let name): name.isSubset(of: leaf)
      }
    }
  }

  /// The statement for `host/repository`: the one that names it, else the one with `*`.
  package func statement(forScope scope: String) -> Statement? {
    statements.first { $0.registryScopes.contains(scope) } ?? statements.first { $0.registryScopes == ["*"] }
  }

  /// The document, one member a line.
  package func serialized() -> [UInt8] {
    let written: [JSONValue] = statements.map { statement in
      let verification = statement.verification
      var signatureVerification: JSONObject = ["level": .string(verification.level.rawValue)]
      if !verification.override.isEmpty {
        var override = JSONObject()
        for check in Check.allCases { override.set(check.rawValue, ifPresent: verification.override[check].map { .string($0.rawValue) }) }
        signatureVerification["override"] = .object(override)
      }
      signatureVerification.set("verifyTimestamp", ifPresent: verification.verifyTimestamp.map { .string($0.rawValue) })
      var object: JSONObject = [
        "name": .string(statement.name), "registryScopes": .array(statement.registryScopes.map { .string($0) }),
        "signatureVerification": .object(signatureVerification),
      ]
      if verification.level != .skip {
        object["trustStores"] = .array(statement.trustStores.map { .string($0.description) })
        object["trustedIdentities"] = .array(statement.trustedIdentities.map { .string($0.description) })
      }
      return .object(object)
    }
    return JSONValue.object(["version": .string(Self.version), "trustPolicies": .array(written)]).serialized(pretty: true) + [0x0A]
  }
}
