internal import Encodings
internal import NotaryFormats

/// Objects of Ratify: certificates and keys as inline providers, a notation and a cosign verifier, and the policy that joins them.
struct RatifyExport {
  let policy: TrustPolicy
  let now: Int64

  private static let version = "config.ratify.deislabs.io/v1beta1"
  private static let notaryType = "application/vnd.cncf.notary.signature"
  private static let cosignType = "application/vnd.dev.cosign.artifact.sig.v1+json"

  func write(_ export: inout TrustExport) {
    var objects: [JSONValue] = []
    var types: JSONObject = [:]
    let usesRoots = policy.effectiveRules.contains { $0.requirement.usesRoots }
    let notation = NotationExport(policy: policy, now: now)
    if usesRoots {
      if let document = notation.document(&export) {
        objects += notationObjects(document, notation)
        types[Self.notaryType] = "any"
      }
    }
    let hasKeyRules = policy.effectiveRules.contains { !$0.requirement.usesRoots && !$0.repositories.isEmpty }
    if hasKeyRules {
      objects += cosignObjects(&export)
      types[Self.cosignType] = "any"
    }
    types["default"] = "all"
    objects.append([
      "apiVersion": .string(Self.version), "kind": "Policy", "metadata": ["name": "ratify-policy"],
      "spec": ["type": "config-policy", "parameters": ["artifactVerificationPolicies": .object(types)]],
    ])
    let text = "# \(TrustExport.banner)\n" + objects.map(YAMLText.document).joined(separator: "---\n")
    export.files.append(.init(path: "ratify.yaml", text: text))
    export.note(.attention, "Ratify's own default demands that all signatures of a type hold; the policy here says any, as a second HSM's signature must not become a demand")
    if usesRoots, hasKeyRules { export.note(.attention, "images under rules for keys and under rules for certificates are told apart by the scopes of each verifier") }
  }

  private func notationObjects(_ document: NotationTrustPolicy, _ notation: NotationExport) -> [JSONValue] {
    let used = Set(document.statements.flatMap(\.trustStores))
    var objects: [JSONValue] = []
    var kinds: JSONObject = [:]
    for root in policy.roots where used.contains(notation.store(root)) {
      let name = "hallmark-root-\(objects.count)"
      let pem = notation.certificates(root).map { PEM.encode($0, label: "CERTIFICATE") }.joined()
      objects.append(provider(name, contentType: "certificate", value: pem))
      var stores = kinds[root.kind.rawValue]?.object ?? [:]
      stores[notation.store(root).name] = [.string(name)]
      kinds[root.kind.rawValue] = .object(stores)
    }
    let text = document.serialized()
    objects.append(
      verifier("notation", type: Self.notaryType, parameters: [
        "verificationCertStores": .object(kinds), "trustPolicyDoc": (try? JSONValue.parse(text)) ?? .null,
      ]))
    return objects
  }

  private func cosignObjects(_ export: inout TrustExport) -> [JSONValue] {
    var providers: [TrustPolicy.Key: String] = [:]
    var objects: [JSONValue] = []
    var policies: [JSONValue] = []
    for rule in policy.effectiveRules where !rule.requirement.usesRoots && !rule.repositories.isEmpty {
      var scopes: [JSONValue] = []
      for pattern in rule.repositories {
        if case .prefix(let text) = pattern.form { scopes.append(.string("\(text)*")) } else { scopes.append(.string(pattern.text)) }
      }
      guard let keys = keys(rule, &export) else { continue }
      var names: [JSONValue] = []
      for key in keys {
        let name = providers[key] ?? "hallmark-key-\(providers.count)"
        if providers.updateValue(name, forKey: key) == nil { objects.append(provider(name, contentType: "key", value: key.key?.pem ?? "")) }
        names.append(["provider": .string(name)])
      }
      if rule.level != .enforce { export.note(.stricter, "rule \"\(rule.name)\" is at level \(rule.level.rawValue) here, and enforced there") }
      policies.append([
        "name": .string(TrustPolicy.Key.plain(rule.name)), "version": "1.0.0", "scopes": .array(scopes), "keys": .array(names),
        "tLogVerify": false,
      ])
    }
    export.note(.stricter, "signatures by key are read in cosign's older format only")
    if !policies.isEmpty { objects.append(verifier("cosign", type: Self.cosignType, parameters: ["trustPolicies": .array(policies)])) }
    return objects
  }

  private func keys(_ rule: TrustPolicy.Rule, _ export: inout TrustExport) -> [TrustPolicy.Key]? {
    func missing(_ why: String) -> [TrustPolicy.Key]? {
      export.note(.missing, "rule \"\(rule.name)\": \(why); Ratify refuses its images, because no trust policy covers them")
      return nil
    }
    guard rule.attestations.isEmpty, rule.promotion == nil else { return missing("it demands attestations or a promotion, which its verifiers do not check") }
    let reader = ExportClauses(policy: policy, channel: rule.channel, now: now) { $0.key.map { $0.key?.kind != .ec(.p256K) } ?? false }
    guard let clauses = reader.clauses(of: rule.requirement), clauses.count == 1 else {
      return missing("\(rule.requirement.text): its cosign verifier accepts any one key")
    }
    return clauses[0].compactMap(\.key)
  }

  private func provider(_ name: String, contentType: String, value: String) -> JSONValue {
    [
      "apiVersion": .string(Self.version), "kind": "KeyManagementProvider", "metadata": ["name": .string(name)],
      "spec": ["type": "inline", "parameters": ["contentType": .string(contentType), "value": .string(value)]],
    ]
  }

  private func verifier(_ name: String, type: String, parameters: JSONObject) -> JSONValue {
    [
      "apiVersion": .string(Self.version), "kind": "Verifier", "metadata": ["name": .string("verifier-\(name)")],
      "spec": ["name": .string(name), "artifactTypes": .string(type), "parameters": .object(parameters)],
    ]
  }
}
