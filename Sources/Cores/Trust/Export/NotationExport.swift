internal import Encodings
internal import NotaryFormats

/// notation's trustpolicy.json and trust stores.
struct NotationExport {
  let policy: TrustPolicy
  let now: Int64

  /// A store that never exists: a statement that names it refuses everything.
  static let denyStore = NotationTrustPolicy.TrustStore(kind: .ca, name: "hallmark-refuses")

  func write(_ export: inout TrustExport) {
    guard let document = document(&export) else { return }
    export.files.append(.init(path: "trustpolicy.json", text: String(decoding: document.serialized(), as: UTF8.self)))
    let used = Set(document.statements.flatMap(\.trustStores))
    for root in policy.roots where used.contains(store(root)) {
      for (i, certificate) in certificates(root).enumerated() {
        export.files.append(
          .init(path: "truststore/x509/\(root.kind.rawValue)/\(store(root).name)/\(i + 1).pem", text: PEM.encode(certificate, label: "CERTIFICATE")))
      }
    }
    export.note(.attention, "put the trust stores in place on every verifier before the policy: notation fails on a policy that names a missing store")
    export.note(.stricter, "notation also asks OCSP and CRL addresses in certificates, and refuses when they do not answer")
  }

  /// The policy document, and notes about what it says differently. Nil when no rule has anything that notation knows.
  func document(_ export: inout TrustExport) -> NotationTrustPolicy? {
    var statements: [NotationTrustPolicy.Statement] = []
    let hasCatchAll = policy.effectiveRules.contains { $0.repositories.contains(.everything) }
    for rule in policy.effectiveRules {
      var scopes: [String] = []
      for pattern in rule.repositories {
        switch pattern.form {
        case .exact(let text): scopes.append(text)
        case .everything: break
        case .prefix:
          let lacks = "rule \"\(rule.name)\": the pattern \(pattern.text): notation knows single repositories and * only"
          export.note(hasCatchAll ? .weaker : .missing, hasCatchAll ? "\(lacks), so its images fall to the statement for *" : lacks)
        }
      }
      let found = statement(rule, &export)
      if !scopes.isEmpty { statements.append(found.map { with($0, scopes) } ?? refusing(rule, scopes)) }
      if rule.repositories.contains(.everything), var found {
        found.name = scopes.isEmpty ? found.name : "\(found.name) (all)"
        statements.append(with(found, ["*"]))
      }
    }
    if policy.effectiveRules.contains(where: \.blobs) { export.note(.missing, "rules for blobs: only images are exported") }
    guard !statements.isEmpty, let valid = try? NotationTrustPolicy(statements: statements).validated() else {
      export.note(.missing, "no rule can be expressed: nothing is written, and notation refuses every image")
      return nil
    }
    return valid
  }

  private func with(_ statement: NotationTrustPolicy.Statement, _ scopes: [String]) -> NotationTrustPolicy.Statement {
    var result = statement
    result.registryScopes = scopes
    return result
  }

  private func refusing(_ rule: TrustPolicy.Rule, _ scopes: [String]) -> NotationTrustPolicy.Statement {
    .init(name: "\(rule.name) (refuses)", registryScopes: scopes, trustStores: [Self.denyStore], trustedIdentities: [.any])
  }

  /// Nil when notation cannot be made to demand as much as the rule.
  private func statement(_ rule: TrustPolicy.Rule, _ export: inout TrustExport) -> NotationTrustPolicy.Statement? {
    func missing(_ why: String) -> NotationTrustPolicy.Statement? {
      export.note(.missing, "rule \"\(rule.name)\": \(why); notation will refuse its images")
      return nil
    }
    guard rule.attestations.isEmpty else { return missing("it demands attestations, which notation does not know") }
    guard rule.promotion == nil else { return missing("it demands a promotion, which notation does not know") }
    let reader = ExportClauses(policy: policy, channel: rule.channel, now: now) { signer in
      signer.root.map { !certificates($0).isEmpty } ?? false
    }
    guard let clauses = reader.clauses(of: rule.requirement) else { return missing("\(rule.requirement.text): notation knows certificates only, and any one of them") }
    guard clauses.count == 1 else { return missing("\(rule.requirement.text): notation accepts any one signature and cannot demand several") }
    let roots = clauses[0].compactMap(\.root)
    let allowed = Set(roots.map { identities(rule, $0) })
    guard allowed.count == 1, let first = allowed.first, let names = first else {
      return missing("its roots believe different subjects, and notation has one list for all stores")
    }
    for revocation in policy.revocations where revocation.certificate != nil || revocation.key == nil {
      let isRoot = roots.contains { root in root.certificates.contains { CertificateRoot.thumbprint($0) == revocation.certificate } }
      if !isRoot { export.note(.weaker, "the revocation \"\(revocation.reason)\": publish it in a CRL, which notation reads; the policy document cannot hold it") }
    }
    if rule.level != .enforce { export.note(.attention, "rule \"\(rule.name)\" is at level \(rule.level.rawValue): exported as notation's audit, which only logs") }
    return .init(
      name: rule.name, registryScopes: [], verification: .init(level: rule.level == .enforce ? .strict : .audit), trustStores: roots.map(store),
      trustedIdentities: names.isEmpty ? [.any] : names.map { .subject($0) })
  }

  /// Subjects that both the rule and the root allow; empty for all, nil when there are none.
  private func identities(_ rule: TrustPolicy.Rule, _ root: CertificateRoot) -> [NotaryDistinguishedName]? {
    if rule.identities.isEmpty { return root.identities }
    if root.identities.isEmpty { return rule.identities }
    let common = rule.identities.filter { name in root.identities.contains { $0.isSubset(of: name) } }
    return common.isEmpty ? nil : common
  }

  func certificates(_ root: CertificateRoot) -> [[UInt8]] {
    let revoked = policy.revocations.compactMap(\.certificate)
    return root.certificates.filter { !revoked.contains(CertificateRoot.thumbprint($0)) }
  }

  func store(_ root: CertificateRoot) -> NotationTrustPolicy.TrustStore {
    .init(kind: root.kind == .ca ? .ca : .signingAuthority, name: TrustPolicy.Key.plain(root.name))
  }
}
