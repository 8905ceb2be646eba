internal import Encodings

/// policy.json of containers/image (skopeo, podman, cri-o): containers-policy.json(5), requirement type `sigstoreSigned`.
struct SkopeoExport {
  let policy: TrustPolicy
  let now: Int64

  func write(_ export: inout TrustExport) {
    var scopes: JSONObject = [:]
    var attachments: JSONObject = [:]
    var used: Set<TrustPolicy.Key> = []
    for rule in policy.effectiveRules where !rule.repositories.isEmpty {
      let requirements = requirements(rule, &export, &used)
      for pattern in rule.repositories {
        let scope = scope(pattern, &export)
        scopes[scope] = .array(requirements ?? [["type": "reject"]])
        if requirements != nil, !scope.isEmpty { attachments[scope] = ["use-sigstore-attachments": true] }
      }
    }
    let document: JSONValue = ["default": [["type": "reject"]], "transports": ["docker": .object(scopes)]]
    export.files.append(.init(path: "policy.json", text: String(decoding: document.serialized(), as: UTF8.self) + "\n"))
    var registries: JSONObject = [:]
    if scopes[""] != nil { registries["default-docker"] = ["use-sigstore-attachments": true] }
    if !attachments.isEmpty { registries["docker"] = .object(attachments) }
    if !registries.isEmpty { export.files.append(.init(path: "registries.d/hallmark.yaml", text: YAMLText.document(.object(registries)))) }
    for key in used.sorted(by: { $0.fileName < $1.fileName }) {
      export.files.append(.init(path: "keys/\(key.fileName).pub", text: key.key?.pem ?? ""))
    }
    export.note(.attention, "the keys are named by the folder /etc/containers/keys: put them there, or change keyPaths")
    export.note(.stricter, "only cosign's older format is read (sign with --format legacy), and it must name the repository")
    if policy.effectiveRules.contains(where: \.blobs) { export.note(.missing, "rules for blobs: only images are exported") }
  }

  private func requirements(_ rule: TrustPolicy.Rule, _ export: inout TrustExport, _ used: inout Set<TrustPolicy.Key>) -> [JSONValue]? {
    func missing(_ why: String) -> [JSONValue]? {
      export.note(.missing, "rule \"\(rule.name)\": \(why); its images are rejected")
      return nil
    }
    guard rule.attestations.isEmpty else { return missing("it demands attestations, which are not checked there") }
    guard rule.promotion == nil else { return missing("it demands a promotion, which is not known there") }
    let reader = ExportClauses(policy: policy, channel: rule.channel, now: now) { $0.key != nil }
    guard let clauses = reader.clauses(of: rule.requirement) else { return missing("\(rule.requirement.text) cannot be said with keys alone") }
    if rule.level != .enforce { export.note(.stricter, "rule \"\(rule.name)\" is at level \(rule.level.rawValue) here, and enforced there") }
    used.formUnion(clauses.flatMap { $0 }.compactMap(\.key))
    return clauses.map { clause in
      let paths = clause.compactMap(\.key).map { "/etc/containers/keys/\($0.fileName).pub" }
      var object: JSONObject = ["type": "sigstoreSigned"]
      if paths.count == 1 {
        object["keyPath"] = .string(paths[0])
      } else {
        object["keyPaths"] = .array(paths.map { .string($0) })
      }
      object["signedIdentity"] = ["type": "matchRepository"]
      return .object(object)
    }
  }

  private func scope(_ pattern: RepositoryPattern, _ export: inout TrustExport) -> String {
    switch pattern.form {
    case .exact(let text): return text
    case .everything: return ""
    case .prefix(let text):
      let scope = String(text.dropLast())
      if scope.contains("/") {
        export.note(.weaker, "the pattern \(pattern.text): there it covers a repository named \(scope) as well, if one exists")
      }
      return scope
    }
  }
}
