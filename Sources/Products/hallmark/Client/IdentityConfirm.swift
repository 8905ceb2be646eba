import ArgumentParser
import Encodings
import Outbound

extension IdentityCommand {
  /// Somebody who is signed in already vouches for a person's device: the second half of the device-code flow (RFC 8628 §3.3).
  struct Confirm: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Confirm the device code that a person's tool shows (az login --use-device-code).")
    @Argument(help: "The code.") var code: String
    @Option(help: "Object id of the person; default: you.") var principal: String?
    @Flag(help: "Refuse the sign-in instead.") var deny = false
    @OptionGroup var common: KeysCommand.Common

    func run() async throws {
      try await common.run("cannot confirm the code \(code)") { client in
        let path = "/hallmark/v1/devices/\(URLText.component(code))"
        let waiting = try await client.call("GET", path).body
        var body: JSONObject = [:]
        if let principal { body["principal"] = .string(principal) }
        if deny { body["deny"] = true }
        let done = try await client.call("POST", path, body: .object(body), replay: .onlyIfNotPerformed).body
        guard common.output.format == .text else { return Console.print(done) }
        Console.print("\(deny ? "refused" : "confirmed") the sign-in of client \(waiting["client"]?.string ?? "?") for \(done["principal"]?.string ?? "?")")
      }
    }
  }
}
