internal import Encodings
internal import SigstoreFormats

/// A Kyverno ClusterPolicy with image verification rules. Every list of attestors must be satisfied; `count` says how many of one.
struct KyvernoExport {
  let policy: TrustPolicy
  let now: Int64

  func write(_ export: inout TrustExport) {
    var objects: [JSONValue] = []
    for (i, rule) in policy.effectiveRules.enumerated() where !rule.repositories.isEmpty {
      guard let verifications = verifications(rule, &export) else { continue }
      objects.append([
        "apiVersion": "kyverno.io/v1", "kind": "ClusterPolicy", "metadata": ["name": .string(rule.objectName(i))],
        "spec": [
          "validationFailureAction": rule.level == .enforce ? "Enforce" : "Audit", "background": false, "failurePolicy": "Fail",
          "webhookTimeoutSeconds": 30,
          "rules": [
            [
              "name": "signatures", "match": ["any": [["resources": ["kinds": ["Pod"]]]]],
              "verifyImages": .array(verifications),
            ]
          ],
        ],
      ])
      if rule.level == .warn { export.note(.attention, "rule \"\(rule.name)\" is at level warn: exported as Audit, which only reports") }
    }
    let text = "# \(TrustExport.banner)\n" + objects.map(YAMLText.document).joined(separator: "---\n")
    export.files.append(.init(path: "cluster-policies.yaml", text: text))
    if !policy.effectiveRules.contains(where: { $0.repositories.contains(.everything) }) {
      export.note(.weaker, "images that no rule covers are let through there and refused here: add a policy that denies them")
    }
    export.note(.stricter, "every matching policy must hold there; here the narrowest rule alone does")
    export.note(.stricter, "signatures are read in cosign's older format only")
    if policy.effectiveRules.contains(where: \.blobs) { export.note(.missing, "rules for blobs: only images are exported") }
  }

  private func verifications(_ rule: TrustPolicy.Rule, _ export: inout TrustExport) -> [JSONValue]? {
    let references = JSONValue.array(rule.repositories.flatMap(patterns).map { .string($0) })
    func entry(_ members: JSONObject) -> JSONValue {
      var object: JSONObject = ["imageReferences": references, "type": "Cosign", "required": true, "mutateDigest": true, "verifyDigest": true]
      for member in members.members { object[member.name] = member.value }
      return .object(object)
    }
    func refused(_ why: String) -> [JSONValue]? {
      export.note(.weaker, "rule \"\(rule.name)\": \(why); it is left out, and Kyverno lets through what no policy covers: deny its images otherwise")
      return nil
    }
    guard rule.promotion == nil else { return refused("it demands a promotion, which is not known there") }
    guard let signed = attestors(rule.requirement, rule.channel) else { return refused("\(rule.requirement.text) cannot be said with keys alone") }
    var result = [entry(["attestors": .array(signed)])]
    var attestations: [JSONValue] = []
    for demand in rule.attestations {
      guard let signers = attestors(demand.signers ?? rule.requirement, demand.channel ?? rule.channel) else {
        return refused("the attestation \(demand.predicateType) is demanded of signers who are no keys")
      }
      attestations.append(["type": .string(demand.predicateType), "attestors": .array(signers)])
    }
    if !attestations.isEmpty { result.append(entry(["attestations": .array(attestations)])) }
    return result
  }

  private func attestors(_ requirement: TrustPolicy.Requirement, _ channel: TrustPolicy.Channel) -> [JSONValue]? {
    let reader = ExportClauses(policy: policy, channel: channel, now: now) { $0.key.map { $0.key?.kind != .ec(.p256K) } ?? false }
    return reader.clauses(of: requirement)?.map { clause in
      let entries = clause.compactMap(\.key).map { key in
        keyEntry(key.key?.pem ?? "", key.key.map { SignatureScheme.preferred(for: $0.kind).hash.rawValue } ?? "sha256")
      }
      return ["count": 1, "entries": .array(entries)]
    }
  }

  private func keyEntry(_ pem: String, _ hash: String) -> JSONValue {
    ["keys": ["publicKeys": .string(pem), "signatureAlgorithm": .string(hash), "rekor": ["ignoreTlog": true], "ctlog": ["ignoreSCT": true]]]
  }

  private func patterns(_ pattern: RepositoryPattern) -> [String] {
    switch pattern.form {
    case .exact(let text): ["\(text):*", "\(text)@*"]
    case .prefix(let text): ["\(text)*"]
    case .everything: ["*"]
    }
  }
}
