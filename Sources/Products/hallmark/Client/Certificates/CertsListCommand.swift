import ArgumentParser
import Clocks
import Encodings
import Issuance
import Outbound
import Signing

struct CertsListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the chains that are kept, with when they end.",
    discussion: "Without --home: those of the service, when it is Hallmark, and those of the local folder. With --home local no service is asked.")

  @OptionGroup var options: CertsOptions

  private struct Line {
    var key: String
    var place: String
    var chain: Result<CertificateChain, IssuanceError>
  }

  func run() async throws {
    try await Console.run("cannot list certificates") {
      do {
        var lines: [Line] = []
        if options.home != .local { lines += try await service() }
        if options.home != .service {
          let folder = CertificateFolder(settings: options.connection.settings)
          lines += try folder.entries().map { Line(key: "\($0.host)/\($0.name)/\($0.version)", place: "local", chain: $0.chain) }
        }
        show(lines, now: TimeSource.system.now())
      } catch { throw CertificateFailure.explained(error, "cannot list certificates") }
    }
  }

  private func service() async throws -> [Line] {
    try await options.connection.connect { connection in
      guard connection.client.address.isOurs else {
        if options.home == .service { throw CertificateHomeError.noServiceStore }
        return []
      }
      return try await ServiceCertificates(connection.client).entries().map { Line(key: $0.kid, place: "service", chain: $0.chain) }
    }
  }

  private func show(_ lines: [Line], now: Instant) {
    switch options.output.format {
    case .json:
      let items: [JSONValue] = lines.map { line in
        switch line.chain {
        case .success(let chain): .object(CertificateOutput.object(chain, key: line.key, location: line.place, now: now))
        case .failure(let error): ["key": .string(line.key), "location": .string(line.place), "error": .string(error.description)]
        }
      }
      Console.print(["schema": "hallmark.certificate-list/v1", "chains": .array(items)])
    case .text:
      guard !lines.isEmpty else { return Console.print("no chains are kept; make one with: hallmark certs issue") }
      let rows = lines.map { line -> [String] in
        switch line.chain {
        case .success(let chain):
          [line.key, line.place, chain.purpose.rawValue, state(chain, now), ISO8601.format(seconds: chain.expires), chain.leaf.subject]
        case .failure(let error): [line.key, line.place, "-", "unusable", "-", error.description]
        }
      }
      Console.print(Console.table([["KEY", "HOME", "FOR", "STATE", "UNTIL", "SUBJECT"]] + rows))
    }
  }

  private func state(_ chain: CertificateChain, _ now: Instant) -> String {
    switch CertificateExpiry(of: chain, at: now) {
    case .good: "good"
    case .soon(let days, _): "\(days) days"
    case .expired: "expired"
    }
  }
}

struct CertsShowCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "show", abstract: "Show the chain of a key version, or write it as PEM.")

  @Argument(help: "The key: a name, or https://HOST/keys/NAME[/VERSION].")
  var key: String

  @Option(help: "Write the whole chain to this file (PEM).")
  var out: String?

  @Option(help: "Write the root alone to this file (PEM): what goes into trust stores.")
  var rootOut: String?

  @OptionGroup var options: CertsOptions

  func run() async throws {
    try await options.run("cannot show the chain of \(key)", key: key) { work, pinned in
      let found = try await work.home.chain(for: pinned, only: options.home?.place)
      if let out { try LocalFile.write(Array(found.chain.pem.utf8), to: out) }
      if let rootOut { try LocalFile.write(Array(PEM.encode(found.chain.root.der, label: "CERTIFICATE").utf8), to: rootOut) }
      switch options.output.format {
      case .json:
        var object = CertificateOutput.object(found.chain, key: pinned.kid, location: found.location, now: work.now)
        object["pem"] = .string(found.chain.pem)
        Console.print(.object(object))
      case .text: Console.print(CertificateOutput.text(found.chain, key: pinned.kid, location: found.location, now: work.now))
      }
    }
  }
}

struct CertsRemoveCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "remove", abstract: "Forget the chain of a key version. The key stays.")

  @Argument(help: "The key: a name, or https://HOST/keys/NAME[/VERSION].")
  var key: String

  @OptionGroup var options: CertsOptions

  func run() async throws {
    try await options.run("cannot remove the chain of \(key)", key: key) { work, pinned in
      let place = options.home?.place ?? (work.client.address.isOurs ? .service : .local)
      guard try await work.home.remove(pinned, at: place) else {
        throw CommandFailure("cannot remove the chain of \(key)", why: "there is none (\(place.rawValue))", next: "hallmark certs list", code: Exit.no)
      }
      Console.print("removed the chain of \(pinned.kid) (\(place.rawValue))")
    }
  }
}
