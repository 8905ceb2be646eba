import ArgumentParser
import Clocks
import Encodings
import Foundation
import Secrets
import SecurityDomain

struct CustodianCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "custodian", abstract: "The people who together can recover an HSM.", subcommands: [Keygen.self])

  struct Keygen: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Make a custodian's RSA key and certificate.",
      discussion: """
        Each custodian runs this at their own place: whoever holds all private keys holds the HSM. Several keys in one place are made only with \
        --i-understand-this-defeats-the-quorum, for development.
        """)

    @Option(help: "Folder to write to; created with mode 0700. Repeat it for one custodian each.")
    var out: [String]

    @Option(help: "How many custodians.")
    var count: Int?

    @Option(help: "2048, 3072 or 4096.")
    var bits = 3072

    @Option(help: "File names begin with this.")
    var name = "custodian"

    @Flag(name: .customLong("i-understand-this-defeats-the-quorum"), help: "Put several private keys in one place.")
    var defeatsQuorum = false

    func run() async throws {
      try await Console.run("no custodian keys were made") {
        let count = count ?? out.count
        guard !out.isEmpty, (1...10).contains(count), out.count == 1 || out.count == count else {
          throw CommandFailure.usage("no custodian keys were made", why: "--count is 1 to 10, with one --out for all or one each")
        }
        let places = Set(out.map { URL(fileURLWithPath: $0).standardizedFileURL.resolvingSymlinksInPath().path })
        guard defeatsQuorum || places.count == count else {
          throw CommandFailure.usage(
            "no custodian keys were made", why: "\(count) private keys in \(places.count) place\(places.count == 1 ? "" : "s") would let one person recover the HSM alone",
            next: "let each custodian run `hallmark custodian keygen --out DIR` on their own, or, for development only, add --i-understand-this-defeats-the-quorum")
        }
        guard [2048, 3072, 4096].contains(bits) else {
          throw CommandFailure.usage("no custodian keys were made", why: "--bits is 2048, 3072 or 4096")
        }
        for number in 1...count { try make(number, of: count, in: out.count == 1 ? out[0] : out[number - 1]) }
      }
    }

    private func make(_ number: Int, of count: Int, in folder: String) throws {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      let stem = count == 1 ? "\(folder)/\(name)" : "\(folder)/\(name)\(number)"
      for path in ["\(stem).key", "\(stem).cer"] where LocalFile.exists(path) {
        throw CommandFailure.usage("no key was made", why: "\(path) exists; it is not overwritten")
      }
      let key: CustodianKey
      do {
        key = try CustodianKey.generate(
          commonName: count == 1 ? name : "\(name)-\(number)", bits: bits, entropy: .system, clock: .system)
      } catch { throw CommandFailure("no key was made", why: String(describing: error), code: Exit.undecided) }
      try key.privateKeyPEM.withUnsafeBytes { try LocalFile.write(Array($0), to: "\(stem).key", mode: 0o600) }
      try LocalFile.write(Array(key.certificatePEM.utf8), to: "\(stem).cer")
      Console.print("wrote \(stem).key (private, keep it offline) and \(stem).cer")
    }
  }
}
