internal import Encodings
package import Trust

/// Why a runbook may not be executed.
package enum RunbookRefusal: Error, Sendable, Hashable, CustomStringConvertible {
  case expired(at: Int64)
  /// It was proposed in the future: a clock is wrong.
  case notYet(proposedAt: Int64)
  /// It was written for another configuration, or this one has changed since: a runbook is executed once.
  case otherConfiguration(wanted: String, found: String)
  /// The digest it promises is not that of what executing it writes.
  case otherOutcome(wanted: String, computed: String)
  case otherKeys
  case nothingToDo(StandbyRole)
  /// The proposer's own signature is missing or does not verify.
  case unsignedProposal(String)
  case notEnoughApprovals(have: [String], need: Int, discounted: [String])
  /// It is no planned change, and the attempts in it do not prove that the primary is unreachable.
  case outageUnproven

  package var description: String {
    switch self {
    case .expired(let at): "the runbook expired at \(ISO8601.format(seconds: at)); propose it anew"
    case .notYet(let at): "the runbook was proposed at \(ISO8601.format(seconds: at)), which lies ahead; check the clocks"
    case .otherConfiguration(let wanted, let found):
      "the runbook is for the configuration sha256:\(wanted.prefix(16))…, and the one here is sha256:\(found.prefix(16))…: it was executed already, or the file has changed since; propose it anew"
    case .otherOutcome(let wanted, let computed):
      "executing it would write sha256:\(computed.prefix(16))…, not sha256:\(wanted.prefix(16))… as the approvers signed"
    case .otherKeys: "the runbook names other keys than the configuration"
    case .nothingToDo(let role): "the \(role.rawValue) is the active key already"
    case .unsignedProposal(let why): "the proposal does not carry its proposer's signature: \(why)"
    case .notEnoughApprovals(let have, let need, let discounted):
      "\(have.count) of \(need) approvals\(have.isEmpty ? "" : " (\(have.joined(separator: ", ")))")"
        + (discounted.isEmpty ? "" : "; not counted: \(discounted.joined(separator: "; "))")
        + "; next: hallmark standby approve, by somebody else than the proposer"
    case .outageUnproven: "it is not a planned change, and the attempts in it do not prove that the primary is unreachable"
    }
  }

  package var code: String {
    switch self {
    case .expired: "expired"
    case .notYet: "not-yet"
    case .otherConfiguration: "other-configuration"
    case .otherOutcome: "other-outcome"
    case .otherKeys: "other-keys"
    case .nothingToDo: "nothing-to-do"
    case .unsignedProposal: "unsigned-proposal"
    case .notEnoughApprovals: "not-enough-approvals"
    case .outageUnproven: "outage-unproven"
    }
  }
}

/// A runbook that may be executed now: who approved it and what is written. Made only by `RunbookDocument.check`.
package struct ApprovedRunbook: Sendable, Hashable {
  package let document: RunbookDocument
  package let approvals: [String]
  package let next: StandbyConfiguration

  fileprivate init(document: RunbookDocument, approvals: [String], next: StandbyConfiguration) {
    self.document = document
    self.approvals = approvals
    self.next = next
  }
}

/// Who has signed a runbook, as far as the configuration knows them.
package struct RunbookSignatures: Sendable, Hashable {
  /// Persons whose signature verifies and counts, without the proposer.
  package var approvals: [String]
  package var isProposed: Bool
  /// Signatures that do not count, each with its reason.
  package var discounted: [String]
}

extension RunbookDocument {
  /// How far the clock of a proposer may run ahead, seconds.
  static let clockTolerance: Int64 = 300

  /// Judges each signature through Trust. The proposer, whichever of their keys they use, never approves.
  ///
  /// - Complexity: one public-key operation for each signature and approver key of its fingerprint.
  package func signers(_ configuration: StandbyConfiguration, now: Int64, verifier: any SignatureVerifier) -> RunbookSignatures {
    let digests = signedDigests
    var result = RunbookSignatures(approvals: [], isProposed: false, discounted: [])
    for signature in signatures {
      let label = "key \(Hex.encode(signature.keyFingerprint).prefix(16))…"
      guard let approver = configuration.approvers.first(where: { $0.key.fingerprint == signature.keyFingerprint }) else {
        result.discounted.append("\(label) is no approver's")
        continue
      }
      // One key at a time: a signature counts for the key that it names, or not at all.
      let policy = TrustPolicy(keys: configuration.policy.keys.filter { $0.fingerprint == signature.keyFingerprint })
      let decision = policy.decide(
        on: digests, signatures: [SignatureEvidence(source: label, content: .detached(signature.bytes))], at: now, verifier: verifier)
      guard decision.verdict == .trusted else {
        let why = (decision.findings.flatMap(\.reasons) + decision.reasons).map(\.text).joined(separator: ", ")
        result.discounted.append("\(approver.person): \(why)")
        continue
      }
      if signature.keyFingerprint == runbook.proposerKey {
        result.isProposed = true
      } else if approver.person == person(of: runbook.proposerKey, configuration) {
        result.discounted.append("\(approver.person) proposed it and cannot approve it")
      } else if !result.approvals.contains(approver.person) {
        result.approvals.append(approver.person)
      }
    }
    return result
  }

