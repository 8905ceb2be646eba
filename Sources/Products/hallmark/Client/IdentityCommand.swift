import ArgumentParser
import Encodings
import Outbound

struct IdentityCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "identity", abstract: "Workload identities of the embedded authority, and the issuers it trusts.",
    subcommands: [Add.self, List.self, Remove.self, Federate.self, TrustIssuer.self, Confirm.self])

  static let applications = "/graph/v1.0/applications"
  static let principals = "/graph/v1.0/servicePrincipals"

  /// Finds one application by its id, client id or name.
  static func application(_ text: String, _ client: ManagedHSMClient) async throws -> JSONValue {
    let found = try await client.list(applications).filter {
      $0["id"]?.string == text || $0["appId"]?.string == text || $0["displayName"]?.string == text
    }
    guard found.count == 1, found[0]["id"]?.string != nil else {
      throw CommandFailure(
        "cannot use the identity \(text)", why: found.isEmpty ? "there is none of this name or id" : "\(found.count) have this name; use the id",
        next: "hallmark identity list", code: Exit.usage)
    }
    return found[0]
  }

  struct Add: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Add an identity. It has no secret: federate it next, or register a certificate.")
    @Argument(help: "Name, for people.") var name: String
    @Option(help: "PEM file with a certificate by which it proves itself; its private key stays with its owner.") var withCertificate: String?
    @OptionGroup var common: KeysCommand.Common

    func run() async throws {
      try await common.run("cannot add the identity \(name)") { client in
        let application = try await client.call(
          "POST", applications, body: ["displayName": .string(name)], replay: .onlyIfNotPerformed).body
        let principal = try await client.call(
          "POST", principals, body: ["appId": application["appId"] ?? .null], replay: .onlyIfNotPerformed).body
        if let file = withCertificate, let id = application["id"]?.string {
          let pem = try LocalFile.bytes(file, maxBytes: 1 << 16)
          guard let certificate = try? PEM.parse(pem).first(where: { $0.label == "CERTIFICATE" }) else {
            throw CommandFailure.usage("cannot register the certificate of \(name)", why: "\(file) holds no certificate in PEM")
          }
          _ = try await client.call(
            "PATCH", "\(applications)/\(id)",
            body: [
              "keyCredentials": [
                ["displayName": .string(name), "type": "AsymmetricX509Cert", "usage": "Verify", "key": .string(Base64.encode(certificate.bytes))]
              ]
            ])
        }
        let result: JSONValue = [
          "displayName": .string(name), "applicationId": application["id"] ?? .null, "clientId": application["appId"] ?? .null,
          "objectId": principal["id"] ?? .null,
        ]
        guard common.output.format == .text else { return Console.print(result) }
        Console.print(
          Console.table([
            ["identity", name], ["object id", result["objectId"]?.string ?? "-"], ["client id", result["clientId"]?.string ?? "-"],
            ["application", result["applicationId"]?.string ?? "-"],
          ]))
      }
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List identities.")
    @OptionGroup var common: KeysCommand.Common

    func run() async throws {
      try await common.run("cannot list identities") { client in
        let all = try await client.list(principals)
        guard common.output.format == .text else { return Console.print(["value": .array(all)]) }
        AccessCommand.table(all, empty: "no identities") { item in
          [item["displayName"]?.string ?? "-", item["id"]?.string ?? "-", "client \(item["appId"]?.string ?? "-")"]
        }
      }
    }
  }

  struct Remove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Remove an identity. Its past signatures stay explained.")
    @Argument(help: "Name, client id or application id.") var identity: String
    @OptionGroup var common: KeysCommand.Common

    func run() async throws {
      try await common.run("cannot remove the identity \(identity)") { client in
        let application = try await IdentityCommand.application(identity, client)
        for principal in try await client.list(principals) where principal["appId"] == application["appId"] {
          if let id = principal["id"]?.string { _ = try await client.call("DELETE", "\(principals)/\(URLText.component(id))") }
        }
        do throws(OutboundError) { _ = try await client.call("DELETE", "\(applications)/\(URLText.component(application["id"]?.string ?? ""))") } catch {
          // Where one directory entry is both, it is gone already.
          guard case .refused(let refusal) = error, refusal.status == 404 else { throw error }
        }
        Console.print("removed \(identity)")
      }
    }
  }

  struct Federate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Let a workload of another issuer be this identity.",
      discussion: "Example: --issuer https://token.actions.githubusercontent.com --subject repo:org/app:environment:ship")
    @Argument(help: "Name, client id or application id.") var identity: String
    @Option(help: "The issuer, exactly as tokens write it.") var issuer: String
    @Option(help: "The subject, exactly.") var subject: String?
    @Option(name: .customLong("claims-expression"), help: "A flexible match instead, such as claims['sub'] matches 'repo:org/*'.")
    var expression: String?
    @Option(help: "Audience; repeat.") var audience: [String] = ["api://AzureADTokenExchange"]
    @Option(help: "Name of the credential.") var name: String = "federated"
    @OptionGroup var common: KeysCommand.Common

    func run() async throws {
      try await common.run("cannot federate \(identity)") { client in
        guard (subject == nil) != (expression == nil) else {
          throw CommandFailure.usage("cannot federate \(identity)", why: "one of --subject and --claims-expression is wanted")
        }
        let application = try await IdentityCommand.application(identity, client)
        var body: JSONObject = ["name": .string(name), "issuer": .string(issuer), "audiences": .array(audience.map { .string($0) })]
        body.set("subject", ifPresent: subject.map { .string($0) })
        body.set("claimsMatchingExpression", ifPresent: expression.map { ["value": .string($0), "languageVersion": 1] })
        let path = "\(applications)/\(URLText.component(application["id"]?.string ?? ""))/federatedIdentityCredentials"
        let answer = try await client.call("POST", path, body: .object(body), replay: .onlyIfNotPerformed)
        guard common.output.format == .text else { return Console.print(answer.body) }
        Console.print("\(identity) is now \(subject ?? expression ?? "") of \(issuer)")
      }
    }
  }

  struct TrustIssuer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "trust-issuer", abstract: "Trust, list or stop trusting an OpenID Connect issuer.")
    @Argument(help: "The issuer's URL; none: list those trusted.") var issuer: String?
    @Option(help: "A file with its keys (JWKS), instead of discovery.") var jwks: String?
    @Option(name: .customLong("issuer-ca"), help: "PEM file with the CA of the issuer's own web server.") var issuerCA: String?
    @Flag(help: "Accept its tokens as access tokens too.") var accessTokens = false
    @Option(help: "Audience of such access tokens; repeat.") var audience: [String] = []
    @Option(name: .customLong("issuer-tenant"), help: "Tenant its principals belong to.") var issuerTenant: String?
    @Flag(help: "Stop trusting it.") var remove = false
    @OptionGroup var common: KeysCommand.Common

    func run() async throws {
      try await common.run("cannot change the trusted issuers") { client in
        let path = "/hallmark/v1/issuers"
        guard let issuer else {
          let answer = try await client.call("GET", path)
          return AccessCommand.answer(answer.body, common.output)
        }
        if remove {
          _ = try await client.call("DELETE", path, query: [("issuer", issuer)])
          return Console.print("no longer trusted: \(issuer)")
        }
        var body: JSONObject = ["issuer": .string(issuer)]
        if let jwks {
          do { body["jwks"] = try JSONValue.parse(LocalFile.bytes(jwks, maxBytes: 256 << 10)) } catch let error as JSONError {
            throw CommandFailure.usage("cannot use \(jwks)", why: error.description)
          }
        } else {
          body["discovery"] = true
        }
        body.set("caPem", ifPresent: try issuerCA.map { .string(String(decoding: try LocalFile.bytes($0, maxBytes: 256 << 10), as: UTF8.self)) })
        if accessTokens { body["accessTokens"] = true }
        if !audience.isEmpty { body["audiences"] = .array(audience.map { .string($0) }) }
        body.set("tenant", ifPresent: issuerTenant.map { .string($0) })
        let answer = try await client.call("POST", path, body: .object(body), replay: .onlyIfNotPerformed)
        guard common.output.format == .text else { return Console.print(answer.body) }
        Console.print("trusted: \(issuer)")
      }
    }
  }
}
