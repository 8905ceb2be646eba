/// A role definition, local or of Azure, whose rights are computed from its permission entries.
package struct RoleTemplate: Sendable, Hashable {
  /// One entry: what `not…` takes away is taken away within this entry only, never from another entry or role.
  package struct Permission: Sendable, Hashable {
    package var actions: [String]
    package var notActions: [String]
    package var dataActions: [String]
    package var notDataActions: [String]

    package init(actions: [String] = [], notActions: [String] = [], dataActions: [String] = [], notDataActions: [String] = []) {
      self.actions = actions
      self.notActions = notActions
      self.dataActions = dataActions
      self.notDataActions = notDataActions
    }
  }

  /// As `RoleReference.folded` gives it: a lower-case GUID where there is one.
  package var id: String
  package var name: String
  package var custom: Bool
  package var permissions: [Permission]
  /// The role may only hand out the data-plane roles of vaults (the built-in condition of Key Vault Data Access Administrator).
  package var handsOutVaultRolesOnly: Bool

  package init(id: String, name: String, custom: Bool, permissions: [Permission], handsOutVaultRolesOnly: Bool = false) {
    self.id = RoleReference.folded(id)
    self.name = name
    self.custom = custom
    self.permissions = permissions
    self.handsOutVaultRolesOnly = handsOutVaultRolesOnly
  }

  /// What the data actions give on keys of a store of this kind, and which of them the table does not know.
  ///
  /// A key data action that is not in the table counts as class D: as `unwrap`, `release` or `export` when it says so, as `decrypt` otherwise.
  package func dataCapabilities(_ kind: InventorySnapshot.StoreKind) -> (capabilities: Set<Capability>, unknown: [String]) {
    let rows = ActionCatalogue.dataRows(kind)
    var result: Set<Capability> = []
    var unknown: [String] = []
    for permission in permissions {
      let given = permission.dataActions.map(ActionPattern.init)
      let taken = permission.notDataActions.map(ActionPattern.init)
      for row in rows where !result.contains(row.capability) {
        guard given.contains(where: { $0.matches(folded: row.action) }), !taken.contains(where: { $0.matches(folded: row.action) }) else {
          continue
        }
        result.insert(row.capability)
      }
      for pattern in given where pattern.hasPrefix(ActionCatalogue.keyPrefix(kind)) {
        guard !rows.contains(where: { pattern.matches(folded: $0.action) }), !taken.contains(where: { $0.matches(pattern.text) }) else {
          continue
        }
        result.insert(Self.guess(pattern.text))
        unknown.append(pattern.text)
      }
    }
    return (result, unknown)
  }

  /// What the control-plane actions give.
  package var powers: Set<ControlPower> {
    var result: Set<ControlPower> = []
    for permission in permissions {
      let given = permission.actions.map(ActionPattern.init)
      let taken = permission.notActions.map(ActionPattern.init)
      for row in ActionCatalogue.control where !result.contains(row.power) {
        guard given.contains(where: { $0.matches(folded: row.action) }), !taken.contains(where: { $0.matches(folded: row.action) }) else {
          continue
        }
        result.insert(row.power)
      }
    }
    return result
  }

  private static func guess(_ action: String) -> Capability {
    let action = action.lowercased()
    if action.contains("unwrap") { return .unwrap }
    if action.contains("release") { return .release }
    if action.contains("export") { return .export }
    return .decrypt
  }
}

/// How roles are named in plans, answers and files.
package enum RoleReference {
  /// What two spellings of one role have in common: the GUID at the end in lower case (leading slash, subscription prefix and trailing slash
  /// do not count), or the whole text in lower case when it does not end in a GUID.
  package static func folded(_ text: String) -> String {
    var text = Substring(text.lowercased())
    while text.hasSuffix("/") { text = text.dropLast() }
    let last = text.split(separator: "/").last ?? ""
    return isGUID(last) ? String(last) : String(text)
  }

  /// The GUID a text ends in, lower case; nil when there is none.
  package static func guid(_ text: String) -> String? {
    let folded = folded(text)
    return isGUID(folded[...]) ? folded : nil
  }

  package static func isGUID(_ text: some StringProtocol) -> Bool {
    let bytes = Array(text.utf8)
    guard bytes.count == 36 else { return false }
    return bytes.enumerated().allSatisfy { index, byte in
      switch index {
      case 8, 13, 18, 23: byte == UInt8(ascii: "-")
      default: byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 6
      }
    }
  }
}
