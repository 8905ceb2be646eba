internal import Encodings
internal import SigstoreFormats

/// ClusterImagePolicy objects of sigstore's policy-controller. All that match an image must hold; within one, any authority does.
struct PolicyControllerExport {
  let policy: TrustPolicy
  let now: Int64

  func write(_ export: inout TrustExport) {
    var objects: [JSONValue] = []
    for (i, rule) in policy.effectiveRules.enumerated() where !rule.repositories.isEmpty {
      for (suffix, authorities) in demands(rule, &export) {
        objects.append([
          "apiVersion": "policy.sigstore.dev/v1beta1", "kind": "ClusterImagePolicy",
          "metadata": ["name": .string("\(rule.objectName(i))-\(suffix)")],
          "spec": [
            "mode": rule.level == .enforce ? "enforce" : "warn",
            "images": .array(rule.repositories.flatMap(globs).map { ["glob": .string($0)] }),
            "authorities": .array(authorities),
          ],
        ])
      }
      if rule.level == .audit { export.note(.stricter, "rule \"\(rule.name)\" is at level audit: exported as warn") }
    }
    let text = "# \(TrustExport.banner)\n" + objects.map(YAMLText.document).joined(separator: "---\n")
    export.files.append(.init(path: "cluster-image-policies.yaml", text: text))
    export.note(.attention, "namespaces opt in by a label, and no-match-policy must be deny: what no rule covers is refused here")
    export.note(.attention, "a glob cannot hold @: images by digest are matched by their repository's name as a beginning, so that others whose names begin alike must satisfy the rule too")
    export.note(.stricter, "every matching policy must hold there; here the narrowest rule alone does")
    if policy.effectiveRules.contains(where: \.blobs) { export.note(.missing, "rules for blobs: only images are exported") }
  }

  /// One list of authorities for each thing that must hold. What cannot be expressed becomes an authority that always fails.
  private func demands(_ rule: TrustPolicy.Rule, _ export: inout TrustExport) -> [(suffix: String, authorities: [JSONValue])] {
    func refused(_ why: String) -> [(String, [JSONValue])] {
      export.note(.missing, "rule \"\(rule.name)\": \(why); its images are refused")
      return [("refuses", [["name": "refuses", "static": ["action": "fail"]]])]
    }
    guard rule.promotion == nil else { return refused("it demands a promotion, which is not known there") }
    guard let signed = clauses(rule.requirement, rule.channel) else { return refused("\(rule.requirement.text) cannot be said with keys alone") }
    var result = signed.enumerated().map { i, clause in ("signed-\(i)", clause.compactMap(\.key).map { authority($0, attestation: nil) }) }
    for (i, demand) in rule.attestations.enumerated() {
      guard let clauses = clauses(demand.signers ?? rule.requirement, demand.channel ?? rule.channel) else {
        return refused("the attestation \(demand.predicateType) is demanded of signers who are no keys")
      }
      for (j, clause) in clauses.enumerated() {
        result.append(("attested-\(i)-\(j)", clause.compactMap(\.key).map { authority($0, attestation: demand.predicateType) }))
      }
    }
    return result
  }

  private func clauses(_ requirement: TrustPolicy.Requirement, _ channel: TrustPolicy.Channel) -> [ExportClauses.Clause]? {
    ExportClauses(policy: policy, channel: channel, now: now) { $0.key.map { $0.key?.kind != .ec(.p256K) } ?? false }.clauses(of: requirement)
  }

  private func authority(_ key: TrustPolicy.Key, attestation: String?) -> JSONValue {
    let hash = key.key.map { SignatureScheme.preferred(for: $0.kind).hash.rawValue } ?? "sha256"
    var object: JSONObject = [
      "name": .string(key.fileName.lowercased()), "key": ["data": .string(key.key?.pem ?? ""), "hashAlgorithm": .string(hash)],
    ]
    if let attestation { object["attestations"] = [["name": "demanded", "predicateType": .string(attestation)]] }
    return .object(object)
  }

  private func globs(_ pattern: RepositoryPattern) -> [String] {
    switch pattern.form {
    case .exact(let text): ["\(text):*", "\(text)*sha256:*"]
    case .prefix(let text): ["\(text)**"]
    case .everything: ["**"]
    }
  }
}