  private func person(of fingerprint: [UInt8], _ configuration: StandbyConfiguration) -> String? {
    configuration.approvers.first { $0.key.fingerprint == fingerprint }?.person
  }

  /// Whether the runbook may be executed now, on the configuration file with these bytes.
  ///
  /// - Parameter now: seconds since the epoch.
  package func check(
    _ configuration: StandbyConfiguration, fileDigest: String, now: Int64, verifier: any SignatureVerifier
  ) throws(RunbookRefusal) -> ApprovedRunbook {
    guard now <= runbook.expires else { throw .expired(at: runbook.expires) }
    guard runbook.proposedAt <= now + Self.clockTolerance else { throw .notYet(proposedAt: runbook.proposedAt) }
    guard runbook.before == fileDigest else { throw .otherConfiguration(wanted: runbook.before, found: fileDigest) }
    guard runbook.name == configuration.name, runbook.primary == configuration.pair.primary.text,
      runbook.standby == configuration.pair.standby.text
    else { throw .otherKeys }
    guard configuration.active != runbook.action.makes else { throw .nothingToDo(configuration.active) }
    let next = configuration.after(making: runbook.action.makes, by: runbook.id)
    let computed = StandbyConfiguration.digest(next.serialized)
    guard computed == runbook.after else { throw .otherOutcome(wanted: runbook.after, computed: computed) }
    if runbook.action == .promote, !runbook.isPlanned {
      let store = configuration.pair.primary.store ?? ""
      guard OutageWatch.prove(runbook.outage, store: store, rules: configuration.rules) != nil else { throw .outageUnproven }
    }
    guard let proposer = person(of: runbook.proposerKey, configuration), proposer == runbook.proposer else {
      throw .unsignedProposal("\(runbook.proposer) with the key it names is no approver of this configuration")
    }
    let found = signers(configuration, now: now, verifier: verifier)
    guard found.isProposed else { throw .unsignedProposal(found.discounted.first ?? "there is none") }
    guard found.approvals.count >= configuration.threshold else {
      throw .notEnoughApprovals(have: found.approvals, need: configuration.threshold, discounted: found.discounted)
    }
    return ApprovedRunbook(document: self, approvals: found.approvals, next: next)
  }
}

/// The record that a runbook was executed: a statement about the configuration that was written.
package struct ExecutedRunbook: Sendable, Hashable {
  package static let predicateType = "urn:hallmark:standby-executed:v1"

  /// The bytes to be signed as a DSSE payload.
  package let payload: [UInt8]

  /// - Parameter at: seconds since the epoch.
  package init(_ approved: ApprovedRunbook, executor: String, executorKey: [UInt8], at: Int64) {
    let runbook = approved.document.runbook
    let statement: JSONValue = [
      "_type": .string(StandbyRunbook.statementType),
      "subject": [["name": .string(runbook.name), "digest": ["sha256": .string(runbook.after)]]],
      "predicateType": .string(Self.predicateType),
      "predicate": [
        "runbook": .string(runbook.id), "runbookSha256": .string(StandbyConfiguration.digest(approved.document.payload)),
        "action": .string(runbook.action.rawValue), "proposer": .string(runbook.proposer),
        "approvals": .array(approved.approvals.map { .string($0) }),
        "executor": ["person": .string(executor), "spkiSha256": .string(Hex.encode(executorKey))],
        "executedAt": .string(ISO8601.format(seconds: at)), "before": ["sha256": .string(runbook.before)],
        "epoch": .integer(approved.next.epoch), "active": .string(approved.next.active.rawValue),
      ],
    ]
    payload = statement.serialized()
  }
}
