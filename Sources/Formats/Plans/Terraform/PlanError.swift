package import Encodings

/// Why a file that should describe changes cannot be used. It never carries a value of the file.
package enum PlanError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What the file is instead, and which command makes the right one.
  package enum Mistake: Sendable, Equatable {
    case state
    case interfaceStream
    case savedPlanFile
    case neither
  }

  case tooLarge(what: String, size: Int, limit: Int)
  case json(JSONError)
  case wrongDocument(Mistake)
  /// `format_version` is absent or of another major.
  case version(String?)
  /// A member has the wrong kind: its place, and what was expected.
  case malformed(place: String, expected: String)
  case archive(ArchiveError)

  package var description: String {
    switch self {
    case .tooLarge(let what, let size, let limit):
      "\(what) has \(size) bytes, more than the limit of \(limit): raise the limit if the plan is really that large"
    case .json(let error):
      "the plan is not acceptable JSON: \(error); make it again with `terraform show -json FILE` and do not edit it"
    case .wrongDocument(.state):
      "this is a Terraform state, not a plan: it says what exists and not what will change; run `terraform show -json PLANFILE` on a saved plan"
    case .wrongDocument(.interfaceStream):
      "this is the log of `terraform plan -json`, not a plan: save the plan with `-out=FILE` and run `terraform show -json FILE`"
    case .wrongDocument(.savedPlanFile):
      "this is a saved plan file, which holds the source but no readable changes: give the output of `terraform show -json FILE` as well"
    case .wrongDocument(.neither):
      "this is not a Terraform plan: it has no `format_version` with `resource_changes`, `planned_values` or `configuration`; run `terraform show -json PLANFILE`"
    case .version(nil): "the plan does not say its format_version; this reader knows 1.x"
    case .version(let version?): "the plan has format_version \(PlanError.excerpt(version)); this reader knows 1.x"
    case .malformed(let place, let expected): "\(place) of the plan is not \(expected): the file was cut, edited or made by something else"
    case .archive(let error): error.description
    }
  }

  /// Names from outside, short and printable, for messages.
  static func excerpt(_ text: String) -> String {
    let clean = String(String.UnicodeScalarView(text.unicodeScalars.prefix(80).map { $0.value < 0x20 || $0.value == 0x7F ? "?" : $0 }))
    return "\"\(clean)\""
  }
}

/// What reading a plan may cost.
package struct PlanLimits: Sendable, Hashable {
  /// Bytes of the JSON text.
  package var maxBytes: Int
  /// Nesting of the JSON text.
  package var maxDepth: Int
  /// JSON values in the text.
  package var maxElements: Int
  /// Entries of `resource_changes`, `resource_drift` and `deferred_changes` together.
  package var maxResources: Int

  package init(maxBytes: Int = 512 << 20, maxDepth: Int = 160, maxElements: Int = 30_000_000, maxResources: Int = 250_000) {
    self.maxBytes = maxBytes
    self.maxDepth = maxDepth
    self.maxElements = maxElements
    self.maxResources = maxResources
  }

  package static let standard = PlanLimits()
}
