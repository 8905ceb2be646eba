extension FederatedSubject {
  /// `repo:O/R:ref:refs/heads/B`, `repo:O@1/R@2:environment:E`, `repo:O/R:pull_request`, or a list of other claims.
  mutating func readGitHub(_ subject: String) {
    let claims = Self.claims(subject)
    var rest = claims[...]
    if rest.first?.name == "repo" || rest.first?.name == "repository", let whole = rest.first?.value {
      readRepository(whole)
      rest = rest.dropFirst()
    } else if let workflow = claims.first(where: { $0.name == "job_workflow_ref" })?.value {
      readRepository(workflow.split(separator: "/").prefix(2).joined(separator: "/"))
    } else {
      org = claims.first { $0.name == "repository_owner" || $0.name == "enterprise" }?.value
      risks.insert(org == nil ? .unreadable : .severalRepositories)
    }
    let part = rest.map { claim in claim.value.map { "\(claim.name):\($0)" } ?? claim.name }.joined(separator: ":")
    value = part.isEmpty ? nil : part
    if part == "pull_request" || part == "pull-request" {
      kind = .pullRequest
      risks.insert(.pullRequest)
    } else if let reference = rest.first(where: { $0.name == "ref" })?.value {
      readReference(reference)
    } else if let environment = rest.first(where: { $0.name == "environment" })?.value {
      value = environment
      kind = Self.isPattern(environment) ? .wildcard : .environment
      if kind == .wildcard { risks.insert(.allRefs) }
    } else if Self.isPattern(part) {
      kind = .wildcard
      risks.insert(.allRefs)
    } else if part.isEmpty {
      risks.insert(.allRefs)
    }
    if Self.isPattern(subject), kind != .pullRequest { kind = .wildcard }
  }

  private mutating func readReference(_ reference: String) {
    for (prefix, named) in [("refs/heads/", Kind.branch), ("refs/tags/", Kind.tag)] where reference.hasPrefix(prefix) {
      value = String(reference.dropFirst(prefix.count))
      kind = named
    }
    if kind == .other { value = reference }
    if Self.isPattern(reference) {
      kind = .wildcard
      let named = value ?? reference
      if named.allSatisfy({ $0 == "*" || $0 == "/" }) || reference == "refs/*" || reference.hasPrefix("*") { risks.insert(.allRefs) }
    }
  }

  private mutating func readRepository(_ whole: String) {
    let parts = whole.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    (org, orgId) = Self.named(parts[0])
    if parts.count == 2 { (repo, repoId) = Self.named(parts[1]) } else { risks.insert(.severalRepositories) }
    if Self.isPattern(whole) { risks.insert(.severalRepositories) }
    if org?.isEmpty ?? true { risks.insert(.unreadable) }
  }

  /// `name@id`: the immutable form.
  private static func named(_ text: String) -> (name: String, id: String?) {
    guard let at = text.lastIndex(of: "@"), at != text.startIndex else { return (text, nil) }
    return (String(text[..<at]), String(text[text.index(after: at)...]))
  }

  /// `project_path:G/P:ref_type:branch:ref:B`.
  mutating func readGitLab(_ subject: String) {
    let claims = Self.claims(subject)
    guard let path = claims.first(where: { $0.name == "project_path" })?.value else {
      if Self.isPattern(subject) { kind = .wildcard }
      risks.formUnion([.severalRepositories, .unreadable])
      return
    }
    if let slash = path.lastIndex(of: "/") {
      org = String(path[..<slash])
      repo = String(path[path.index(after: slash)...])
    } else {
      org = path
      risks.insert(.severalRepositories)
    }
    if Self.isPattern(path) { risks.insert(.severalRepositories) }
    let reference = claims.first { $0.name == "ref" }?.value
    value = reference ?? value
    switch claims.first(where: { $0.name == "ref_type" })?.value {
    case "branch": kind = .branch
    case "tag": kind = .tag
    default: kind = .other
    }
    if let environment = claims.first(where: { $0.name == "environment" })?.value { (kind, value) = (.environment, environment) }
    if reference == nil, kind != .environment { risks.insert(.allRefs) }
    if let reference, reference.allSatisfy({ $0 == "*" }) { risks.insert(.allRefs) }
    if Self.isPattern(subject) { kind = .wildcard }
  }

  /// `system:serviceaccount:NS:SA`: the namespace is the organisation, the account the value.
  mutating func readKubernetes(_ subject: String) {
    let parts = subject.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 4, parts[0] == "system", parts[1] == "serviceaccount", !parts[2].isEmpty, !parts[3].isEmpty else {
      risks.insert(.unreadable)
      return
    }
    (org, value) = (parts[2], parts[3])
    kind = Self.isPattern(subject) ? .wildcard : .serviceAccount
  }

  /// `sc://ORG/PROJECT/CONNECTION`.
  mutating func readAzureDevOps(_ subject: String) {
    let parts = subject.dropFirst(5).split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
    guard subject.hasPrefix("sc://"), parts.count == 3, parts.allSatisfy({ !$0.isEmpty }) else {
      risks.insert(.unreadable)
      return
    }
    (org, repo, value) = (parts[0], parts[1], parts[2])
    kind = Self.isPattern(subject) ? .wildcard : .serviceConnection
  }

  /// `organization:O:project:P:workspace:W:run_phase:plan`.
  mutating func readTerraformCloud(_ subject: String) {
    let claims = Self.claims(subject)
    org = claims.first { $0.name == "organization" }?.value
    repo = claims.first { $0.name == "project" }?.value
    guard org != nil, let workspace = claims.first(where: { $0.name == "workspace" })?.value else {
      risks.insert(.unreadable)
      return
    }
    let phase = claims.first { $0.name == "run_phase" }?.value
    value = phase.map { "\(workspace):\($0)" } ?? workspace
    kind = Self.isPattern(subject) ? .wildcard : .workspace
    if [org, repo, workspace].contains(where: { $0.map(Self.isPattern) ?? false }) { risks.insert(.severalRepositories) }
  }

  /// `name:value` pairs; a name without a value at the end. `%3A` in a value is a colon.
  static func claims(_ subject: String) -> [(name: String, value: String?)] {
    let parts = subject.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    return stride(from: 0, to: parts.count, by: 2).map { index in
      (parts[index], index + 1 < parts.count ? decoded(parts[index + 1]) : nil)
    }
  }

  private static func decoded(_ text: String) -> String {
    guard text.contains("%3") else { return text }
    var result = ""
    var rest = Substring(text)
    while let found = rest.firstIndex(of: "%") {
      result += rest[..<found]
      rest = rest[found...]
      if rest.hasPrefix("%3A") || rest.hasPrefix("%3a") {
        result += ":"
        rest = rest.dropFirst(3)
      } else {
        result += "%"
        rest = rest.dropFirst()
      }
    }
    return result + rest
  }

  static func isPattern(_ text: String) -> Bool { text.contains("*") || text.contains("?") }

  /// Of several identities' credentials, those whose issuer and subject lead to identities of different purposes.
  package static func sharedAcrossPurposes(
    _ credentials: [(credential: InventorySnapshot.Federated, purpose: IntentRegister.Purpose)]
  ) -> Set<InventorySnapshot.Federated> {
    var purposes: [String: Set<IntentRegister.Purpose>] = [:]
    func key(_ credential: InventorySnapshot.Federated) -> String { "\(host(credential.issuer))\u{0}\(FederatedSubject(credential).subject)" }
    for (credential, purpose) in credentials { purposes[key(credential), default: []].insert(purpose) }
    return Set(credentials.map(\.credential).filter { (purposes[key($0)]?.count ?? 0) > 1 })
  }
}
