internal import Encodings

extension NotationTrustPolicy {
  /// Reads a document. Fuzz entry point.
  ///
  /// - Throws: for unknown members, unknown words, and everything `validated()` refuses.
  package static func parse(_ bytes: some Sequence<UInt8>) throws(NotaryError) -> NotationTrustPolicy {
    let value: JSONValue
    do { value = try JSONValue.parse(bytes, limits: limits) } catch { throw .notJSON(what: "the trust policy", error.description) }
    let root = try NotaryMembers(value, path: "trustpolicy")
    try root.allow(["version", "trustPolicies"])
    guard try root.string("version", maxBytes: 16) == version else { throw .badMember(path: root.at("version"), wanted: "\"1.0\"") }
    var statements: [Statement] = []
    for (i, entry) in try root.array("trustPolicies", limit: 1000).enumerated() {
      statements.append(try statement(NotaryMembers(entry, path: "trustPolicies[\(i)]")))
    }
    return try NotationTrustPolicy(statements: statements).validated()
  }

  private static func statement(_ members: NotaryMembers) throws(NotaryError) -> Statement {
    try members.allow(["name", "registryScopes", "signatureVerification", "trustStores", "trustedIdentities"])
    let verification = try self.verification(try members.object("signatureVerification"))
    let hasTrust = verification.level != .skip
    var stores: [TrustStore] = []
    var identities: [Identity] = []
    if hasTrust || members.object["trustStores"] != nil {
      for (i, text) in try strings(members, "trustStores", limit: 100).enumerated() {
        guard let store = TrustStore(text) else {
          throw .badMember(path: "\(members.at("trustStores"))[\(i)]", wanted: "ca:, signingAuthority: or tsa: and a name of A-Z a-z 0-9 _ . -")
        }
        stores.append(store)
      }
    }
    if hasTrust || members.object["trustedIdentities"] != nil {
      for (i, text) in try strings(members, "trustedIdentities", limit: 1000).enumerated() {
        do { identities.append(try Identity(parsing: text)) } catch {
          guard case .badMember(_, let wanted) = error else { throw error }
          throw .badMember(path: "\(members.at("trustedIdentities"))[\(i)]", wanted: wanted)
        }
      }
    }
    return Statement(
      name: try members.string("name", maxBytes: 255), registryScopes: try strings(members, "registryScopes", limit: 1000),
      verification: verification, trustStores: stores, trustedIdentities: identities)
  }

  private static func verification(_ members: NotaryMembers) throws(NotaryError) -> Verification {
    try members.allow(["level", "override", "verifyTimestamp"])
    guard let level = Level(rawValue: try members.string("level", maxBytes: 32)) else {
      throw .badMember(path: members.at("level"), wanted: "strict, permissive, audit or skip")
    }
    var override: [Check: Action] = [:]
    if members.object["override"] != nil {
      let chosen = try members.object("override")
      for member in chosen.object.members {
        guard let check = Check(rawValue: member.name) else {
          throw .badMember(path: chosen.at(String(member.name.prefix(80))), wanted: "authenticity, authenticTimestamp, expiry or revocation as name")
        }
        guard let action = member.value.string.flatMap(Action.init), action != .skip || check == .revocation else {
          throw .badMember(path: chosen.at(check.rawValue), wanted: check == .revocation ? "enforce, log or skip" : "enforce or log")
        }
        override[check] = action
      }
    }
    var timestamp: Verification.Timestamp?
    if let text = try members.optionalString("verifyTimestamp", maxBytes: 32) {
      guard let known = Verification.Timestamp(rawValue: text) else {
        throw .badMember(path: members.at("verifyTimestamp"), wanted: "always or afterCertExpiry")
      }
      timestamp = known
    }
    return Verification(level: level, override: override, verifyTimestamp: timestamp)
  }

  private static func strings(_ members: NotaryMembers, _ name: String, limit: Int) throws(NotaryError) -> [String] {
    var result: [String] = []
    for (i, value) in try members.array(name, limit: limit).enumerated() {
      guard let text = value.string, !text.isEmpty, text.utf8.count <= NotaryDistinguishedName.maxBytes else {
        throw .badMember(path: "\(members.at(name))[\(i)]", wanted: "a string of 1 to \(NotaryDistinguishedName.maxBytes) bytes")
      }
      result.append(text)
    }
    return result
  }

