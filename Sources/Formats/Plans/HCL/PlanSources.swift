/// The configuration behind a plan: from a saved plan file, or from `.tf` files of a checkout.
package struct PlanSources: Sendable, Hashable {
  /// What could not be read, one fact each; addresses are file names.
  package var problems: [MissingFact]

  /// - Parameter files: every `.tf` file, paths relative to the root of the configuration.
  /// - Parameter modules: `modules.json`; local modules (`./x`) are found without it.
  package init(files: [SourceFile], modules: [ModuleEntry] = []) {
    problems = []
  }
}
