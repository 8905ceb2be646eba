import Testing

@testable import Estate

/// Subjects of federated credentials, platform by platform (estate-and-gates §1.8).
@Suite struct FederatedSubjectTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var issuer = "https://token.actions.githubusercontent.com"
    var subject: String
    var platform = FederatedSubject.Platform.github
    var org: String?
    var repo: String?
    var kind: FederatedSubject.Kind
    var value: String?
    var risks: Set<FederatedSubject.Risk> = []
    var testDescription: String { subject }
  }

  @Test(arguments: [
    Row(subject: "repo:O/R:ref:refs/heads/feature/x", org: "O", repo: "R", kind: .branch, value: "feature/x"),
    Row(subject: "repo:O/R:ref:refs/tags/v1", org: "O", repo: "R", kind: .tag, value: "v1"),
    Row(subject: "repo:O/R:environment:ship", org: "O", repo: "R", kind: .environment, value: "ship", risks: [.environmentProtectionUnknown]),
    Row(subject: "repo:O/R:environment:ship%3Aeu", org: "O", repo: "R", kind: .environment, value: "ship:eu", risks: [.environmentProtectionUnknown]),
    Row(subject: "repo:O/R:pull_request", org: "O", repo: "R", kind: .pullRequest, value: "pull_request", risks: [.pullRequest]),
    Row(subject: "repo:O/R:pull-request", org: "O", repo: "R", kind: .pullRequest, value: "pull-request", risks: [.pullRequest]),
    Row(subject: "repo:O/R:*", org: "O", repo: "R", kind: .wildcard, value: "*", risks: [.allRefs]),
    Row(subject: "repo:O/*:ref:refs/heads/main", org: "O", repo: "*", kind: .wildcard, value: "main", risks: [.severalRepositories]),
    Row(subject: "repo:O/R:ref:refs/heads/*", org: "O", repo: "R", kind: .wildcard, value: "*", risks: [.allRefs]),
    Row(subject: "repo:O/R:ref:refs/heads/release/*", org: "O", repo: "R", kind: .wildcard, value: "release/*"),
    Row(
      subject: "repository_owner:O:job_workflow_ref:O/R/.github/workflows/f.yml@refs/heads/main", org: "O", repo: "R", kind: .other,
      value: "repository_owner:O:job_workflow_ref:O/R/.github/workflows/f.yml@refs/heads/main"),
    Row(subject: "repository_owner:O", org: "O", kind: .other, value: "repository_owner:O", risks: [.severalRepositories]),
    Row(
      issuer: "https://ghe.example/_services/token", subject: "repo:O/R:ref:refs/heads/m", platform: .githubEnterprise, org: "O", repo: "R", kind: .branch, value: "m"),
    Row(
      issuer: "https://token.actions.sub.ghe.com", subject: "repo:O/R:ref:refs/heads/m", platform: .githubEnterprise, org: "O", repo: "R", kind: .branch, value: "m"),
    Row(
      issuer: "https://gitlab.com", subject: "project_path:G/S/P:ref_type:branch:ref:main", platform: .gitlab, org: "G/S", repo: "P", kind: .branch, value: "main"),
    Row(issuer: "https://git.example", subject: "project_path:G/P:ref_type:tag:ref:v1", platform: .gitlab, org: "G", repo: "P", kind: .tag, value: "v1"),
    Row(
      issuer: "https://gitlab.com", subject: "project_path:G/*:ref_type:branch:ref:main", platform: .gitlab, org: "G", repo: "*", kind: .wildcard, value: "main",
      risks: [.severalRepositories]),
    Row(
      issuer: "https://westeurope.oic.prod-aks.azure.com/t/g/", subject: "system:serviceaccount:NS:SA", platform: .kubernetes, org: "NS", kind: .serviceAccount, value: "SA"),
    Row(
      issuer: "https://vstoken.dev.azure.com/0a", subject: "sc://ORG/PROJECT/My Connection", platform: .azureDevOps, org: "ORG", repo: "PROJECT", kind: .serviceConnection,
      value: "My Connection"),
    Row(
      issuer: "https://app.terraform.io", subject: "organization:O:project:P:workspace:W:run_phase:apply", platform: .terraformCloud, org: "O", repo: "P", kind: .workspace,
      value: "W:apply"),
    Row(issuer: "https://login.example", subject: "alice", platform: .other, kind: .other, value: "alice"),
    Row(subject: "nonsense", kind: .other, value: "nonsense", risks: [.unreadable]),
    Row(issuer: "https://app.terraform.io", subject: "organization:O", platform: .terraformCloud, org: "O", kind: .other, value: "organization:O", risks: [.unreadable]),
    Row(issuer: "https://vstoken.dev.azure.com/0a", subject: "sc://ORG//", platform: .azureDevOps, kind: .other, value: "sc://ORG//", risks: [.unreadable]),
    Row(issuer: "https://x.oic.prod-aks.azure.com/", subject: "system:serviceaccount:NS", platform: .kubernetes, kind: .other, value: "system:serviceaccount:NS", risks: [.unreadable]),
  ])
  func theSubjectIsRead(_ row: Row) {
    let found = FederatedSubject(issuer: row.issuer, subject: row.subject)
    #expect(found.platform == row.platform)
    #expect(found.org == row.org)
    #expect(found.repo == row.repo)
    #expect(found.kind == row.kind)
    #expect(found.value == row.value)
    #expect(found.risks == row.risks)
  }

  @Test func theImmutableFormCarriesTheIdsOfOwnerAndRepository() {
    let found = FederatedSubject(issuer: "https://token.actions.githubusercontent.com", subject: "repo:northwind@901/engine@77:environment:ship")
    #expect([found.org, found.orgId, found.repo, found.repoId, found.value] == ["northwind", "901", "engine", "77", "ship"])
    #expect(found.kind == .environment)
  }

  @Test func aFlexibleExpressionIsReadByItsPattern() {
    let found = FederatedSubject(issuer: "https://token.actions.githubusercontent.com", subject: "claims['sub'] matches 'repo:o/r:ref:refs/heads/*'")
    #expect(found.subject == "repo:o/r:ref:refs/heads/*")
    #expect(found.kind == .wildcard)
    #expect(found.risks == [.allRefs])
  }

  @Test func aProtectedEnvironmentIsNoRisk() {
    let issuer = "https://token.actions.githubusercontent.com"
    #expect(FederatedSubject(issuer: issuer, subject: "repo:o/r:environment:ship", protectedEnvironments: ["ship"]).risks.isEmpty)
    #expect(FederatedSubject(issuer: issuer, subject: "repo:o/r:ref:refs/heads/m", allowedIssuers: [issuer + "/"]).risks.isEmpty)
    #expect(FederatedSubject(issuer: "https://token.actions.githubusercontent.com.evil.example", subject: "repo:o/r:ref:refs/heads/m", allowedIssuers: [issuer]).risks == [.issuerNotAllowed])
  }

  @Test func aHostThatOnlyBeginsLikeGitHubIsNotGitHub() {
    #expect(FederatedSubject(issuer: "https://token.actions.githubusercontent.com.evil.example", subject: "x").platform == .other)
    #expect(FederatedSubject(issuer: "https://gitlab.com.evil.example", subject: "x").platform == .other)
  }

  @Test func oneSubjectForTwoPurposesIsFound() {
    let a = InventorySnapshot.Federated(issuer: "https://i/", subject: "repo:o/r:ref:refs/heads/m")
    let b = InventorySnapshot.Federated(issuer: "https://I", subject: "repo:o/r:ref:refs/heads/m")
    #expect(FederatedSubject.sharedAcrossPurposes([(a, .signOnly), (b, .officer)]).count == 2)
    #expect(FederatedSubject.sharedAcrossPurposes([(a, .signOnly), (b, .signOnly)]).isEmpty)
  }

  @Test func aSubjectOfEndlessLengthIsNotRead() {
    #expect(FederatedSubject(issuer: "https://gitlab.com", subject: String(repeating: "a:", count: 100_000)).risks.contains(.unreadable))
  }
}
