/// ARM templates and compiled Bicep as changes (estate-and-gates §3.5).
package enum ARMTemplate {
  /// What deploying the template asks for.
  ///
  /// There is no before: `knowsBefore` is false, `before` nil and `action` create, except for `existing` resources, which are read (`isData`). `after` is the
  /// whole resource object with expressions resolved, and its resource id under `id`. Where the subscription, group, management group or tenant is not
  /// known, ids hold `{subscription}`, `{resourceGroup}`, `{managementGroup}`, `{tenant}`.
  package static func changeSet(
    json: [UInt8], parameters: [UInt8]? = nil, options: ARMOptions = ARMOptions()
  ) throws(TemplateError) -> ChangeSet {
    throw TemplateError.wrongDocument(.template, found: .other)
  }
}
