import Encodings
import Estate
import Plans

/// Purge protection, soft delete and retention of stores that stay or come (3.1–3.6, 3.8, 3.11, 3.12, 3.16, 3.17, 3.20).
struct PurgeProtection {
  private let change: EstateChange
  private let material: SigningMaterial

  init(_ change: EstateChange, _ material: SigningMaterial) {
    self.change = change
    self.material = material
  }

  func evaluate() -> GateOutcome {
    var outcome = GateOutcome()
    for (number, resource) in change.resources.enumerated() where !resource.change.isData {
      guard let store = ProtectedStore(resource.after), let handle = change.stores.handle(resource: number) else { continue }
      let old = ProtectedStore(resource.before)
      outcome.add(Judgement(change: change, material: material, resource: resource, handle: handle, store: store, old: old).evaluate())
    }
    return outcome
  }

  private struct Judgement {
    let change: EstateChange
    let material: SigningMaterial
    let resource: PlannedResource
    let handle: StoreHandle
    let store: ProtectedStore
    let old: ProtectedStore?

    var holds: SigningMaterial.Holds { material.holds(handle, tags: store.tags ?? old?.tags) }
    /// The protection it has now: as the plan saw it, else as the inventory did.
    var wasProtected: Bool? { old?.purge.value ?? (resource.change.knowsBefore && old != nil ? false : change.inventoryStore(handle)?.purgeProtection) }
    var isNew: Bool { old == nil && change.inventoryStore(handle) == nil }

    func evaluate() -> GateOutcome {
      var outcome = GateOutcome()
      let isStanding = resource.action == .noOp && !resource.change.isImport && !resource.change.isDrift
      if isStanding {
        if case .yes(let why) = holds, store.purge.value != true, !store.purge.isUnknown {
          outcome.standing.append(unprotected(.block, "\(store.noun.capitalizedFirst) \(handle.name) has no purge protection, and \(why)."))
        }
        return outcome
      }
      if store.createMode?.lowercased() == "recover" { return recovered() }
      outcome.add(purge())
      outcome.add(softDelete())
      outcome.add(retention())
      outcome.add(ignored())
      outcome.add(domainCertificates())
      return outcome
    }

    /// 3.1–3.6, 3.11.
    private func purge() -> GateOutcome {
      if case .unknown(let unknown) = store.purge {
        guard wasProtected != false || isNew, holds != .no else { return GateOutcome() }
        return GateOutcome(undecided: [MissingFact(address: resource.address, missing: unknown.description(of: "whether \(store.noun) \(handle.name) keeps purge protection"))])
      }
      let turnsOnHSM = store.isHSM && resource.action == .replace && resource.change.replacePaths.contains { $0.hasPrefix("purge_protection") }
      let isOn = store.purge.value == true
      if isOn {
        guard turnsOnHSM, wasProtected != true else { return GateOutcome() }
        return GateOutcome(findings: [
          finding(
            GateThreeRule.replacedForPurge, .block, .critical,
            "Turning purge protection on this way destroys Managed HSM \(handle.name) and makes a new one\(purges), with every key in it.",
            "Turn it on in place (az keyvault update-hsm --enable-purge-protection true) and refresh the state.")
        ])
      }
      // ARM leaves the setting as it is when a template does not name it.
      if store.purge.isAbsent, old == nil, [.arm, .pulumiNative].contains(resource.change.dialect), wasProtected == true { return GateOutcome() }
      if wasProtected == true { return GateOutcome(findings: [lost()]) }
      if old == nil, store.purge.value == false, resource.change.dialect == .arm, !isNew, wasProtected == nil, holds != .no { return GateOutcome(findings: [lost()]) }
      guard old == nil || resource.action == .replace || resource.change.isImport else { return GateOutcome() }
      return fresh()
    }

    private func lost() -> Finding {
      let replaced = resource.action == .replace
      let how = store.purge.isAbsent ? "is removed from" : "is turned off on"
      var verdict = Finding.Verdict.block
      var because: String
      switch holds {
      case .yes(let why): because = why
      case .unknown: because = store.isHSM ? "Managed HSMs hold keys" : "what it holds is not known"
      case .no:
        because = "the inventory knows of no signing key in it"
        if !store.isHSM { verdict = .warn }
      }
      let consequence = replaced ? " The \(store.noun) is destroyed and made anew\(purges)." : store.isHSM ? "" : " Azure would refuse this at apply; the intent is what counts."
      return finding(
        GateThreeRule.purgeOff, verdict, replaced || store.isHSM ? .critical : .high,
        "Purge protection \(how) \(store.noun) \(handle.name), and \(because).\(consequence)", "Leave purge protection on: purge_protection_enabled = true.")
    }

    /// A store that is new, or taken under management as it is.
    private func fresh() -> GateOutcome {
      guard isNew || resource.action == .replace || resource.change.isImport else { return GateOutcome() }
      if case .yes(let why) = holds {
        return GateOutcome(findings: [unprotected(.block, "New \(store.noun) \(handle.name) has no purge protection, and \(why).")])
      }
      return GateOutcome(findings: [unprotected(.warn, "New \(store.noun) \(handle.name) has no purge protection; nothing in this change puts signing material into it.")])
    }

