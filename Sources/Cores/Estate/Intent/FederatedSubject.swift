/// Who outside can become an identity, read from the issuer and subject of a federated credential (estate-and-gates §1.8).
///
/// Colons in a subject separate claims and occur in values as `%3A`; slashes occur in refs. So nothing is split at every colon or slash.
package struct FederatedSubject: Sendable, Hashable {
  package enum Platform: String, Sendable, Hashable, CaseIterable {
    case github, githubEnterprise, gitlab, kubernetes, azureDevOps, terraformCloud, other
  }

  package enum Kind: String, Sendable, Hashable, CaseIterable {
    case branch, tag, environment
    case pullRequest = "pull_request"
    case wildcard
    case serviceAccount, serviceConnection, workspace
    case other
  }

  package enum Risk: String, Sendable, Hashable, CaseIterable {
    /// Anybody who can open a pull request becomes the identity.
    case pullRequest
    case severalRepositories
    case allRefs
    /// Whether the environment asks anybody for approval was not seen.
    case environmentProtectionUnknown
    case issuerNotAllowed
    /// The same subject leads to identities of different purposes.
    case sharedAcrossPurposes
    /// The subject has no shape of its platform.
    case unreadable
  }

  package var platform: Platform
  /// Host of the issuer.
  package var host: String
  package var org: String?
  package var orgId: String?
  package var repo: String?
  package var repoId: String?
  package var kind: Kind
  /// Branch, tag, environment, service account, workspace; the rest of the subject for other kinds.
  package var value: String?
  package var risks: Set<Risk>
  /// The subject that tokens are compared with; for a flexible expression the pattern of `sub`.
  package let subject: String

  /// Whether a CI/CD platform vouches for the subject.
  package var isCI: Bool {
    switch platform {
    case .github, .githubEnterprise, .gitlab, .azureDevOps, .terraformCloud: true
    case .kubernetes, .other: false
    }
  }

  package init(_ credential: InventorySnapshot.Federated) { self.init(issuer: credential.issuer, subject: credential.subject) }

  /// - Parameters:
  ///   - protectedEnvironments: names of environments known to ask for approval.
  ///   - allowedIssuers: nil when the organisation has no such list.
  package init(issuer: String, subject: String?, protectedEnvironments: Set<String> = [], allowedIssuers: [String]? = nil) {
    let plain = Self.pattern(ofExpression: subject ?? "") ?? subject ?? ""
    self.subject = plain
    host = Self.host(issuer)
    platform = Self.platform(issuer: issuer, subject: plain)
    kind = .other
    risks = []
    value = plain.isEmpty ? nil : plain
    if plain.utf8.count > 4096 {
      risks.insert(.unreadable)
    } else {
      switch platform {
      case .github, .githubEnterprise: readGitHub(plain)
      case .gitlab: readGitLab(plain)
      case .kubernetes: readKubernetes(plain)
      case .azureDevOps: readAzureDevOps(plain)
      case .terraformCloud: readTerraformCloud(plain)
      case .other: if plain.contains("*") { kind = .wildcard }
      }
    }
    if kind == .environment, !protectedEnvironments.contains(value ?? "") { risks.insert(.environmentProtectionUnknown) }
    if let allowedIssuers, !allowedIssuers.contains(where: { Self.sameIssuer($0, issuer) }) { risks.insert(.issuerNotAllowed) }
  }

  /// Issuers are equal without the slash at the end; host names have no letter case.
  package static func sameIssuer(_ a: String, _ b: String) -> Bool { foldedIssuer(a) == foldedIssuer(b) }

  private static func foldedIssuer(_ issuer: String) -> String {
    var rest = issuer.lowercased().hasPrefix("https://") ? issuer.dropFirst(8) : Substring(issuer)
    while rest.hasSuffix("/") { rest = rest.dropLast() }
    return host(issuer) + rest.drop { $0 != "/" && $0 != "?" && $0 != "#" }
  }

  static func host(_ issuer: String) -> String {
    let rest = issuer.lowercased().hasPrefix("https://") ? issuer.dropFirst(8) : Substring(issuer)
    return String(rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }).lowercased()
  }

  static func platform(issuer: String, subject: String) -> Platform {
    let host = host(issuer)
    let path = issuer.lowercased()
    if host == "token.actions.githubusercontent.com" { return .github }
    if host.hasPrefix("token.actions.") && host.hasSuffix(".ghe.com") { return .githubEnterprise }
    if path.hasSuffix("/_services/token") || path.hasSuffix("/_services/token/") { return .githubEnterprise }
    if host == "gitlab.com" { return .gitlab }
    if host == "vstoken.dev.azure.com" { return .azureDevOps }
    if host == "app.terraform.io" { return .terraformCloud }
    if host.hasSuffix(".oic.prod-aks.azure.com") || subject.hasPrefix("system:serviceaccount:") { return .kubernetes }
    // Self-hosted platforms are known by the shape of their subjects only.
    if subject.hasPrefix("project_path:") { return .gitlab }
    if subject.hasPrefix("repo:") { return .githubEnterprise }
    if subject.hasPrefix("sc://") { return .azureDevOps }
    if subject.hasPrefix("organization:"), subject.contains(":workspace:") { return .terraformCloud }
    return .other
  }

  /// The pattern of `sub` in `claims['sub'] matches '…'`; nil when the text is no expression.
  static func pattern(ofExpression text: String) -> String? {
    guard text.hasPrefix("claims[") else { return nil }
    // Quoted texts alternate between names of claims and what they are compared with.
    let quoted = text.split(separator: "'", omittingEmptySubsequences: false).enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) }
    var found: [String: String] = [:]
    for index in stride(from: 0, to: quoted.count - 1, by: 2) { found[quoted[index]] = quoted[index + 1] }
    return found["sub"] ?? found["job_workflow_ref"].map { "job_workflow_ref:\($0)" }
  }
}
