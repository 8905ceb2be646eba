import ArgumentParser
import Encodings
import Estate

struct InventoryShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Everything known of a store, key, identity, group, grant, role or artifact.",
    discussion: "For a key also who can use it, for an identity or group also what it can do, each with the path. Exit code 1: nothing of that name was seen; 3: nor could everything be seen.")

  @Argument(help: "An id or name: nw-hsm, nw-hsm/fw-sign, an object id, a client id, a digest.") var id: String
  @Option(help: "Intent register: adds the purpose of identities.") var intent: String?
  @OptionGroup var source: InventorySource
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await Console.run("cannot show \(id)") {
      let snapshot = try source.snapshot().canonical
      let register = try intent.map { try EstateDocuments.register($0) } ?? IntentRegister()
      let found = InventorySubject(snapshot, register).about(id)
      guard !found.isEmpty else {
        let gaps = snapshot.gaps
        for gap in gaps { Console.note("not seen: \(Console.plain(gap))") }
        throw CommandFailure(
          "cannot show \(id)", why: gaps.isEmpty ? "the inventory holds nothing of that name" : "nothing of that name was seen, and not everything could be seen",
          next: "hallmark inventory list", code: gaps.isEmpty ? Exit.no : Exit.undecided)
      }
      Console.print(output.format == .json ? ["found": .array(found)] : found.count == 1 ? found[0] : .array(found))
    }
  }
}

/// Facts about one subject, as JSON.
struct InventorySubject {
  private let rights: EstateRights
  private let register: IntentRegister
  private var snapshot: InventorySnapshot { rights.snapshot }

  init(_ snapshot: InventorySnapshot, _ register: IntentRegister) {
    rights = EstateRights(snapshot)
    self.register = register
  }

  func about(_ text: String) -> [JSONValue] {
    let wanted = text.lowercased()
    func same(_ other: String?) -> Bool { other?.lowercased() == wanted }
    var found: [JSONValue] = []
    for store in snapshot.stores where same(store.id) || same(store.armId) || same(store.uri) { found.append(fact("store", store.json)) }
    found += keys { same("\($0.store)/\($0.name)") || same($0.name) || same("\($0.store)/\($0.name)/\($0.version ?? "")") || same($0.kid) }
    for identity in snapshot.identities where same(identity.objectId) || same(identity.clientId) || same(identity.name) || same(identity.armId) {
      found.append(self.identity(identity))
    }
    for group in snapshot.groups where same(group.objectId) || same(group.name) {
      found.append(fact("group", group.json, ["rights": allRights(of: group.objectId)]))
    }
    for role in snapshot.roles where same(role.id) || same(role.name) { found.append(fact("role", role.json)) }
    for grant in snapshot.grants where same(grant.id) { found.append(fact("grant", grant.json)) }
    for artifact in snapshot.artifacts where same(artifact.digest) || artifact.names.contains(where: { same($0) }) { found.append(fact("artifact", artifact.json)) }
    return found
  }

  private func keys(_ wanted: (InventorySnapshot.Key) -> Bool) -> [JSONValue] {
    var groups: [(store: String, name: String, versions: [JSONValue])] = []
    for key in snapshot.keys where wanted(key) {
      if let last = groups.indices.last, groups[last].store == key.store, groups[last].name == key.name {
        groups[last].versions.append(key.json)
      } else {
        groups.append((key.store, key.name, [key.json]))
      }
    }
    return groups.map { group in
      let holders = rights.principals.flatMap { rights.rights(of: $0, store: group.store, key: group.name) }.filter { !$0.capabilities.isEmpty }
      return [
        "kind": "key", "store": .string(group.store), "name": .string(group.name), "versions": .array(group.versions),
        "holders": .array(holders.map { right in Self.json(right, named: rights.name(of: right.principal)) }),
      ]
    }
  }

  private func identity(_ identity: InventorySnapshot.Identity) -> JSONValue {
    let decision = register.purpose(of: IntentPrincipal(objectId: identity.objectId, in: rights))
    let subjects = (identity.federated ?? []).map { FederatedSubject($0) }
    return fact(
      "identity", identity.json,
      [
        "purpose": .string(decision.purpose.rawValue),
        "federation": .array(
          subjects.map { subject in
            [
              "platform": .string(subject.platform.rawValue), "host": .string(subject.host), "kind": .string(subject.kind.rawValue),
              "subject": .string(subject.subject), "risks": .array(subject.risks.map(\.rawValue).sorted().map { .string($0) }),
            ]
          }),
        "groups": .array(rights.groups(of: identity.objectId).compactMap { $0.last }.map { .string($0.name ?? $0.objectId) }),
        "rights": allRights(of: identity.objectId),
      ])
  }

  private func allRights(of principal: String) -> JSONValue { .array(rights.rights(of: principal).map { Self.json($0, named: nil) }) }

  private static func json(_ right: EffectiveRight, named name: String?) -> JSONValue {
    var object: JSONObject = [:]
    if let name { object["principal"] = ["objectId": .string(right.principal), "name": .string(name)] }
    object["store"] = right.store.map { .string($0) } ?? .null
    object["key"] = right.key.map { .string($0) } ?? .null
    object["capabilities"] = .array(right.capabilities.canonical.map { .string($0.rawValue) })
    object["latent"] = .bool(right.latent)
    object["path"] = .array(right.path.map { .string($0) })
    object["scope"] = .string(right.scope)
    object["grant"] = .string(right.grant)
    object["doubts"] = .array(right.doubts.map { .string($0) })
    return .object(object)
  }

  private func fact(_ kind: String, _ value: JSONValue, _ more: JSONObject = [:]) -> JSONValue {
    var object: JSONObject = ["kind": .string(kind), kind: value]
    for member in more.members { object[member.name] = member.value }
    return .object(object)
  }
}
