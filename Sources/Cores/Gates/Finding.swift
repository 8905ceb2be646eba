package import Encodings
package import Estate
package import Plans

/// One thing a gate has to say about a change (guard-formats §3). Its members are the members of the JSON.
package struct Finding: Sendable, Hashable {
  package enum GateName: String, Sendable, Hashable, CaseIterable {
    case one = "G1"
    case two = "G2"
    case three = "G3"
    case other = "X"
  }

  package enum Verdict: String, Sendable, Hashable, CaseIterable { case block, warn, undecidable, note }
  package enum Severity: String, Sendable, Hashable, CaseIterable { case critical, high, medium, low }

  /// Whom it is about.
  package struct Principal: Sendable, Hashable {
    /// Nil when the object exists only after the apply.
    package var objectId: String?
    /// The name in the register, else of the inventory, else of the plan, else the address.
    package var name: String?
    /// How the right reaches it, from the principal outwards: `id-build-eu`, `group G`, `Managed HSM Crypto User`, `/keys`.
    package var via: [String]

    package init(objectId: String? = nil, name: String? = nil, via: [String] = []) {
      self.objectId = objectId
      self.name = name
      self.via = via
    }
  }

  /// What became of a waiver that names this finding.
  package struct WaiverDecision: Sendable, Hashable {
    package var accepted: Bool
    /// Why it was refused, every reason; empty when accepted.
    package var reasons: [String]
    package var waiver: IntentRegister.Waiver

    package init(accepted: Bool, reasons: [String], waiver: IntentRegister.Waiver) {
      self.accepted = accepted
      self.reasons = reasons
      self.waiver = waiver
    }
  }

  package var rule: String
  package var gate: GateName
  package var verdict: Verdict
  package var severity: Severity
  package var address: String
  package var principal: Principal?
  /// `Store.id`: the resource's name.
  package var store: String?
  /// Nil when wider than one key; then `scope` says how wide.
  package var key: String?
  package var scope: String?
  package var gained: [Capability]
  package var before: JSONObject
  package var after: JSONObject
  /// One sentence a reviewer understands.
  package var reason: String
  /// One sentence.
  package var fix: String
  package var location: SourceLocation?
  package var waived: WaiverDecision?

  package init(
    rule: String, gate: GateName, verdict: Verdict, severity: Severity, address: String, principal: Principal? = nil, store: String? = nil,
    key: String? = nil, scope: String? = nil, gained: [Capability] = [], before: JSONObject = [:], after: JSONObject = [:], reason: String,
    fix: String, location: SourceLocation? = nil, waived: WaiverDecision? = nil
  ) {
    self.rule = rule
    self.gate = gate
    self.verdict = verdict
    self.severity = severity
    self.address = address
    self.principal = principal
    self.store = store
    self.key = key
    self.scope = scope
    self.gained = gained
    self.before = before
    self.after = after
    self.reason = reason
    self.fix = fix
    self.location = location
    self.waived = waived
  }
}
