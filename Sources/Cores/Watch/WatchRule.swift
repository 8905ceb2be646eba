/// How much an alert matters, least first.
package enum AlertSeverity: String, Sendable, Hashable, CaseIterable, Comparable {
  case info, low, medium, high, critical

  package var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
  package static func < (a: AlertSeverity, b: AlertSeverity) -> Bool { a.rank < b.rank }
}

/// Where facts come from. A rule whose streams are not there raises nothing.
package enum WatchStream: String, Sendable, Hashable, CaseIterable { case audit, activity, poll, ledger, signin }

/// One detection, described as data (estate-and-gates §5.1).
package struct WatchRule: Sendable, Hashable {
  package let id: String
  package let name: String
  /// The usual severity; some findings raise or lower it.
  package let severity: AlertSeverity
  package let streams: [WatchStream]
  package let why: String

  /// The rule of this id, nil when there is none.
  package static func named(_ id: String) -> WatchRule? { byId[id.uppercased()] }
  private static let byId = Dictionary(uniqueKeysWithValues: catalogue.map { ($0.id, $0) })

  package static let catalogue: [WatchRule] = [
    WatchRule(id: "HM-D01", name: "Security domain download", severity: .critical, streams: [.audit], why: "the quorum's holders can rebuild the whole HSM from it"),
    WatchRule(id: "HM-D02", name: "Security domain upload or restore state", severity: .critical, streams: [.audit, .poll], why: "a takeover or a recovery: it must match a ticket"),
    WatchRule(id: "HM-D03", name: "Security domain not active", severity: .high, streams: [.poll], why: "the HSM is unusable or was never secured"),
    WatchRule(id: "HM-D04", name: "Local role written at / or /keys", severity: .high, streams: [.audit, .poll], why: "power over every key"),
    WatchRule(id: "HM-D05", name: "Self-elevation", severity: .critical, streams: [.audit, .activity, .poll], why: "a path to any key"),
    WatchRule(id: "HM-D06", name: "Gate bypass", severity: .high, streams: [.poll], why: "a live grant that the gate would have blocked"),
    WatchRule(id: "HM-D07", name: "Custom role widened", severity: .high, streams: [.poll], why: "every holder of the role gained rights and no assignment changed"),
    WatchRule(id: "HM-D08", name: "Decrypt or unwrap by build identity", severity: .critical, streams: [.audit], why: "even the attempt matters: the identity is only meant to sign"),
    WatchRule(id: "HM-D09", name: "Sign outside working hours", severity: .medium, streams: [.audit], why: "a stolen token works at night"),
    WatchRule(id: "HM-D10", name: "Sign from unexpected address", severity: .high, streams: [.audit], why: "a stolen token works elsewhere"),
    WatchRule(id: "HM-D11", name: "Sign rate anomaly", severity: .medium, streams: [.audit], why: "mass signing"),
    WatchRule(id: "HM-D12", name: "First use of a key by an identity", severity: .medium, streams: [.audit], why: "nobody saw this pair in 90 days"),
    WatchRule(id: "HM-D13", name: "Dormant identity signs", severity: .medium, streams: [.audit], why: "a forgotten identity came back"),
    WatchRule(id: "HM-D14", name: "Unused privilege", severity: .low, streams: [.audit, .poll], why: "what nobody uses can be taken away"),
    WatchRule(id: "HM-D15", name: "Unknown signer", severity: .critical, streams: [.audit, .ledger], why: "somebody signed outside the authority"),
    WatchRule(id: "HM-D16", name: "Ledger without log", severity: .high, streams: [.audit, .ledger], why: "the log was tampered with, or the id is wrong"),
    WatchRule(id: "HM-D17", name: "Human signs with CI key", severity: .high, streams: [.audit], why: "a person holds what only a build should"),
    WatchRule(id: "HM-D18", name: "User agent mismatch", severity: .medium, streams: [.audit], why: "a foreign tool uses the identity"),
    WatchRule(id: "HM-D19", name: "Unversioned sign on Managed HSM", severity: .low, streams: [.audit], why: "the log cannot say which version signed"),
    WatchRule(id: "HM-D20", name: "Key delete, purge or recover", severity: .high, streams: [.audit, .poll], why: "signing stops, or evidence is destroyed"),
    WatchRule(id: "HM-D21", name: "Purge protection off or store deleted", severity: .critical, streams: [.poll, .activity, .audit], why: "keys can be destroyed for good"),
    WatchRule(id: "HM-D22", name: "Key backup, restore, export or release", severity: .high, streams: [.audit], why: "it copies key material"),
    WatchRule(id: "HM-D23", name: "Key operations changed", severity: .high, streams: [.poll], why: "the second lock of the key was changed"),
    WatchRule(id: "HM-D24", name: "Setting flip", severity: .high, streams: [.audit], why: "contributors of the control plane gain keys"),
    WatchRule(id: "HM-D25", name: "Diagnostic setting removed or category off", severity: .critical, streams: [.activity, .poll], why: "blindness"),
    WatchRule(id: "HM-D26", name: "Log silence", severity: .high, streams: [.audit, .ledger], why: "requests happen and no log rows arrive"),
    WatchRule(id: "HM-D27", name: "Hash chain or log shortened", severity: .critical, streams: [.audit, .ledger], why: "somebody changed what was already written"),
    WatchRule(id: "HM-D28", name: "Authentication failure burst", severity: .medium, streams: [.audit], why: "probing"),
    WatchRule(id: "HM-D29", name: "Refused request logged as success", severity: .info, streams: [.audit], why: "counters that trust resultType are wrong"),
    WatchRule(id: "HM-D30", name: "Network opened", severity: .high, streams: [.poll, .activity], why: "the store can be reached from more places"),
    WatchRule(id: "HM-D31", name: "Federated credential added or changed on a signing identity", severity: .high, streams: [.activity, .poll], why: "somebody else can become the identity"),
    WatchRule(id: "HM-D32", name: "Client secret or certificate on signing application", severity: .high, streams: [.poll], why: "a credential that can be copied"),
    WatchRule(id: "HM-D33", name: "Group holding a key role gained member", severity: .high, streams: [.poll], why: "a grant nobody sees among the assignments"),
    WatchRule(id: "HM-D34", name: "elevateAccess", severity: .critical, streams: [.activity], why: "a directory administrator took power over every subscription"),
    WatchRule(id: "HM-D35", name: "Rotation overdue", severity: .medium, streams: [.poll], why: "the key is older than its policy, or has none"),
    WatchRule(id: "HM-D36", name: "Version count near limit", severity: .medium, streams: [.poll], why: "the key will stop being rotatable"),
    WatchRule(id: "HM-D37", name: "Backup overdue", severity: .medium, streams: [.audit], why: "a lost HSM could not be restored"),
    WatchRule(id: "HM-D38", name: "Recovery drill overdue", severity: .medium, streams: [.audit, .ledger], why: "a recovery nobody tried does not work"),
    WatchRule(id: "HM-D39", name: "Quorum keys in one place", severity: .critical, streams: [.audit, .poll], why: "one breach is a clone of the HSM"),
    WatchRule(id: "HM-D40", name: "Lock removed", severity: .high, streams: [.activity, .poll], why: "deletion is one step away"),
    WatchRule(id: "HM-D41", name: "Policy exemption on store", severity: .medium, streams: [.activity], why: "a guard rail was taken away"),
    WatchRule(id: "HM-D42", name: "Attestation mismatch", severity: .high, streams: [.audit, .poll], why: "the key may not live in the HSM"),
    WatchRule(id: "HM-D43", name: "Clock skew", severity: .low, streams: [.audit, .ledger], why: "times of the log and the ledger disagree"),
    WatchRule(id: "HM-D44", name: "Inventory lost sight", severity: .high, streams: [.poll], why: "a store that was seen yesterday cannot be seen today"),
    WatchRule(id: "HM-D45", name: "Same key name recreated", severity: .high, streams: [.audit, .poll], why: "a trace by name would mix two keys"),
  ]
}
