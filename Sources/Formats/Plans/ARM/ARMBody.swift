/// What a provider's wrapper around ARM stands for, in ARM's own words.
package struct ARMTranslation: Sendable, Hashable {
  package var changes: [ResourceChange] = []
  package var missing: [MissingFact] = []
  package var scripts: [PlanScript] = []
  package var completeModeScopes: [String] = []
}

extension ResourceChange {
  /// The same change in the ARM dialect: azapi resources (estate-and-gates §3.4) and `template_content` of template deployments; nil for every other type.
  ///
  /// The addresses of the result start with this resource's; action, location, conditions and flags are kept.
  package func asARM(options: ARMOptions = ARMOptions()) -> ARMTranslation? { nil }
}
