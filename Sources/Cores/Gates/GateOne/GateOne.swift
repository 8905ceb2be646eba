import Estate
import Plans

/// Gate 1: an identity that only needs to sign gains decrypt, unwrap, or anything that leads there (estate-and-gates §3.8).
///
/// Rights are compared, not resources: what each such identity can do after the change, less what it could before, by any path.
package struct GateOne: GateRule {
  package init() {}

  package func evaluate(_ change: EstateChange) -> GateOutcome {
    let review = RightsReview(change)
    var outcome = GateOutcome()
    var rights = RightsGained(review)
    outcome.add(rights.evaluate())
    outcome.add(FederationGained(review).evaluate(blocked: rights.blocked))
    outcome.add(IdentityAttached(review).evaluate())
    outcome.add(BecomesOthers(review).evaluate(blocked: rights.blocked))
    outcome.add(KeyUseWidened(change).evaluate())
    outcome.add(ScriptedGrants(change).evaluate())
    outcome.add(MissingFacts(review, blockedAddresses: Set(outcome.findings.filter { $0.verdict == .block }.map(\.address))).evaluate())
    return outcome
  }
}

/// The rule ids of gate 1, one for each way to a right.
enum GateOneRule {
  static let cryptoUser = "HM-G1-CRYPTO-USER"
  static let role = "HM-G1-ROLE"
  static let customRole = "HM-G1-CUSTOM-ROLE"
  static let roleWidened = "HM-G1-ROLE-WIDENED"
  static let accessPolicy = "HM-G1-ACCESS-POLICY"
  static let rbacMode = "HM-G1-RBAC-MODE"
  static let group = "HM-G1-GROUP"
  static let pim = "HM-G1-PIM"
  static let selfGrant = "HM-G1-SELF-GRANT"
  static let adminList = "HM-G1-ADMIN-LIST"
  static let federation = "HM-G1-FEDERATION"
  static let identityAttached = "HM-G1-IDENTITY-ATTACHED"
  static let keyOps = "HM-G1-KEY-OPS"
  static let script = "HM-G1-SCRIPT"
  static let scope = "HM-G1-SCOPE"
}
