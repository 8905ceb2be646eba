internal import Encodings

extension TrustPolicy {
  static func rule(_ value: JSONValue, path: String) throws(TrustError) -> Rule {
    let reader = try PolicyReader(
      value, path: path,
      allowed: [
        "name", "scope", "level", "require", "channel", "predicateTypes", "attestations", "identities", "promotion", "repositoryIdentity",
      ])
    guard let scopeValue = reader.object["scope"] else { throw reader.fail("scope", "repositories, blobs or both expected") }
    let scope = try PolicyReader(scopeValue, path: reader.at("scope"), allowed: ["repositories", "blobs"])
    var repositories: [RepositoryPattern] = []
    for (i, text) in try scope.texts("repositories", max: maxPatterns).enumerated() {
      guard let pattern = RepositoryPattern(text) else {
        throw scope.fail("repositories[\(i)]", "host/repository, host/path/* or * expected, without tag and digest")
      }
      repositories.append(pattern)
    }
    guard let wanted = reader.object["require"] else { throw reader.fail("require", "who must have signed is missing") }
    var nodes = 0
    var rule = Rule(
      name: try reader.text("name"), repositories: repositories, blobs: try scope.flag("blobs") ?? false,
      requirement: try requirement(wanted, path: reader.at("require"), depth: 1, &nodes))
    guard rule.blobs || !repositories.isEmpty else { throw reader.fail("scope", "it is empty: the rule would match nothing") }
    rule.level = try reader.word("level", Level.self) ?? .enforce
    rule.channel = try reader.word("channel", Channel.self) ?? .release
    let types = try reader.texts("predicateTypes", max: 64)
    if !types.isEmpty { rule.predicateTypes = types }
    for (i, entry) in try reader.list("attestations", max: 64).enumerated() {
      rule.attestations.append(try attestation(entry, path: reader.at("attestations[\(i)]"), &nodes))
    }
    rule.identities = try identities(reader) ?? []
    rule.promotion = try promotion(reader, &nodes)
    rule.repositoryIdentity = try reader.word("repositoryIdentity", RepositoryIdentity.self) ?? .report
    return rule
  }

  private static func attestation(_ value: JSONValue, path: String, _ nodes: inout Int) throws(TrustError) -> AttestationRequirement {
    let reader = try PolicyReader(value, path: path, allowed: ["predicateType", "signedBy", "channel"])
    var result = AttestationRequirement(
      predicateType: try reader.text("predicateType"), channel: try reader.word("channel", Channel.self))
    if let signers = reader.object["signedBy"] { result.signers = try requirement(signers, path: reader.at("signedBy"), depth: 1, &nodes) }
    return result
  }

  private static func promotion(_ rule: PolicyReader, _ nodes: inout Int) throws(TrustError) -> PromotionDemand? {
    guard let value = rule.object["promotion"] else { return nil }
    let reader = try PolicyReader(value, path: rule.at("promotion"), allowed: ["require", "predicateType", "signedBy"])
    guard try reader.text("require") == "devAttestation" else { throw reader.fail("require", "devAttestation expected") }
    guard let signers = reader.object["signedBy"] else { throw reader.fail("signedBy", "who signs dev attestations is missing") }
    return PromotionDemand(
      predicateType: try reader.optionalText("predicateType"),
      signers: try requirement(signers, path: reader.at("signedBy"), depth: 1, &nodes))
  }

  private static func requirement(_ value: JSONValue, path: String, depth: Int, _ nodes: inout Int) throws(TrustError) -> Requirement {
    nodes += 1
    guard depth <= Requirement.maxDepth else { throw .badPolicy(path: path, why: "nested deeper than \(Requirement.maxDepth)") }
    guard nodes <= Requirement.maxNodes else { throw .badPolicy(path: path, why: "more than \(Requirement.maxNodes) parts in one rule") }
    let reader = try PolicyReader(value, path: path, allowed: ["key", "keySet", "root", "any", "all", "atLeast"])
    guard reader.object.count == 1, let member = reader.object.members.first else {
      throw .badPolicy(path: path, why: "exactly one of key, keySet, root, any, all, atLeast expected")
    }
    switch member.name {
    case "key": return .key(try reader.text("key"))
    case "keySet": return .keySet(try reader.text("keySet"))
    case "root": return .root(try reader.text("root"))
    case "any": return .any(try requirements(reader, "any", depth: depth, &nodes))
    case "all": return .all(try requirements(reader, "all", depth: depth, &nodes))
    default:
      let inner = try PolicyReader(member.value, path: reader.at("atLeast"), allowed: ["count", "of"])
      let count = try inner.count("count")
      guard count > 0 else { throw inner.fail("count", "at least 0 signatures is everything: 1 or more expected") }
      return .atLeast(count, try requirements(inner, "of", depth: depth, &nodes))
    }
  }

  private static func requirements(_ reader: PolicyReader, _ name: String, depth: Int, _ nodes: inout Int) throws(TrustError) -> [Requirement] {
    var result: [Requirement] = []
    for (i, entry) in try reader.list(name, max: Requirement.maxNodes).enumerated() {
      let one = try requirement(entry, path: reader.at("\(name)[\(i)]"), depth: depth + 1, &nodes)
      guard !result.contains(one) else { throw reader.fail("\(name)[\(i)]", "the same stands here twice") }
      result.append(one)
    }
    guard !result.isEmpty else { throw reader.fail(name, "it is empty: at least one part expected") }
    return result
  }
}