    private func unprotected(_ verdict: Finding.Verdict, _ reason: String) -> Finding {
      finding(GateThreeRule.unprotected, verdict, verdict == .block ? .high : .low, reason, "Set purge_protection_enabled = true (enablePurgeProtection) from the start; it cannot be taken back.")
    }

    private func softDelete() -> GateOutcome {
      guard store.softDelete.value == false, old?.softDelete.value != false else { return GateOutcome() }
      return GateOutcome(findings: [
        finding(
          GateThreeRule.softDelete, holds == .no && !store.isHSM ? .warn : .block, .high, "Soft delete is turned off on \(store.noun) \(handle.name): what is deleted there is gone at once.",
          "Leave soft delete on.")
      ])
    }

    private func retention() -> GateOutcome {
      let before = old?.retention.value ?? (old == nil ? change.inventoryStore(handle)?.softDeleteDays : nil)
      guard let before, let after = store.retention.value, after < before else { return GateOutcome() }
      let blocks = store.isHSM || holds != .no
      return GateOutcome(findings: [
        finding(
          GateThreeRule.retention, blocks ? .block : .warn, store.isHSM ? .critical : .high,
          "Deleted objects of \(store.noun) \(handle.name) would be kept for \(after) instead of \(before) days" + (resource.action == .replace ? ", and the \(store.noun) is destroyed for it\(purges)." : "."),
          "Leave the retention as it is; it cannot be changed in place.")
      ])
    }

    /// 3.12: the other properties of the template are ignored, the recovered object has its old ones.
    private func recovered() -> GateOutcome {
      if change.inventoryStore(handle)?.purgeProtection == true { return GateOutcome() }
      return GateOutcome(
        findings: [
          finding(
            GateThreeRule.recover, .warn, .medium, "\(store.noun.capitalizedFirst) \(handle.name) is recovered with the settings it had: those in this change are ignored.",
            "Check the flags of the deleted object before it is recovered.")
        ],
        undecided: [MissingFact(address: resource.address, missing: "whether the deleted \(store.noun) \(handle.name) has purge protection (GET deletedVaults or deletedManagedHSMs, or an inventory that lists it)")])
    }

    private func ignored() -> GateOutcome {
      guard resource.change.ignoreChanges.contains(where: { $0 == "all" || $0.hasPrefix("purge_protection") || $0.hasPrefix("soft_delete") }), holds != .no else { return GateOutcome() }
      return GateOutcome(findings: [
        finding(
          GateThreeRule.ignored, .warn, .medium, "The configuration ignores changes of the purge protection of \(store.noun) \(handle.name): drift will not be seen here.",
          "Take the setting out of lifecycle.ignore_changes.")
      ])
    }

    /// 3.20: who loses the vault with the custodians' certificates loses the security domain.
    private func domainCertificates() -> GateOutcome {
      guard store.isHSM, let words = store.domainCertificates.value else { return GateOutcome() }
      var outcome = GateOutcome()
      var seen: Set<String> = []
      for word in words {
        guard let vault = material.certificateStore(word), seen.insert(vault.id).inserted else { continue }
        let planned = change.resources.enumerated().lazy.filter { change.stores.handle(resource: $0.offset)?.id == vault.id }.compactMap { ProtectedStore($0.element.after) }.first
        let protected = planned?.purge.value ?? (planned == nil ? change.inventoryStore(vault)?.purgeProtection : planned?.purge.isAbsent == true ? false : nil)
        if protected == true { continue }
        guard protected == false else {
          outcome.undecided.append(MissingFact(address: resource.address, missing: "whether vault \(vault.name), which holds certificates of the security domain, has purge protection; give an inventory that lists it"))
          continue
        }
        outcome.findings.append(
          Finding(
            rule: GateThreeRule.domainCertificates, gate: .three, verdict: .block, severity: .critical, address: resource.address, store: vault.name,
            reason: "The security domain of Managed HSM \(handle.name) is wrapped for certificates in vault \(vault.name), which has no purge protection: who purges it takes the recovery of the HSM.",
            fix: "Turn purge protection on for \(vault.name), or keep the custodians' keys offline in separate places.", location: resource.location))
      }
      return outcome
    }

    private var purges: String { change.purgesOnDestroy(resource, isHSM: store.isHSM) ? " and, by the provider's features, purged" : "" }

    private func finding(_ rule: String, _ verdict: Finding.Verdict, _ severity: Finding.Severity, _ reason: String, _ fix: String) -> Finding {
      func json(_ store: ProtectedStore?) -> JSONObject {
        var object = JSONObject()
        object.set("purgeProtection", ifPresent: store?.purge.value.map { .bool($0) })
        object.set("softDeleteDays", ifPresent: store?.retention.value.map { .integer($0) })
        return object
      }
      return Finding(
        rule: rule, gate: .three, verdict: verdict, severity: severity, address: resource.address, store: handle.name, before: json(old), after: json(store), reason: reason, fix: fix,
        location: resource.location)
    }
  }
}

extension String {
  fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
