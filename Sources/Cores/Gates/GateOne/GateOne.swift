/// Gate 1: an identity that only needs to sign gains decrypt, unwrap, or anything that leads there (estate-and-gates §3.8).
package struct GateOne: GateRule {
  package init() {}

  package func evaluate(_ change: EstateChange) -> GateOutcome { GateOutcome() }
}
