import ArgumentParser
import Encodings
import Foundation
import Outbound
import SecurityDomain

struct DomainCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "domain", abstract: "The security domain: what a quorum of custodians recovers an HSM from.",
    subcommands: [Download.self, Inspect.self])

  struct Download: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Download the security domain, wrapped to the custodians. The first download activates the HSM.")
    @Option(name: .customLong("certificate"), parsing: .upToNextOption, help: "Certificate files (PEM) of the custodians, 3 to 10.")
    var certificates: [String]
    @Option(help: "How many custodians must come together, 2 to 10.") var quorum: Int
    @Option(name: [.customLong("file"), .customLong("out")], help: "Where the file goes (mode 0600).") var file: String
    // `--certificate` means the custodians' here: the client's own is named by the environment.
    @OptionGroup var connection: ServiceOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
      try await Console.run("the security domain was not downloaded") {
        let custodians = try certificates.map(DomainCommand.certificate)
        do {
          _ = try DownloadRequest(
            custodians: try custodians.map { (der) throws in try Custodian(certificate: der) }, required: quorum)
        } catch {
          throw CommandFailure.usage("the security domain was not downloaded", why: "certificates or quorum: \(error)")
        }
        guard !LocalFile.exists(file) else {
          throw CommandFailure.usage("the security domain was not downloaded", why: "\(file) exists; it is not overwritten")
        }
        try await connection.settings.connect { try await download(custodians, $0.client) }
      }
    }

    private func download(_ custodians: [[UInt8]], _ client: ManagedHSMClient) async throws {
      let body: JSONValue = [
        "certificates": .array(
          custodians.map {
            [
              "kty": "RSA", "alg": "RSA-OAEP-256", "key_ops": ["verify", "encrypt", "wrapKey"], "x5c": [.string(Base64.encode($0))],
            ]
          }),
        "required": .integer(quorum),
      ]
      let answer = try await client.call("POST", "/securitydomain/download", body: body, timeout: .seconds(120))
      guard let value = answer.body["value"]?.string else {
        throw CommandFailure("the security domain was not downloaded", why: "the answer holds no value", code: Exit.remote)
      }
      // Saved first and byte for byte: whatever happens now, the domain is not lost.
      try LocalFile.write(Array(value.utf8), to: file, mode: 0o600)
      try await wait(answer, client)
      Console.print("wrote \(file): any \(quorum) of \(custodians.count) custodians can recover the HSM with it")
    }

    private func wait(_ answer: ManagedHSMClient.Answer, _ client: ManagedHSMClient) async throws {
      guard let place = answer.header("azure-asyncoperation") ?? answer.header("location") else { return }
      for _ in 0..<60 {
        let status = try await client.follow(place)
        switch status.body["status"]?.string?.lowercased() {
        case "success", "succeeded": return
        case "failed", "canceled":
          throw CommandFailure(
            "the HSM did not confirm the download", why: status.body["status_details"]?.string ?? status.body["statusDetails"]?.string ?? "it says failed",
            code: Exit.remote)
        default: try await Task.sleep(for: .milliseconds(min(10_000, (status.header("retry-after").flatMap { Int($0) } ?? 1) * 1000)))
        }
      }
      throw CommandFailure("the HSM did not confirm the download", why: "it is still in progress after 60 looks; \(file) was written", code: Exit.undecided)
    }
  }

  struct Inspect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Say what a security-domain file holds and who can open it, without any key.")
    @Argument(help: "The file.") var file: String
    @Option(parsing: .upToNextOption, help: "Certificates, to name the custodians by file.") var certificates: [String] = []
    @OptionGroup var output: OutputOptions

    func run() async throws {
      try await Console.run("cannot inspect \(file)") {
        let bytes = try LocalFile.bytes(file, maxBytes: SecurityDomainFile.maxBytes)
        let summary: SecurityDomainFile.Summary
        do { summary = try SecurityDomainFile.parse(bytes).summary } catch {
          throw CommandFailure("cannot inspect \(file)", why: "it is no security-domain file: \(error)", code: Exit.no)
        }
        var names: [String: String] = [:]
        for path in certificates {
          if let custodian = try? Custodian(certificate: DomainCommand.certificate(path)) { names[custodian.digest] = path }
        }
        switch output.format {
        case .json:
          Console.print([
            "schema": "hallmark.domain/v1", "required": .integer(summary.required),
            "custodians": .array(summary.custodians.map { ["x5t_256": .string($0), "file": names[$0].map { .string($0) } ?? .null] }),
            "tags": .array(summary.tags.map { .string($0) }),
          ])
        case .text:
          Console.print("quorum     \(summary.required) of \(summary.custodians.count)")
          for digest in summary.custodians { Console.print("custodian  \(digest)\(names[digest].map { "  \($0)" } ?? "")") }
          Console.print("holds      \(summary.tags.joined(separator: ", "))")
        }
      }
    }
  }

  static func certificate(_ path: String) throws -> [UInt8] {
    let bytes = try LocalFile.bytes(path, maxBytes: 64 << 10)
    let blocks = (try? PEM.parse(bytes)) ?? []
    guard let found = blocks.first(where: { $0.label == "CERTIFICATE" }) else {
      throw CommandFailure.usage("cannot use \(path)", why: "it holds no PEM certificate")
    }
    return found.bytes
  }
}
