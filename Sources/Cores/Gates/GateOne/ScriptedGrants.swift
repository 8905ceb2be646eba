import Estate
import Plans

/// Scripts that run with the change and hand out rights where no resource shows it (1.23).
struct ScriptedGrants {
  private let change: EstateChange

  init(_ change: EstateChange) { self.change = change }

  /// Commands that give rights on keys. All words of a row must occur in one command.
  private static let commands: [[String]] = [
    ["keyvault", "role", "assignment", "create"], ["keyvault", "role", "definition", "create"], ["keyvault", "role", "definition", "update"],
    ["role", "assignment", "create"], ["role", "definition", "create"], ["role", "definition", "update"], ["keyvault", "set-policy"],
    ["--key-permissions"], ["new-azkeyvaultroleassignment"], ["new-azkeyvaultroledefinition"], ["set-azkeyvaultaccesspolicy"],
    ["-permissionstokeys"], ["new-azroleassignment"], ["/providers/microsoft.authorization/roleassignments/"],
    ["/providers/microsoft.authorization/roledefinitions/"], ["ad", "group", "member", "add"], ["add-azadgroupmember"],
    ["identity", "federated-credential", "create"], ["new-azfederatedidentitycredential"], ["new-azuserassignedidentityfederatedcredential"],
  ]

  func evaluate() -> GateOutcome {
    var outcome = GateOutcome()
    for resource in change.resources where resource.action != .noOp && resource.action != .read && !resource.change.isDrift {
      var scripts = resource.change.scripts
      if case .script? = resource.after, scripts.isEmpty { scripts = [own(resource)] }
      for script in scripts { outcome.add(judge(script, resource.address, resource.location)) }
    }
    for (_, script) in change.scripts { outcome.add(judge(script, script.origin, nil)) }
    return outcome
  }

  private func own(_ resource: PlannedResource) -> PlanScript {
    let arm = resource.change.dialect == .arm || resource.change.dialect == .pulumiNative
    let style: Attributes.Style = arm ? .arm : resource.change.dialect == .terraform ? .snake : .camel
    let a = Attributes(resource.change.after ?? .null, style)
    let text = arm ? a.text("properties.scriptContent") : a.text("script_content")
    return PlanScript(origin: resource.address, text: text.value, location: resource.location)
  }

  private func judge(_ script: PlanScript, _ address: String, _ location: SourceLocation?) -> GateOutcome {
    guard let text = script.text else {
      return GateOutcome(undecided: [
        MissingFact(address: address, missing: "the text of the script that runs (\(script.origin)): put it into the plan, or supply the saved plan file")
      ])
    }
    guard let command = Self.grants(in: text) else { return GateOutcome() }
    let names = change.intent.identities.filter { $0.purpose == .signOnly }.filter { entry in
      [entry.match.objectId, entry.match.clientId, entry.match.armId, entry.name].compactMap(\.self).contains { text.lowercased().contains($0.lowercased()) }
    }
    let principal = names.first.map { Finding.Principal(objectId: $0.match.objectId, name: $0.name, via: [script.origin, command]) }
    return GateOutcome(findings: [
      Finding(
        rule: GateOneRule.script, gate: .one, verdict: .block, severity: .high, address: address, principal: principal,
        reason: "A script that runs with this change hands out rights on keys (\(command)), where no plan shows to whom and for what.",
        fix: "Make the assignment a resource of the configuration, so that it can be judged.", location: script.location ?? location)
    ])
  }

  /// The command that hands out rights, as its words in the table; nil when there is none, or it gives only what a signer may have.
  static func grants(in text: String) -> String? {
    for line in joined(text) {
      let folded = line.lowercased()
      let words = Set(folded.split { " \t\"'(),;|&=".contains($0) }.map(String.init))
      for row in commands {
        let hit = row.allSatisfy { word in word.hasPrefix("/") ? folded.contains(word) : words.contains(word) }
        if hit, !isHarmless(folded, words) { return row.joined(separator: " ") }
      }
    }
    return nil
  }

  /// Lines, with those that end in a backslash or a backtick joined to the next; comments dropped.
  private static func joined(_ text: String) -> [String] {
    var lines: [String] = []
    var open = ""
    for line in text.split(whereSeparator: \.isNewline) {
      let trimmed = line.drop { $0 == " " || $0 == "\t" }
      if open.isEmpty, trimmed.hasPrefix("#") { continue }
      if let last = line.last, last == "\\" || last == "`" {
        open += line.dropLast() + " "
      } else {
        lines.append(open + line)
        open = ""
      }
    }
    if !open.isEmpty { lines.append(open) }
    return lines
  }

  /// Gives a built-in role without power over keys, or only permissions to sign and read.
  private static func isHarmless(_ folded: String, _ words: Set<String>) -> Bool {
    if let at = folded.range(ofWord: "--key-permissions") {
      let given = folded[at...].split(separator: " ").prefix { !$0.hasPrefix("--") }.map { String($0.filter { $0 != "\"" && $0 != "'" }) }
      return !given.isEmpty && KeyPermissionWords.capabilities(ofAccessPolicy: given).capabilities.isSubset(of: [.sign, .verify, .read])
    }
    for flag in ["--role", "-roledefinitionname"] {
      guard let at = folded.range(ofWord: flag) else { continue }
      let rest = folded[at...].drop { $0 == " " || $0 == "=" }
      let quote = rest.first.flatMap { $0 == "\"" || $0 == "'" ? $0 : nil }
      let name = quote.map { quote in rest.dropFirst().prefix { $0 != quote } } ?? rest.prefix { $0 != " " }
      guard let role = BuiltInRoleTable.role(named: String(name)) ?? BuiltInRoleTable.role(id: String(name)) else { return false }
      let given = RightsReview.capabilities(of: role, isLocal: true).union(RightsReview.capabilities(of: role, isLocal: false))
      return given.forbidden.isEmpty && given.dangerous.isEmpty
    }
    return false
  }
}

extension String {
  /// Where the text behind this word begins.
  fileprivate func range(ofWord word: String) -> Index? {
    var rest = self[...]
    while let first = rest.firstIndex(where: { $0 == word.first }) {
      rest = rest[first...]
      if rest.hasPrefix(word) { return rest.index(first, offsetBy: word.count) }
      rest = rest.dropFirst()
    }
    return nil
  }
}
