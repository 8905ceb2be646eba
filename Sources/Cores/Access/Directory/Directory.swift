import Clocks
import Encodings
import JOSE
import Synchronization

/// The principals and trusted issuers of the embedded tenant.
///
/// Readers see an immutable snapshot. Whoever may assign roles at `/` may change the directory: to add a credential to an
/// application is to hand out that application's rights, so nothing weaker would do.
package final class Directory: Sendable {
  package static let maxEntries = 10_000
  package static let maxIssuers = 64
  /// As Entra: https://learn.microsoft.com, "federated identity credentials considerations".
  package static let maxFederatedCredentials = 20
  package static let maxKeys = 8

  final class Snapshot: Sendable {
    let entries: [PrincipalID: DirectoryEntry]
    let byClient: [ApplicationID: PrincipalID]
    let issuers: [String: TrustedIssuer]
    /// Grows with each change; what caches compare.
    let generation: UInt64

    init(entries: [PrincipalID: DirectoryEntry], issuers: [String: TrustedIssuer], generation: UInt64) {
      self.entries = entries
      self.issuers = issuers
      self.generation = generation
      byClient = entries.values.reduce(into: [:]) { clients, entry in
        if let client = entry.clientID { clients[client] = entry.objectID }
      }
    }

    /// Every group, also through groups, at most 200.
    func groups(of id: PrincipalID) -> [PrincipalID] {
      var found: [PrincipalID] = []
      var queue = entries[id]?.memberOf ?? []
      while let group = queue.popLast(), found.count < 200 {
        guard !found.contains(group), let entry = entries[group], entry.kind == .group, entry.enabled else { continue }
        found.append(group)
        queue += entry.memberOf
      }
      return found
    }
  }

  package let tenantID: TenantID
  private let rows: SealedRows
  private let access: AccessControl
  private let current: Mutex<Snapshot>
  private let writer = Mutex<Void>(())

  package init(tenantID: TenantID, rows: SealedRows, access: AccessControl) throws(AccessError) {
    self.tenantID = tenantID
    self.rows = rows
    self.access = access
    var entries: [PrincipalID: DirectoryEntry] = [:]
    for row in rows.rows(of: .principal) {
      let entry = try DirectoryRows.entry(row)
      entries[entry.objectID] = entry
    }
    var issuers: [String: TrustedIssuer] = [:]
    for row in rows.rows(of: .issuer) {
      let issuer = try DirectoryRows.issuer(row)
      issuers[issuer.issuer] = issuer
    }
    current = Mutex(Snapshot(entries: entries, issuers: issuers, generation: 1))
  }

  var snapshot: Snapshot { current.withLock { $0 } }

  // MARK: Questions

  package func entry(_ id: PrincipalID) -> DirectoryEntry? { snapshot.entries[id] }

  package func entry(clientID: ApplicationID) -> DirectoryEntry? {
    let snapshot = self.snapshot
    return snapshot.byClient[clientID].flatMap { snapshot.entries[$0] }
  }

  /// All entries by display name.
  package func entries() -> [DirectoryEntry] {
    snapshot.entries.values.sorted { ($0.displayName, $0.objectID) < ($1.displayName, $1.objectID) }
  }

  package func issuers() -> [TrustedIssuer] { snapshot.issuers.values.sorted { $0.issuer < $1.issuer } }
  package func issuer(_ issuer: String) -> TrustedIssuer? { snapshot.issuers[issuer] }

  /// The entries of these ids that exist, in the order asked: what Graph's `directoryObjects/getByIds` answers.
  package func resolve(_ ids: [PrincipalID]) -> [DirectoryEntry] {
    let entries = snapshot.entries
    return ids.compactMap { entries[$0] }
  }

  /// The groups of a principal, also through groups.
  package func groups(of id: PrincipalID) -> [PrincipalID] { snapshot.groups(of: id) }

  /// Everything an access question needs about a principal of this tenant; nil if there is none such or it is disabled.
  package func principal(_ id: PrincipalID) -> Principal? { snapshot.principal(id, tenant: tenantID, issuer: "directory", subject: id.text) }

  // MARK: Changes

  /// Puts the first entries and issuers in. Possible once, while the directory is empty: `hallmark init` calls it.
  package func initialise(_ entries: [DirectoryEntry], issuers: [TrustedIssuer] = []) throws(DirectoryError) {
    try change { snapshot throws(DirectoryError) in
      guard snapshot.entries.isEmpty, snapshot.issuers.isEmpty else { throw .alreadyInitialised }
      var edits: [SealedRows.Edit] = []
      var all: [PrincipalID: DirectoryEntry] = [:]
      for entry in entries {
        try Self.check(entry, among: all)
        all[entry.objectID] = entry
        edits.append(.put(.principal, id: entry.objectID.text, body: DirectoryRows.json(entry)))
      }
      var trusted: [String: TrustedIssuer] = [:]
      for issuer in issuers {
        try Self.check(issuer)
        trusted[issuer.issuer] = issuer
        edits.append(.put(.issuer, id: Self.rowID(issuer.issuer), body: DirectoryRows.json(issuer)))
      }
      return (edits, all, trusted)
    }
  }

  /// Adds an entry or replaces the one of the same object id.
  ///
  /// - Parameter permit: for `roleAssignments/write/action` at `/`; so for all changes below.
  package func put(_ entry: DirectoryEntry, permit: Permit) throws(DirectoryError) {
    try change(permit) { snapshot throws(DirectoryError) in
      guard snapshot.entries.count < Self.maxEntries || snapshot.entries[entry.objectID] != nil else {
        throw .badEntry("the directory holds at most \(Self.maxEntries) entries")
      }
      try Self.check(entry, among: snapshot.entries)
      var entries = snapshot.entries
      entries[entry.objectID] = entry
      return ([.put(.principal, id: entry.objectID.text, body: DirectoryRows.json(entry))], entries, snapshot.issuers)
    }
  }

  /// Removes an entry. Its tokens end with it; its role assignments stay, for the history, and permit nobody.
  package func remove(_ id: PrincipalID, permit: Permit) throws(DirectoryError) {
    try change(permit) { snapshot throws(DirectoryError) in
      var entries = snapshot.entries
      guard entries.removeValue(forKey: id) != nil else { throw .notFound }
      return ([.delete(.principal, id: id.text)], entries, snapshot.issuers)
    }
  }

  package func trust(_ issuer: TrustedIssuer, permit: Permit) throws(DirectoryError) {
    try change(permit) { snapshot throws(DirectoryError) in
      guard snapshot.issuers.count < Self.maxIssuers || snapshot.issuers[issuer.issuer] != nil else {
        throw .badEntry("at most \(Self.maxIssuers) issuers are trusted")
      }
      try Self.check(issuer)
      var issuers = snapshot.issuers
      issuers[issuer.issuer] = issuer
      return ([.put(.issuer, id: Self.rowID(issuer.issuer), body: DirectoryRows.json(issuer))], snapshot.entries, issuers)
    }
  }

  package func distrust(issuer: String, permit: Permit) throws(DirectoryError) {
    try change(permit) { snapshot throws(DirectoryError) in
      var issuers = snapshot.issuers
      guard issuers.removeValue(forKey: issuer) != nil else { throw .notFound }
      return ([.delete(.issuer, id: Self.rowID(issuer))], snapshot.entries, issuers)
    }
  }

  private typealias Change = (edits: [SealedRows.Edit], entries: [PrincipalID: DirectoryEntry], issuers: [String: TrustedIssuer])

  private func change(
    _ permit: Permit? = nil, _ body: (Snapshot) throws(DirectoryError) -> Change
  ) throws(DirectoryError) {
    let failure: DirectoryError? = writer.withLock { _ in
      do throws(DirectoryError) {
        let snapshot = self.snapshot
        if let permit {
          do throws(AccessError) { try access.require(permit, .roleAssignmentsWrite, at: .root, in: access.snapshot) } catch {
            throw .access(error)
          }
        }
        let (edits, entries, issuers) = try body(snapshot)
        do throws(AccessError) { try rows.commit(edits) } catch { throw .access(error) }
        current.withLock { $0 = Snapshot(entries: entries, issuers: issuers, generation: snapshot.generation + 1) }
        return nil
      } catch { return error }
    }
    if let failure { throw failure }
  }

  /// A row id is bounded; an issuer's URL is not.
  private static func rowID(_ issuer: String) -> String { TokenDigest(issuer).text }

  // MARK: Rules

  private static func check(_ entry: DirectoryEntry, among entries: [PrincipalID: DirectoryEntry]) throws(DirectoryError) {
    guard (1...256).contains(entry.displayName.utf8.count), isPrintable(entry.displayName) else {
      throw .badEntry("a display name has 1–256 printable bytes")
    }
    if let name = entry.userPrincipalName, !(1...256).contains(name.utf8.count) || !isPrintable(name) {
      throw .badEntry("a user principal name has 1–256 printable bytes")
    }
    guard entry.memberOf.count <= 100 else { throw .badEntry("at most 100 groups") }
    guard entry.keys.count <= maxKeys, Set(entry.keys.map(\.name)).count == entry.keys.count else {
      throw .badEntry("at most \(maxKeys) keys with distinct names")
    }
    for key in entry.keys {
      guard key.name.utf8.count <= 128, key.certificate?.count ?? 0 <= 4096 else { throw .badEntry("a key's name or certificate is too long") }
      do { _ = try VerificationKey(JWK(key.key)) } catch { throw .badEntry("key \"\(key.name)\" cannot verify signatures") }
    }
    guard entry.federated.count <= maxFederatedCredentials,
      Set(entry.federated.map(\.name)).count == entry.federated.count
    else { throw .badEntry("at most \(maxFederatedCredentials) federated credentials with distinct names") }
    for credential in entry.federated {
      guard (1...128).contains(credential.name.utf8.count), (1...512).contains(credential.issuer.utf8.count),
        (1...8).contains(credential.audiences.count), credential.audiences.allSatisfy({ (1...256).contains($0.utf8.count) })
      else { throw .badEntry("federated credential: name, issuer or audiences missing or too long") }
      if case .exact(let subject) = credential.subject {
        guard (1...600).contains(subject.utf8.count) else { throw .badEntry("federated credential: the subject has 1–600 bytes") }
        guard !subject.contains("*") else { throw .badEntry("federated credential: \"*\" in an exact subject; say pattern if it is meant as one") }
      }
    }
    switch entry.kind {
    case .group: guard entry.keys.isEmpty, entry.federated.isEmpty, entry.clientID == nil else { throw .badEntry("a group cannot sign in") }
    case .user: guard entry.clientID == nil, entry.federated.isEmpty else { throw .badEntry("a person has no application id and no federated credentials") }
    case .servicePrincipal: guard entry.clientID != nil else { throw .badEntry("a service principal has an application id") }
    }
    for other in entries.values where other.objectID != entry.objectID {
      if let client = entry.clientID, other.clientID == client { throw .clientIDTaken(client, by: other.objectID) }
      // A person signs in by object id, in the place of an application id: the two must never mean two principals.
      if entry.clientID?.text == other.objectID.text || other.clientID?.text == entry.objectID.text {
        throw .badEntry("an application id equals the object id of another entry")
      }
    }
  }

  private static func check(_ issuer: TrustedIssuer) throws(DirectoryError) {
    guard (9...512).contains(issuer.issuer.utf8.count), issuer.issuer.hasPrefix("https://"), isPrintable(issuer.issuer),
      !issuer.issuer.contains("?"), !issuer.issuer.contains("#"), !issuer.issuer.contains(" ")
    else { throw .badEntry("an issuer is an https URL without query or fragment") }
    guard !issuer.algorithms.isEmpty else { throw .badEntry("an issuer needs an algorithm") }
    guard issuer.caPEM?.utf8.count ?? 0 <= 16 << 10 else { throw .badEntry("the CA is longer than 16 KiB") }
    if case .inline(let keys, let ids) = issuer.keys {
      guard (1...16).contains(keys.count), ids.count == keys.count, ids.allSatisfy({ $0?.utf8.count ?? 0 <= 256 }) else {
        throw .badEntry("1–16 inline keys")
      }
      for key in keys {
        do { _ = try VerificationKey(JWK(key)) } catch { throw .badEntry("an inline key cannot verify signatures") }
      }
    }
    if let external = issuer.accessTokens {
      guard external.audiences.count <= 16, external.audiences.allSatisfy({ (1...256).contains($0.utf8.count) }),
        external.applicationClaims.count <= 4
      else { throw .badEntry("too many audiences or claims") }
    }
  }

  private static func isPrintable(_ text: String) -> Bool { !text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F } }
}

extension Directory.Snapshot {
  func principal(
    _ id: PrincipalID, tenant: TenantID, issuer: String, subject: String, claims: [String: String] = [:]
  ) -> Principal? {
    guard let entry = entries[id], entry.enabled, entry.kind != .group else { return nil }
    var claims = claims
    if let name = entry.userPrincipalName { claims["upn"] = name }
    return Principal(
      objectID: id, tenantID: tenant, clientID: entry.clientID, kind: entry.kind, displayName: entry.displayName,
      groups: groups(of: id), issuer: issuer, subject: subject, claims: claims)
  }
}
