import Encodings

/// The claims of a workload's token that an auditor wants to see later, as texts.
enum AuditClaims {
  static let maxValueBytes = 256

  /// Names of GitHub, GitLab, Terraform Cloud, Azure and Kubernetes tokens.
  static let names = [
    "repository", "repository_id", "repository_owner", "repository_owner_id", "repository_visibility", "workflow", "workflow_ref",
    "workflow_sha", "job_workflow_ref", "job_workflow_sha", "run_id", "run_number", "run_attempt", "ref", "ref_type", "sha", "actor",
    "actor_id", "environment", "event_name", "runner_environment",
    "project_path", "project_id", "namespace_path", "pipeline_id", "pipeline_source", "job_id", "user_login", "user_id",
    "terraform_workspace_name", "terraform_run_id", "terraform_organization_name",
    "upn", "preferred_username", "unique_name", "name", "appid", "azp", "idtyp", "jti", "uti",
  ]

  /// Texts and integers only; a longer value is cut, so that the record stays small.
  static func pick(_ claims: JSONObject) -> [String: String] {
    var picked: [String: String] = [:]
    for name in names {
      guard let value = claims[name] else { continue }
      guard let text = value.string ?? value.number?.text else { continue }
      picked[name] = bounded(text)
    }
    if let kubernetes = claims["kubernetes.io"]?.object {
      picked["kubernetes_namespace"] = kubernetes["namespace"]?.string.map(bounded)
      picked["kubernetes_serviceaccount"] = kubernetes["serviceaccount"]?["name"]?.string.map(bounded)
      picked["kubernetes_pod"] = kubernetes["pod"]?["name"]?.string.map(bounded)
    }
    return picked
  }

  static func bounded(_ text: String) -> String {
    guard text.utf8.count > maxValueBytes else { return text }
    return String(String.UnicodeScalarView(text.unicodeScalars.prefix(maxValueBytes / 4))) + "…"
  }
}