  /// The policy, when every rule between its parts holds.
  ///
  /// - Throws: `.badMember` naming the statement: for no statement, names or scopes used twice, `*` beside other scopes, scopes that are no
  ///   `host/repository`, trust beside level skip, no store or identity otherwise, `*` beside other identities, overlapping subjects.
  @discardableResult
  package func validated() throws(NotaryError) -> NotationTrustPolicy {
    guard !statements.isEmpty else { throw .badMember(path: "trustPolicies", wanted: "at least one statement") }
    var names: Set<String> = []
    var scopes: Set<String> = []
    for (i, statement) in statements.enumerated() {
      let path = "trustPolicies[\(i)]"
      guard !statement.name.isEmpty, names.insert(statement.name).inserted else { throw .badMember(path: "\(path).name", wanted: "a name of its own") }
      guard !statement.registryScopes.isEmpty else { throw .badMember(path: "\(path).registryScopes", wanted: "at least one scope") }
      for scope in statement.registryScopes {
        let scopePath = "\(path).registryScopes"
        if scope == "*", statement.registryScopes.count > 1 { throw .badMember(path: scopePath, wanted: "* alone or repositories") }
        guard scope == "*" || Self.isScope(scope) else {
          throw .badMember(path: scopePath, wanted: "HOST[:PORT]/REPOSITORY without tag, digest or wildcard, or *")
        }
        guard scopes.insert(scope).inserted else { throw .badMember(path: scopePath, wanted: "each scope once; \(scope.prefix(120)) is repeated") }
      }
      try Self.checkTrust(statement, path)
    }
    return self
  }

  private static func checkTrust(_ statement: Statement, _ path: String) throws(NotaryError) {
    let verification = statement.verification
    if verification.level == .skip {
      guard statement.trustStores.isEmpty, statement.trustedIdentities.isEmpty else {
        throw .badMember(path: path, wanted: "neither trust stores nor identities with level skip")
      }
      guard verification.override.isEmpty, verification.verifyTimestamp == nil else {
        throw .badMember(path: "\(path).signatureVerification", wanted: "only the level, when it is skip")
      }
      return
    }
    if let bad = verification.override.first(where: { $0.value == .skip && $0.key != .revocation }) {
      throw .badMember(path: "\(path).signatureVerification.override.\(bad.key.rawValue)", wanted: "enforce or log")
    }
    guard statement.trustStores.contains(where: { $0.kind != .tsa }) else {
      throw .badMember(path: "\(path).trustStores", wanted: "at least one store of kind ca or signingAuthority")
    }
    guard statement.trustStores.allSatisfy({ TrustStore.isName($0.name) }) else {
      throw .badMember(path: "\(path).trustStores", wanted: "names of A-Z a-z 0-9 _ . -")
    }
    let identities = statement.trustedIdentities
    guard !identities.isEmpty else { throw .badMember(path: "\(path).trustedIdentities", wanted: "at least one identity") }
    guard !identities.contains(.any) || identities.count == 1 else {
      throw .badMember(path: "\(path).trustedIdentities", wanted: "* alone or subjects")
    }
    for (i, one) in identities.enumerated() {
      for (j, other) in identities.enumerated() where i != j {
        guard case .subject(let a) = one, case .subject(let b) = other, a.isSubset(of: b) else { continue }
        throw .badMember(path: "\(path).trustedIdentities[\(j)]", wanted: "no subject that another one (number \(i)) already covers")
      }
    }
  }

  /// `HOST[:PORT]/REPOSITORY` in the letters that references have.
  private static func isScope(_ text: String) -> Bool {
    guard let slash = text.firstIndex(of: "/"), slash != text.startIndex, text.utf8.count <= 512 else { return false }
    func isLower(_ byte: UInt8) -> Bool { byte >= 0x61 && byte <= 0x7A || byte >= 0x30 && byte <= 0x39 }
    let host = text[..<slash]
    guard host.utf8.allSatisfy({ isLower($0 | 0x20) || ".-:[]".utf8.contains($0) }) else { return false }
    let parts = text[text.index(after: slash)...].split(separator: "/", omittingEmptySubsequences: false)
    return parts.allSatisfy { part in
      guard let first = part.utf8.first, let last = part.utf8.last, isLower(first), isLower(last) else { return false }
      return part.utf8.allSatisfy { isLower($0) || "._-".utf8.contains($0) }
    }
  }
}

extension NotationTrustPolicy.TrustStore {
  /// Reads `ca:NAME`, `signingAuthority:NAME`, `tsa:NAME`; nil for all else.
  package init?(_ text: String) {
    guard let colon = text.firstIndex(of: ":"), let kind = Kind(rawValue: String(text[..<colon])) else { return nil }
    let name = String(text[text.index(after: colon)...])
    guard Self.isName(name) else { return nil }
    self.init(kind: kind, name: name)
  }

  /// Names become folders, so `.` and `..` are none.
  package static func isName(_ name: String) -> Bool {
    (1...255).contains(name.utf8.count) && name != "." && name != ".."
      && name.utf8.allSatisfy { ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A || $0 >= 0x30 && $0 <= 0x39 || "_.-".utf8.contains($0) }
  }
}

extension NotationTrustPolicy.Identity {
  /// Reads `*` or `x509.subject: DN`.
  package init(parsing text: String) throws(NotaryError) {
    if text == "*" {
      self = .any
    } else if text.hasPrefix(Self.subjectPrefix) {
      self = .subject(try NotaryDistinguishedName(parsing: String(text.dropFirst(Self.subjectPrefix.count))))
    } else {
      throw .badMember(path: "trustedIdentities", wanted: "* or \(Self.subjectPrefix) and a distinguished name")
    }
  }
}
