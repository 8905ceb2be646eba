/// A saved Terraform plan (`terraform plan -out`): a ZIP that holds, beside an opaque plan, the whole configuration it was made from.
package struct PlanFile: Sendable, Hashable {
  /// Modules as `tfconfig/modules.json` names them; the root has key `""`.
  package let modules: [ModuleEntry]
  /// Files of the configuration by the path they have in the checkout (`main.tf`, `modules/ci/main.tf`).
  package let files: [SourceFile]
  /// The configuration, read.
  package let sources: PlanSources
}
