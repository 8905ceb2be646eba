import Testing

@testable import Access

@Suite("Which foreign subjects a federated credential matches")
struct ClaimPatternTests {
  static let matching: [(String, String)] = [
    ("repo:o/r:ref:refs/heads/main", "repo:o/r:ref:refs/heads/main"),
    ("repo:o/*:ref:refs/heads/main", "repo:o/r:ref:refs/heads/main"),
    ("repo:o/*:ref:refs/heads/main", "repo:o@1/r@22:ref:refs/heads/main"),
    ("repo:o/r:ref:refs/heads/main", "repo:o@1/r@22:ref:refs/heads/main"),
    ("repo:o@1/r@22:ref:refs/heads/main", "repo:o@1/r@22:ref:refs/heads/main"),
    ("repo:o@1/*:environment:prod", "repo:o@1/r@22:environment:prod"),
    ("repo:o@1/r@*:environment:prod", "repo:o@1/r@22:environment:prod"),
    ("repo:o/r:*", "repo:o/r:pull_request"),
    ("repo:o/r:*", "repo:o/r:ref:refs/heads/main"),
    ("repo:o/app-*:environment:prod?", "repo:o/app-1:environment:prod2"),
    ("repo:o/r:ref:refs/heads/*", "repo:o/r:ref:refs/heads/main"),
    ("repo:o/r:ref:refs/heads/release/*", "repo:o/r:ref:refs/heads/release/1"),
    ("repo:o/r:ref:refs/heads/**", "repo:o/r:ref:refs/heads/release/1/x"),
    ("repo:o/r:ref:refs/**/main", "repo:o/r:ref:refs/heads/x/main"),
    ("system:serviceaccount:ci:*", "system:serviceaccount:ci:builder"),
    ("project_path:g/*:ref_type:branch:ref:main", "project_path:g/p:ref_type:branch:ref:main"),
  ]

  static let refused: [(String, String)] = [
    // A separator is not crossed.
    ("repo:o/*:ref:refs/heads/main", "repo:o/r:environment:x:ref:refs/heads/main"),
    ("repo:o/*:ref:refs/heads/main", "repo:o/r/x:ref:refs/heads/main"),
    ("repo:o/*:ref:refs/heads/main", "repo:other/r:ref:refs/heads/main"),
    ("repo:o/*:ref:refs/heads/main", "repo:o-evil/r:ref:refs/heads/main"),
    ("repo:*/r:ref:refs/heads/main", "repo:a/b/r:ref:refs/heads/main"),
    ("repo:o/r:ref:refs/heads/*", "repo:o/r:ref:refs/heads/release/1"),
    ("repo:o/r:ref:refs/heads/*", "repo:o/r:ref:refs/tags/main"),
    ("repo:o/r:ref:refs/heads/*", "repo:o/r:ref:refs/heads/a:environment:prod"),
    ("system:serviceaccount:ci:build*", "system:serviceaccount:ci:build:x"),
    ("repo:o/r:**:prod", "repo:o/r:a:b:prod"),
    ("repo:o/r:*", "repo:o/r:"), ("repo:o/r:*", "repo:o/r"), ("repo:o/r:*", "repo:o/rr:pull_request"),
    ("repo:o/r?:pull_request", "repo:o/r/:pull_request"),
    // Case counts.
    ("repo:o/r:ref:refs/heads/main", "repo:O/r:ref:refs/heads/main"), ("repo:o/r:ref:refs/heads/main", "repo:o/r:ref:refs/heads/Main"),
    ("repo:o/r:pull_request", "REPO:o/r:pull_request"),
    // Ids.
    ("repo:o@1/r@22:environment:prod", "repo:o/r:environment:prod"),
    ("repo:o@1/r@22:environment:prod", "repo:o@1/r@23:environment:prod"),
    ("repo:o@1/r@22:environment:prod", "repo:o@2/r@22:environment:prod"),
    ("repo:o@1/*:environment:prod", "repo:o@11/r@22:environment:prod"),
    ("repo:o/r:environment:prod", "repo:o@x/r@22:environment:prod"),
    ("repo:o/*:environment:prod", "repo:o@1@2/r:environment:prod"),
    ("repo:o/*:environment:prod", "repo:o@/r:environment:prod"),
    ("repo:o/*:environment:prod", "repo:o/:environment:prod"),
    ("repo:o/*:environment:prod", ""), ("*", "repo:o/r:environment:prod"),
  ]

  @Test("A pattern matches", arguments: matching)
  func matches(_ pattern: String, _ subject: String) throws {
    #expect(try #require(ClaimPattern(pattern, style: .glob)).matches(subject, claim: "sub"))
  }

  @Test("A pattern does not match what only looks alike", arguments: refused)
  func refuses(_ pattern: String, _ subject: String) throws {
    #expect(try !#require(ClaimPattern(pattern, style: .glob)).matches(subject, claim: "sub"))
  }

