/// Plans: what infrastructure tools say they will do, as one model of resource changes.
///
/// Read: Terraform plan JSON and saved plan files (with their HCL), ARM templates and compiled Bicep, what-if answers, Pulumi previews. The model keeps the
/// dialect's own type and attribute names; what they mean for keys and rights is for `Gates`.
///
/// Must never know: rules, the estate, files, sockets.
/// Allowed imports: Encodings, CZlib.
package import Encodings

/// Which vocabulary of types and attributes a resource speaks.
package enum Dialect: String, Sendable, Hashable, CaseIterable {
  /// `azurerm_…`, `azuread_…`, `azapi_…`: snake case, provider's names.
  case terraform
  /// `Microsoft.KeyVault/vaults`: the whole resource with `properties`; also what-if.
  case arm
  /// `azure-native:…`: ARM's names.
  case pulumiNative
  /// `azure:…`: camel case of azurerm's names.
  case pulumiClassic
}

/// A value as the tool knows it before it acts. Unknown is not null and not empty.
package enum PlanValue: Sendable, Hashable {
  case null
  case bool(Bool)
  case number(JSONNumber)
  case string(String)
  case list([PlanValue])
  case object([String: PlanValue])
  case unknown(UnknownValue)
}

/// A value that only the apply will know.
package struct UnknownValue: Sendable, Hashable {
  /// Where it comes from, resolved through variables, locals, outputs and `each` as far as that goes; full addresses with attribute, most specific first:
  /// `module.ci.azurerm_user_assigned_identity.build.principal_id`. Empty: computed, or not to be resolved.
  package var references: [String]
  /// What is missing, as a noun phrase for people: "local.release_principal: locals are not in the plan JSON".
  package var missing: String?

  package init(references: [String] = [], missing: String? = nil) {
    self.references = references
    self.missing = missing
  }
}

/// What happens to one resource.
package enum ChangeAction: String, Sendable, Hashable, CaseIterable {
  case noOp, create, update, delete
  /// Delete and create, in either order.
  case replace
  case read
  /// Left unmanaged, not destroyed.
  case forget
  /// The tool cannot say (what-if `Unsupported`, `Ignore`).
  case unsupported
}

package struct SourceLocation: Sendable, Hashable {
  package var file: String
  /// From 1.
  package var line: Int

  package init(file: String, line: Int) {
    self.file = file
    self.line = line
  }
}

/// Text that runs when the change is applied: provisioners, deployment scripts, resource actions.
package struct PlanScript: Sendable, Hashable {
  package var origin: String
  /// Nil when the text is not known.
  package var text: String?
  package var location: SourceLocation?

  package init(origin: String, text: String?, location: SourceLocation? = nil) {
    self.origin = origin
    self.text = text
    self.location = location
  }
}

