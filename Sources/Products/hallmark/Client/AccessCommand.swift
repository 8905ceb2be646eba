import ArgumentParser
import Clocks
import Encodings
import Outbound

struct AccessCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "access", abstract: "Who may do what, since when, and by whose grant.",
    subcommands: [Grant.self, Revoke.self, List.self, Roles.self, WhoCan.self, Why.self])

  static let provider = "/providers/Microsoft.Authorization"

  struct Grant: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Assign a role.")
    @Option(help: "Role name or GUID, such as \"Managed HSM Crypto User\".") var role: String
    @Option(help: "Object id of the principal.") var assignee: String
    @Option(help: "/, /keys or /keys/NAME.") var scope: String
    @Option(help: "GUID of the assignment; default a new one.") var name: String?
    @OptionGroup var common: KeysCommand.Common

    func run() async throws {
      try await common.run("cannot grant \(role) to \(assignee)") { client in
        let scope = try AccessCommand.path(scope: scope)
        let definition = try await AccessCommand.definition(role, client)
        let id = name ?? Entropy.system.uuid()
        let answer = try await client.call(
          "PUT", "\(scope)\(provider)/roleAssignments/\(URLText.component(id))",
          body: ["properties": ["roleDefinitionId": definition["id"] ?? .null, "principalId": .string(assignee)]])
        AccessCommand.show([answer.body], names: [definition["id"]?.string ?? "": definition["properties"]?["roleName"]?.string ?? ""], common.output)
      }
    }
  }

  struct Revoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Remove a role assignment.")
    @Argument(help: "GUID of the assignment.") var assignment: String
    @Option(help: "Its scope; needed on Azure when it is not /.") var scope: String?
    @OptionGroup var common: KeysCommand.Common

    func run() async throws {
      try await common.run("cannot revoke assignment \(assignment)") { client in
        let all = try await AccessCommand.assignments(client, scope: scope)
        guard let found = all.first(where: { $0["name"]?.string?.lowercased() == assignment.lowercased() }),
          let scope = found["properties"]?["scope"]?.string
        else { throw CommandFailure("cannot revoke assignment \(assignment)", why: "there is none of this name", next: "hallmark access list", code: Exit.no) }
        _ = try await client.call(
          "DELETE", "\(AccessCommand.path(scope: scope))\(provider)/roleAssignments/\(URLText.component(assignment))")
        Console.print("revoked \(assignment) (\(found["properties"]?["principalId"]?.string ?? "") on \(scope))")
      }
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List role assignments; with --history also those that ended.")
    @Option(help: "Only this principal's.") var principal: String?
    @Option(help: "Only those at this scope.") var scope: String?
    @Flag(help: "Past ones too, with who granted and who withdrew them (Hallmark only).") var history = false
    @OptionGroup var common: KeysCommand.Common

    func run() async throws {
      try await common.run("cannot list role assignments") { client in
        if history { return try await showHistory(client) }
        let names = try await AccessCommand.roleNames(client)
        let all = try await AccessCommand.assignments(client, scope: scope).filter {
          principal == nil || $0["properties"]?["principalId"]?.string == principal
        }
        AccessCommand.show(all, names: names, common.output)
      }
    }

    private func showHistory(_ client: ManagedHSMClient) async throws {
      var query: [(name: String, value: String)] = []
      if let principal { query.append(("principal", principal)) }
      if let scope { query.append(("scope", scope)) }
      let answer = try await client.call("GET", "/hallmark/v1/access/history", query: query)
      guard common.output.format == .text else { return Console.print(answer.body) }
      AccessCommand.table(answer.body["assignments"]?.array ?? [], empty: "no assignments") { item in
        [
          item["roleName"]?.string ?? "-", item["scope"]?.string ?? "-", item["principalName"]?.string ?? item["principalId"]?.string ?? "-",
          "by \(item["createdByName"]?.string ?? item["createdBy"]?.string ?? "-")", AccessCommand.moment(item["createdAt"]),
          item["deletedAt"].flatMap { $0.isNull ? nil : "until \(AccessCommand.moment($0)) by \(item["deletedBy"]?.string ?? "-")" } ?? "in force",
        ]
      }
    }
  }

  struct Roles: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List role definitions.")
    @OptionGroup var common: KeysCommand.Common

    func run() async throws {
      try await common.run("cannot list roles") { client in
        let all = try await client.list("\(provider)/roleDefinitions")
        guard common.output.format == .text else { return Console.print(["value": .array(all)]) }
        AccessCommand.table(all, empty: "no roles") { item in
          let properties = item["properties"]
          let actions = (properties?["permissions"]?.array ?? []).flatMap { $0["dataActions"]?.array ?? [] }.count
          return [properties?["roleName"]?.string ?? "-", item["name"]?.string ?? "-", properties?["type"]?.string ?? "-", "\(actions) data actions"]
        }
      }
    }
  }

  struct WhoCan: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "who-can", abstract: "Who may perform an action on a key, and through which assignment (Hallmark only).")
    @Argument(help: "The action: sign, delete … or a full data action.") var action: String
    @Option(help: "The key; else --scope.") var key: String?
    @Option(help: "/, /keys or /keys/NAME.") var scope: String = "/keys"
    @OptionGroup var common: KeysCommand.Common

    func run() async throws {
      try await common.run("cannot tell who can \(action)") { client in
        let answer = try await client.call(
          "GET", "/hallmark/v1/access/who-can",
          query: [("action", AccessCommand.action(action)), ("scope", key.map { "/keys/\($0)" } ?? scope)])
        AccessCommand.answer(answer.body, common.output)
      }
    }
  }

  struct Why: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Why a principal may, or may not, perform an action (Hallmark only).")
    @Option(help: "Object id of the principal.") var principal: String
    @Option(help: "The action: sign, delete … or a full data action.") var action: String
    @Option(help: "The key; else --scope.") var key: String?
    @Option(help: "/, /keys or /keys/NAME.") var scope: String = "/keys"
    @OptionGroup var common: KeysCommand.Common

    func run() async throws {
      try await common.run("cannot explain the rights of \(principal)") { client in
        let answer = try await client.call(
          "GET", "/hallmark/v1/access/why",
          query: [
            ("principal", principal), ("action", AccessCommand.action(action)), ("scope", key.map { "/keys/\($0)" } ?? scope),
          ])
        AccessCommand.answer(answer.body, common.output)
      }
    }
  }
}
