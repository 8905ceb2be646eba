import Encodings
import Estate
import Plans

/// Certificates whose signing key lives in a vault (2.7), and vaults with signing keys that become weaker (2.9).
struct VaultDowngrades {
  private let change: EstateChange
  private let material: SigningMaterial

  init(_ change: EstateChange, _ material: SigningMaterial) {
    self.change = change
    self.material = material
  }

  func evaluate() -> GateOutcome {
    var outcome = GateOutcome()
    for (number, resource) in change.resources.enumerated() where !resource.change.isData && !resource.change.isDrift {
      switch resource.after {
      case .certificate(let certificate)? where resource.arrives || resource.change.isImport: outcome.findings += judge(certificate, resource)
      case .key(let key)? where key.kind == .vault && changes(resource): outcome.findings += judge(key, resource)
      case .vault(let vault)? where changes(resource): outcome.findings += judge(vault, resource, number)
      default: continue
      }
    }
    return outcome
  }

  /// A template may write what exists: the inventory then says what was.
  private func changes(_ resource: PlannedResource) -> Bool {
    resource.action == .update || resource.action == .replace || (resource.action == .create && resource.before == nil)
  }

  private func judge(_ certificate: PlannedCertificate, _ resource: PlannedResource) -> [Finding] {
    let name = certificate.name.value
    guard change.isSigningKey(name: name, tags: certificate.tags.value, subject: certificate.subject.value) || SigningMaterial.isTagged(certificate.tags.value) else { return [] }
    let handle = change.store(certificate.store, kind: .vault)
    let exportable = certificate.exportable.value == true ? ", and the private key may be taken out of it" : ""
    return [
      Finding(
        rule: GateTwoRule.certificate, gate: .two, verdict: .block, severity: certificate.exportable.value == true ? .critical : .high, address: resource.address,
        store: handle?.name, key: name,
        reason: "Certificate \(name ?? resource.address) for signing is made in vault \(handle?.name ?? "its store"), so that its key lives there and not in a Managed HSM\(exportable).",
        fix: "Make the key in a Managed HSM and a certificate request for it (hallmark certs request).", location: resource.location)
    ]
  }

  private func judge(_ key: PlannedKey, _ resource: PlannedResource) -> [Finding] {
    let handle = change.store(key.store, kind: .vault)
    var old: PlannedKey?
    if case .key(let before)? = resource.before { old = before }
    let name = key.name.value ?? old?.name.value
    let listed = handle.flatMap { handle in change.inventoryKeys(handle).first { $0.name.lowercased() == name?.lowercased() } }
    guard let was = (old == nil ? listed?.kty : old?.kty.value)?.uppercased(), let becomes = key.kty.value?.uppercased(), was.hasSuffix("-HSM"), !becomes.hasSuffix("-HSM") else {
      return []
    }
    let wasSigning = old.map { material.isSigning($0, handle: handle) } ?? listed.map { material.isSigning($0) } ?? false
    guard wasSigning || material.isSigning(key, handle: handle) else { return [] }
    return [downgrade(resource, handle?.name, name, "key \(key.name.value ?? "") changes from \(was) to \(becomes): its material will lie in software", ["kty": .string(was)], ["kty": .string(becomes)])]
  }

  private func judge(_ vault: PlannedVault, _ resource: PlannedResource, _ number: Int) -> [Finding] {
    guard let handle = change.stores.handle(resource: number), vault.sku.value?.lowercased() == "standard" else { return [] }
    var was = resource.before == nil ? change.inventoryStore(handle)?.sku : nil
    if case .vault(let old)? = resource.before { was = old.sku.value }
    guard was?.lowercased() == "premium", case .yes(let why) = material.holds(handle, tags: vault.tags.value)
    else { return [] }
    return [downgrade(resource, handle.name, nil, "the vault changes from premium to standard, and \(why)", ["sku": "premium"], ["sku": "standard"])]
  }

  private func downgrade(_ resource: PlannedResource, _ store: String?, _ key: String?, _ what: String, _ before: JSONObject, _ after: JSONObject) -> Finding {
    Finding(
      rule: GateTwoRule.downgrade, gate: .two, verdict: .block, severity: .high, address: resource.address, store: store, key: key, before: before, after: after,
      reason: "A signing key gets weaker custody: \(what).", fix: "Leave it as it is until the key is in a Managed HSM.", location: resource.location)
  }
}