/// One resource, before and after.
package struct ResourceChange: Sendable, Hashable {
  package var dialect: Dialect
  /// Unique in the change set: Terraform address, ARM resource id or path in the template, Pulumi URN.
  package var address: String
  package var previousAddress: String?
  /// As the tool writes it; ARM types without api-version.
  package var type: String
  package var apiVersion: String?
  /// Provider as the tool writes it; nil for ARM.
  package var provider: String?
  /// Terraform's `mode: data`.
  package var isData: Bool
  package var action: ChangeAction
  /// Nil when it does not exist (before a create, after a delete), or is not known (templates have no before).
  package var before: PlanValue?
  package var after: PlanValue?
  /// Whether `before` is known to be what `before` says; false for a template, which has only a wish.
  package var knowsBefore: Bool
  /// Terraform's reason for a replace: paths in dots.
  package var replacePaths: [String]
  package var isImport: Bool
  /// Terraform: seen to have changed outside (`resource_drift`), not part of what will be done.
  package var isDrift: Bool
  package var isDeferred: Bool
  /// Terraform: key of an object left over by an interrupted replacement; the address alone is then not unique.
  package var deposed: String?
  /// Terraform's hint why (`replace_because_tainted`, `delete_because_no_resource_config`); for people, not for decisions.
  package var actionReason: String?
  /// Where values come from, known ones too: path of the attribute in dots (`principal_id`, `permission.0.data_actions`) → addresses with attribute,
  /// most specific first, resolved like `UnknownValue.references`. Only from configuration; empty for dialects that do not say.
  package var references: [String: [String]]
  /// Which `ProviderSetting.key` this resource uses, when the tool says.
  package var providerKey: String?
  /// The object may exist already and would be overwritten or recovered (conditions, provider settings).
  package var condition: PlanValue?
  package var sensitivePaths: Set<String>
  package var location: SourceLocation?
  package var ignoreChanges: [String]
  package var preventDestroy: Bool?
  package var scripts: [PlanScript]

  package init(dialect: Dialect, address: String, type: String, action: ChangeAction, before: PlanValue?, after: PlanValue?) {
    self.dialect = dialect
    self.address = address
    self.type = type
    self.action = action
    self.before = before
    self.after = after
    isData = false
    knowsBefore = true
    replacePaths = []
    isImport = false
    isDrift = false
    isDeferred = false
    references = [:]
    sensitivePaths = []
    ignoreChanges = []
    scripts = []
  }
}

/// A configured provider: its `features` change what a plan means.
package struct ProviderSetting: Sendable, Hashable {
  /// `azurerm`, `azurerm.second`, `module.x:azurerm`.
  package var key: String
  package var name: String
  package var features: PlanValue
  package var tenant: PlanValue?
  package var subscription: PlanValue?

  package init(key: String, name: String, features: PlanValue, tenant: PlanValue? = nil, subscription: PlanValue? = nil) {
    self.key = key
    self.name = name
    self.features = features
    self.tenant = tenant
    self.subscription = subscription
  }
}

/// Something the reader could not see; the gate's third answer.
package struct MissingFact: Sendable, Hashable {
  package var address: String
  /// What is missing and how to supply it.
  package var missing: String

  package init(address: String, missing: String) {
    self.address = address
    self.missing = missing
  }
}

package enum PlanFormat: String, Sendable, Hashable, CaseIterable {
  case terraformPlanJSON = "terraform-plan-json"
  case terraformPlanFile = "terraform-plan-file"
  case armTemplate = "arm-template"
  case whatIf = "what-if"
  case pulumiPreview = "pulumi-preview"
}

/// All that one run of a tool will do.
package struct ChangeSet: Sendable, Hashable {
  package var format: PlanFormat
  package var resources: [ResourceChange]
  package var providers: [ProviderSetting]
  /// Complete deployments delete what the template does not name: ids of the resource groups this holds for.
  package var completeModeScopes: [String]
  /// Not everything is in here: `-target`, deferred changes, potential changes; one sentence each.
  package var incomplete: [String]
  /// The tool itself failed; a verdict on it would be a verdict on nothing.
  package var errored: String?
  package var missing: [MissingFact]
  /// Names (variables, locals, modules) whose scripts and side effects matter though no resource change shows them.
  package var scripts: [PlanScript]

  package init(format: PlanFormat) {
    self.format = format
    resources = []
    providers = []
    completeModeScopes = []
    incomplete = []
    missing = []
    scripts = []
  }
}

extension PlanValue {
  package var string: String? { if case .string(let value) = self { value } else { nil } }
  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  package var int: Int? { if case .number(let value) = self { value.int64.flatMap { Int(exactly: $0) } } else { nil } }
  package var list: [PlanValue]? { if case .list(let value) = self { value } else { nil } }
  package var object: [String: PlanValue]? { if case .object(let value) = self { value } else { nil } }
  package var unknown: UnknownValue? { if case .unknown(let value) = self { value } else { nil } }
  package var isNull: Bool { self == .null }
  package subscript(name: String) -> PlanValue? { object?[name] }
}
