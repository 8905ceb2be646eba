import Encodings
import Estate
import Plans

/// Gate 2: a signing key moves from a Managed HSM into a standard vault (estate-and-gates §3.9).
///
/// A backup of a Managed HSM key cannot be restored to a vault, so that a "move" always means new key material, or material that existed outside: trust roots
/// change, and the boundary is gone. What leaves and what arrives are matched by name, look-alike name, tags, or being the only two.
package struct GateTwo: GateRule {
  package init() {}

  package func evaluate(_ change: EstateChange) -> GateOutcome {
    let material = SigningMaterial(change)
    let moves = KeyMoves(change, material)
    let repointed = ConsumersRepointed(change, material).findings()
    let referenced = ConsumersByReference(change, material).evaluate()
    var outcome = GateOutcome(findings: repointed)
    outcome.add(referenced)
    outcome.add(MovedKeys(change, moves: moves, consumersMove: !repointed.isEmpty || !referenced.findings.isEmpty).evaluate())
    outcome.add(VaultDowngrades(change, material).evaluate())
    outcome.add(StoresLeaving(change, material).evaluate())
    outcome.add(MovedRights(change, hasMove: outcome.findings.contains { $0.verdict == .block }).evaluate())
    return outcome
  }
}

enum GateTwoRule {
  static let moved = "HM-G2-MOVED"
  static let maybe = "HM-G2-MAYBE-MOVED"
  static let copied = "HM-G2-COPIED"
  static let sequence = "HM-G2-SEQUENCE"
  static let repointed = "HM-G2-REPOINTED"
  static let imported = "HM-G2-IMPORTED"
  static let certificate = "HM-G2-CERTIFICATE"
  static let downgrade = "HM-G2-DOWNGRADE"
  static let otherHSM = "HM-G2-OTHER-HSM"
  static let hsmRemoved = "HM-G2-HSM-REMOVED"
  static let keyRemoved = "HM-G2-KEY-REMOVED"
  static let external = "HM-G2-EXTERNAL"
  static let rights = "HM-G2-GRANT-MOVED"
}
