import Plans

enum TerraformTargets {
  static func plan(_ bytes: UnsafeRawBufferPointer) {
    guard let set = try? TerraformPlan.changeSet(json: Array(bytes), limits: PlanLimits(maxBytes: 1 << 20)) else { return }
    for change in set.resources {
      if change.action == .delete || change.action == .forget { precondition(change.after == nil) }
    }
  }

  /// Law: what cannot be read is told, never left out in silence.
  static func source(_ bytes: UnsafeRawBufferPointer) {
    let sources = PlanSources(files: [SourceFile(path: "main.tf", bytes: Array(bytes))])
    _ = sources.location(of: "azurerm_key_vault.this")
    precondition(sources.problems.allSatisfy { !$0.missing.isEmpty })
  }

  static func archive(_ bytes: UnsafeRawBufferPointer) {
    guard let file = try? PlanFile.open(Array(bytes)) else { return }
    precondition(file.files.allSatisfy { !$0.path.hasPrefix("/") })
  }
}