  @Test("There are more refusals than matches")
  func counts() { #expect((Self.matching.count, Self.refused.count) == (16, 27)) }

  @Test("An exact subject knows GitHub's ids and nothing else")
  func exact() {
    let subject = "repo:o/r:ref:refs/heads/main"
    for value in [subject, "repo:o@1/r@2:ref:refs/heads/main", "repo:o/r@2:ref:refs/heads/main"] { #expect(ClaimPattern.names(subject, value)) }
    for value in [
      "repo:o@1/r@2:ref:refs/heads/other", "repo:o@1/r@2x:ref:refs/heads/main", "repo:o@1/x@2:ref:refs/heads/main",
      "repo:o@1/r@2:ref:refs/heads/main:x", "repo:o@/r:ref:refs/heads/main", "xrepo:o/r:ref:refs/heads/main", "",
    ] { #expect(!ClaimPattern.names(subject, value)) }
    #expect(!ClaimPattern.names("repo:o@1/r@2:pull_request", "repo:o/r:pull_request"))
    #expect(!ClaimPattern.names("repo:o/*:pull_request", "repo:o/r:pull_request"))
    #expect(!ClaimPattern.names("system:serviceaccount:a:b", "system:serviceaccount:a@1:b"))
  }

  @Test("A pattern costs little whatever it is: the worst ones are refused or fast")
  func cost() throws {
    #expect(ClaimPattern(String(repeating: "*a", count: 9), style: .glob) == nil)
    #expect(ClaimPattern(String(repeating: "a", count: 513), style: .glob) == nil)
    #expect(ClaimPattern("", style: .glob) == nil)
    #expect(ClaimPattern("a b", style: .glob) == nil)
    let worst = try #require(ClaimPattern("*a*a*a*a*a*a*a*b", style: .glob))
    #expect(!worst.matches(String(repeating: "a", count: 1024), claim: "sub"))
    #expect(!worst.matches(String(repeating: "a", count: 1025), claim: "sub"))
  }

  // MARK: Expressions

  @Test("A claims expression joins conditions with and")
  func expression() throws {
    let expression = try ClaimsExpression(
      "claims['sub'] matches 'repo:org/*:ref:refs/heads/*' and claims['job_workflow_ref'] eq 'org/w/.github/workflows/s.yml@refs/heads/main'")
    func match(_ sub: String, _ workflow: String?) -> Bool {
      expression.matches { $0 == "sub" ? sub : $0 == "job_workflow_ref" ? workflow : nil }
    }
    let workflow = "org/w/.github/workflows/s.yml@refs/heads/main"
    #expect(match("repo:org/x:ref:refs/heads/main", workflow))
    // As Entra: a star at the end takes the rest of the branch name.
    #expect(match("repo:org/x:ref:refs/heads/release/1", workflow))
    #expect(!match("repo:org/x:ref:refs/heads/main", nil))
    #expect(!match("repo:org/x:ref:refs/heads/main", workflow + "x"))
    #expect(!match("repo:org/x:environment:e:ref:refs/heads/main", workflow))
    #expect(!match("repo:org/x:ref:refs/heads/main:environment:prod", workflow))
  }

  @Test("In a workflow reference a branch cannot pose as another workflow's ref")
  func workflowReference() throws {
    let expression = try ClaimsExpression("claims['job_workflow_ref'] matches 'org/repo/.github/workflows/*@refs/heads/main'")
    #expect(expression.matches { _ in "org/repo/.github/workflows/s.yml@refs/heads/main" })
    #expect(!expression.matches { _ in "org/repo/.github/workflows/s.yml@refs/heads/x@refs/heads/main" })
    #expect(!expression.matches { _ in "org/repo/.github/workflows/a/s.yml@refs/heads/main" })
    #expect(!expression.matches { _ in "org/repo/.github/workflows/s.yml" })
  }

  @Test(
    "What is no expression is refused with its place",
    arguments: [
      "", "claims", "claims['sub']", "claims['sub'] eq", "claims['sub'] eq ''", "claims['sub'] eq 'a' or claims['sub'] eq 'b'",
      "claims['sub'] eq 'a' and", "claims['sub'] eq 'a'and claims['sub'] eq 'b'", "claims['actor'] eq 'a'", "claims[\"sub\"] eq 'a'",
      "claims['sub'] eq 'a' x", "claims['sub'] like 'a'", "claims['sub'] eq 'a", "not claims['sub'] eq 'a'", "claims['sub'] matches '*a*a*a*a*a*a*a*a*a'",
      "claims['sub'] eq 'a'' and claims['sub'] eq 'b'", "claims['sub'] eq 'a\u{0}'", String(repeating: " ", count: 3000),
    ])
  func badExpressions(_ text: String) { #expect(throws: ClaimsExpressionError.self) { try ClaimsExpression(text) } }
}
