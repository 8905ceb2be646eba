import Encodings
import Estate
import Plans

/// Gate 3: a store that holds signing material loses purge protection, or what stands in for it (estate-and-gates §3.10).
package struct GateThree: GateRule {
  package init() {}

  package func evaluate(_ change: EstateChange) -> GateOutcome {
    let material = SigningMaterial(change)
    var outcome = GateOutcome()
    outcome.add(PurgeProtection(change, material).evaluate())
    outcome.add(StoreRemoval(change, material).evaluate())
    outcome.add(StandingGuards(change, material).evaluate())
    return outcome
  }
}

enum GateThreeRule {
  static let purgeOff = "HM-G3-PURGE-OFF"
  static let replacedForPurge = "HM-G3-HSM-REPLACED"
  static let unprotected = "HM-G3-NEW-UNPROTECTED"
  static let removed = "HM-G3-STORE-REMOVED"
  static let retention = "HM-G3-RETENTION"
  static let lock = "HM-G3-LOCK"
  static let recover = "HM-G3-RECOVER"
  static let policy = "HM-G3-POLICY"
  static let softDelete = "HM-G3-SOFT-DELETE-OFF"
  static let ignored = "HM-G3-IGNORED"
  static let preventDestroy = "HM-G3-PREVENT-DESTROY"
  static let diagnostics = "HM-G3-DIAGNOSTICS"
  static let domainCertificates = "HM-G3-DOMAIN-CERTIFICATES"
}

/// The attributes of vaults and Managed HSMs that gate 3 looks at.
struct ProtectedStore {
  var isHSM: Bool
  var purge: Planned<Bool>
  var softDelete: Planned<Bool>
  var retention: Planned<Int>
  var createMode: String?
  var tags: [String: String]?
  var domainCertificates: PlannedWords

  init?(_ object: EstateObject?) {
    switch object {
    case .vault(let vault)?:
      self.init(
        isHSM: false, purge: vault.purgeProtection, softDelete: vault.softDelete, retention: vault.retentionDays, createMode: vault.createMode.value, tags: vault.tags.value,
        domainCertificates: .absent)
    case .managedHSM(let hsm)?:
      self.init(
        isHSM: true, purge: hsm.purgeProtection, softDelete: hsm.softDelete, retention: hsm.retentionDays, createMode: hsm.createMode.value, tags: hsm.tags.value,
        domainCertificates: hsm.domainCertificates)
    default: return nil
    }
  }

  private init(
    isHSM: Bool, purge: Planned<Bool>, softDelete: Planned<Bool>, retention: Planned<Int>, createMode: String?, tags: [String: String]?, domainCertificates: PlannedWords
  ) {
    self.isHSM = isHSM
    self.purge = purge
    self.softDelete = softDelete
    self.retention = retention
    self.createMode = createMode
    self.tags = tags
    self.domainCertificates = domainCertificates
  }

  var noun: String { isHSM ? "Managed HSM" : "vault" }
}

extension EstateChange {
  /// Whether the provider purges what it destroys: azurerm does unless its features say otherwise (§3.3).
  func purgesOnDestroy(_ resource: PlannedResource, isHSM: Bool) -> Bool {
    guard resource.change.dialect == .terraform else { return false }
    let flag = isHSM ? "purge_soft_deleted_hardware_security_modules_on_destroy" : "purge_soft_delete_on_destroy"
    let settings = sets[resource.set].providers.filter { $0.name.hasSuffix("azurerm") || $0.key.hasSuffix("azurerm") || $0.key.hasPrefix("azurerm") }
    guard !settings.isEmpty else { return true }
    return settings.contains { setting in
      let features = setting.features.list?.first ?? setting.features
      let block = features["key_vault"].flatMap { $0.list?.first ?? $0 }
      return block?[flag]?.bool != false
    }
  }
}
