package import Encodings

/// Why a template, its parameters, a what-if answer or a preview cannot be used. It never carries a value of the file.
package enum TemplateError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Which of the inputs.
  package enum Input: String, Sendable, Equatable {
    case template = "the template"
    case parameters = "the parameters file"
    case whatIf = "the what-if answer"
    case preview = "the preview"
    case input = "the input"
  }

  /// What the bytes are instead.
  package enum Document: String, Sendable, Equatable {
    case template = "an ARM template"
    case parameters = "a deployment parameters file"
    case whatIf = "a what-if answer"
    case pulumiPreview = "a Pulumi preview"
    case pulumiState = "a Pulumi stack export"
    case terraformPlan = "a Terraform plan"
    case terraformState = "a Terraform state"
    case terraformStream = "the log of `terraform plan -json`"
    case pulumiStream = "a Pulumi event log"
    case archive = "a saved Terraform plan file"
    case bicep = "Bicep source"
    case other = "something else"
  }

  case json(Input, JSONError)
  case wrongDocument(Input, found: Document)
  /// A member has the wrong kind: its place, and what was expected.
  case malformed(Input, place: String, expected: String)
  /// More of something than is read: deployments within deployments, copies, values.
  case tooMuch(Input, what: String, limit: Int)

  package var description: String {
    switch self {
    case .json(let input, let error): "\(input.rawValue) is not acceptable JSON: \(error); give the file as the tool wrote it"
    case .wrongDocument(let input, let found): "\(input.rawValue) is \(found.rawValue): \(Self.advice(input, found))"
    case .malformed(let input, let place, let expected):
      "\(place) of \(input.rawValue) is not \(expected): the file was cut, edited or made by something else"
    case .tooMuch(let input, let what, let limit): "\(input.rawValue) has more than \(limit) \(what): split it, or raise the limit if it is really that large"
    }
  }

  private static func advice(_ input: Input, _ found: Document) -> String {
    switch found {
    case .parameters: "it holds values for a template and no resources; give the template, and this file as its parameters"
    case .terraformState: "it says what exists and not what will change; run `terraform show -json PLANFILE` on a saved plan"
    case .terraformStream: "save the plan with `-out=FILE` and run `terraform show -json FILE`"
    case .pulumiState: "it says what exists and not what will change; run `pulumi preview --json`"
    case .pulumiStream: "run `pulumi preview --json` without `--event-log` and streaming, and give what it prints"
    case .bicep: "compile it first with `az bicep build`"
    case .archive: "give the output of `terraform show -json FILE` as well"
    case .other:
      "known are Terraform plan JSON, saved Terraform plans, ARM templates, what-if answers with `changes`, and `pulumi preview --json`"
    case .template, .whatIf, .pulumiPreview, .terraformPlan:
      input == .parameters ? "give a file with `parameters.NAME.value` or `.reference`" : "give it as what it is"
    }
  }
}
