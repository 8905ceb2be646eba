/// Terraform's and OpenTofu's plan JSON, format 1.x.
package enum TerraformPlan {
  /// Reads a plan as `terraform show -json PLANFILE` prints it.
  package static func changeSet(json: [UInt8], sources: PlanSources? = nil, limits: PlanLimits = .standard) throws(PlanError) -> ChangeSet {
    ChangeSet(format: .terraformPlanJSON)
  }
}
