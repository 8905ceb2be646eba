import ArgumentParser
import Encodings
import Foundation
import NotaryFormats
import Outbound
import Signing
import Trust

struct StandbyPolicyCommand: AsyncParsableCommand {
  enum Reader: String, ExpressibleByArgument, CaseIterable {
    case hallmark
    case notation
  }

  enum StoreKind: String, ExpressibleByArgument, CaseIterable {
    case ca
    case signingAuthority
  }

  static let configuration = CommandConfiguration(
    commandName: "policy", abstract: "Write the policies that accept either key, the standby configuration, and the order in which to roll them out.",
    discussion: """
      Written into --out: hallmark-trust.yaml, hallmark-standby.json (both keys, who is active, the rules of fallback, the approvers), with --roots \
      also notation/trustpolicy.json and notation/truststore/…, and ROLLOUT.txt. The standby's environment is HALLMARK_STANDBY_TOKEN, \
      HALLMARK_STANDBY_CA and so on.
      """)

  @Option(help: "The primary key: https://HOST/keys/NAME[/VERSION].")
  var primary: String

  @Option(help: "The standby key, of another HSM.")
  var standby: String

  @Option(help: "PEM file with the primary's public key: for when it cannot be asked.")
  var primaryPublicKey: String?

  @Option(help: "PEM file with the standby's public key.")
  var standbyPublicKey: String?

  @Option(help: "Name of the pair, and the beginning of the names of its stores.")
  var name = "release"

  @Option(parsing: .upToNextOption, help: "Two PEM files: the primary's and the standby's root certificate, for Notary signatures.")
  var roots: [String] = []

  @Option(help: "ca or signingAuthority: which kind of notation trust store.")
  var storeKind: StoreKind = .ca

  @Option(name: .customLong("for"), help: "hallmark or notation; may be repeated. Default: hallmark, and notation when there are --roots.")
  var readers: [Reader] = []

  @Option(name: .customLong("scope"), help: "HOST/REPOSITORY that the policies are for; may be repeated. Default: all.")
  var scopes: [String] = []

  @Option(name: .customLong("identity"), help: "Subject of a signing certificate, \"C=…, ST=…, O=…\"; may be repeated. Default: any under the roots.")
  var identities: [String] = []

  @Option(help: "never or unreachable: whether the standby may sign without approval when the primary is proven unreachable.")
  var fallback: String = StandbyRules.Fallback.never.rawValue

  @Option(help: "Failed attempts in a row that prove it.")
  var attempts = 3

  @Option(help: "Seconds they must span.")
  var seconds = 10

  @Option(name: .customLong("approver"), help: "PERSON=KEY (a key URL, or a PEM file): may propose and approve promotions; may be repeated.")
  var approvers: [String] = []

  @Option(help: "How many approvals a promotion needs besides its proposer.")
  var approvals = 2

  @Option(help: "Folder for the files.")
  var out = "."

  @Flag(help: "Write nothing: say whether the files in --out are there and usable, both stores included.")
  var check = false

  @Option(name: .customLong("standby-ca"), help: "PEM file with CA certificates for the standby (HALLMARK_STANDBY_CA).")
  var standbyCA: String?

  @Option(name: .customLong("standby-token-file"), help: "File with an access token for the standby (else HALLMARK_STANDBY_TOKEN).")
  var standbyTokenFile: String?

  @OptionGroup var connection: ConnectionOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await StandbyFailure.run("cannot write the standby policy") {
      if check { return try StandbyCheck(trust: "\(out)/hallmark-trust.yaml", notation: "\(out)/notation").run(output.format) }
      let pair = try StandbyPair(primary: reference(primary), standby: reference(standby))
      let files = try await files(pair)
      let configuration = try await configuration(pair, files)
      var written: [(path: String, bytes: [UInt8])] = [("hallmark-standby.json", configuration.serialized)]
      if wanted.contains(.hallmark) {
        _ = try Verification.trustFile(files.trustPolicy)
        written.append(("hallmark-trust.yaml", files.trustPolicy))
      }
      if wanted.contains(.notation) {
        try files.notationPolicy.validated()
        for root in files.roots { written.append(("notation/\(files.storePath(root.role))", Array(root.pem.utf8))) }
        written.append(("notation/trustpolicy.json", files.notationPolicy.serialized()))
      }
      let steps = StandbyPolicyFiles.rollOut(hasRoots: wanted.contains(.notation))
      written.append(("ROLLOUT.txt", Array((steps.joined(separator: "\n") + "\n").utf8)))
      for (path, bytes) in written {
        let whole = "\(out)/\(path)"
        try FileManager.default.createDirectory(atPath: (whole as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try LocalFile.write(bytes, to: whole)
      }
      show(written.map { "\(out)/\($0.path)" }, steps)
    }
  }

  private var wanted: Set<Reader> {
    readers.isEmpty ? (roots.isEmpty ? [.hallmark] : [.hallmark, .notation]) : Set(readers)
  }

  private func reference(_ text: String) throws -> KeyReference {
    let reference = try KeyReference(parsing: text)
    guard reference.store != nil else { throw CommandFailure.usage("cannot use \(text)", why: "the whole key URL is wanted: https://HOST/keys/NAME") }
    return reference
  }

  private func files(_ pair: StandbyPair) async throws -> StandbyPolicyFiles {
    guard roots.isEmpty || roots.count == 2 else { throw CommandFailure.usage("cannot use --roots", why: "two files are wanted: the primary's root and the standby's") }
    guard !wanted.contains(.notation) || roots.count == 2 else {
      throw CommandFailure.usage("cannot write notation's policy", why: "it needs both roots", next: "use --roots PRIMARY.pem STANDBY.pem")
    }
    guard !name.isEmpty, name.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 || ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A || [0x5F, 0x2E, 0x2D].contains($0) }) else {
      throw CommandFailure.usage("cannot use --name \(name)", why: "letters, digits, _, . and - only")
    }
    let both: [(role: StandbyRole, key: PublicKey, version: String?)] = [
      try await publicKey(.primary, pair.primary, file: primaryPublicKey), try await publicKey(.standby, pair.standby, file: standbyPublicKey),
    ]
    guard both[0].key != both[1].key else { throw CommandFailure.usage("cannot write the policy", why: "both HSMs hold the same key: that is one key to lose") }
    let subjects: [NotationTrustPolicy.Identity] = try identities.map { text in
      do { return .subject(try NotaryDistinguishedName(parsing: text)) } catch { throw CommandFailure.usage("cannot use --identity \(text)", why: "\(error)") }
    }
    var rootFiles: [StandbyPolicyFiles.Root] = []
    for (role, path) in zip(StandbyRole.allCases, roots) {
      let bytes = try LocalFile.bytes(path, maxBytes: 1 << 20)
      _ = try StandbyRoots.certificates(bytes)
      let pem = bytes.first == 0x30 ? PEM.encode(bytes, label: "CERTIFICATE") : String(decoding: bytes, as: UTF8.self)
      rootFiles.append(.init(role: role, pem: pem))
    }
    return StandbyPolicyFiles(
      name: name, keys: both, roots: rootFiles, storeKind: storeKind == .ca ? .ca : .signingAuthority, scopes: scopes,
      identities: subjects.isEmpty ? [.any] : subjects)
  }

  private func settings(_ role: StandbyRole, store: String?) -> ConnectionSettings {
    role == .primary
      ? connection.settings : StandbySettings.make(connection.settings, store: store, ca: standbyCA, tokenFile: standbyTokenFile)
  }

  private func publicKey(_ role: StandbyRole, _ key: KeyReference, file: String?) async throws -> (role: StandbyRole, key: PublicKey, version: String?) {
    if let file { return (role, try PublicKey(pem: try LocalFile.bytes(file, maxBytes: 64 << 10)), key.version) }
    let pinned = try await settings(role, store: key.store).connect(to: key.store) { try await RemoteSigning(client: $0.client, ledger: nil).pin(key) }
    return (role, pinned.publicKey, pinned.version)
  }

  private func configuration(_ pair: StandbyPair, _ files: StandbyPolicyFiles) async throws -> StandbyConfiguration {
    guard let fallback = StandbyRules.Fallback(rawValue: fallback) else { throw CommandFailure.usage("cannot use --fallback \(fallback)", why: "never or unreachable expected") }
    guard (1...OutageWatch.maxAttempts).contains(attempts), (0...3600).contains(seconds) else {
      throw CommandFailure.usage("cannot use --attempts or --seconds", why: "1 to \(OutageWatch.maxAttempts) attempts over 0 to 3600 seconds expected")
    }
    var persons: [StandbyConfiguration.Approver] = []
    for text in approvers {
      guard let equals = text.firstIndex(of: "="), equals > text.startIndex else { throw CommandFailure.usage("cannot use --approver \(text)", why: "PERSON=KEY expected") }
      let person = String(text[..<equals])
      let source = String(text[text.index(after: equals)...])
      if LocalFile.exists(source) {
        persons.append(.init(person: person, key: try PublicKey(pem: try LocalFile.bytes(source, maxBytes: 64 << 10))))
      } else {
        let key = try reference(source)
        let role: StandbyRole = key.store == pair.primary.store ? .primary : .standby
        let pinned = try await settings(role, store: key.store).connect(to: key.store) { try await RemoteSigning(client: $0.client, ledger: nil).pin(key) }
        persons.append(.init(person: person, key: pinned.publicKey, held: KeyReference(store: key.store, name: pinned.name, version: pinned.version).text))
      }
    }
    if !persons.isEmpty, Set(persons.map(\.person)).count <= approvals {
      throw CommandFailure.usage(
        "cannot write the configuration", why: "\(approvals) approvals besides the proposer need at least \(approvals + 1) persons, \(Set(persons.map(\.person)).count) are named")
    }
    let result = StandbyConfiguration(
      name: name, pair: pair, publicKeys: Dictionary(uniqueKeysWithValues: files.keys.map { ($0.role, $0.key) }),
      rules: StandbyRules(fallback: fallback, attempts: attempts, seconds: Int64(seconds)), threshold: approvals, approvers: persons)
    // What is written must be readable: the same rules, an approver's key twice for example.
    return try StandbyConfiguration.parse(result.json)
  }

  private func show(_ paths: [String], _ steps: [String]) {
    switch output.format {
    case .json:
      Console.print(["schema": "hallmark.standby-policy/v1", "written": .array(paths.map { .string($0) }), "rollOut": .array(steps.map { .string($0) })])
    case .text:
      for path in paths { Console.print("wrote    \(path)") }
      Console.print((["", "Roll out in this order:"] + steps).joined(separator: "\n"))
    }
  }
}

struct StandbyCheckCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Say whether a verifier has what its policies name: both keys, and both trust stores of notation.",
    discussion: "Exit code 0: all is there. 1: something is missing, and verification would fail.")

  @Option(help: "A trust policy of hallmark.")
  var policy: String?

  @Option(help: "notation's configuration folder (holds trustpolicy.json and truststore/).")
  var notation: String?

  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await StandbyFailure.run("cannot check the standby policies") {
      guard policy != nil || notation != nil else { throw CommandFailure.usage("cannot check", why: "nothing is named", next: "use --policy, --notation or both") }
      try StandbyCheck(trust: policy, notation: notation, isStrict: true).run(output.format)
    }
  }
}

/// Looks at the files of a verifier and says what is missing.
struct StandbyCheck {
  var trust: String?
  var notation: String?
  /// Whether what is named must exist; else a missing folder means that this reader is not used.
  var isStrict = false

  func run(_ format: OutputFormat) throws {
    var lines: [(good: Bool, text: String)] = []
    if let trust {
      do {
        let policy = try Verification.trustFile(try LocalFile.bytes(trust, maxBytes: 4 << 20))
        lines.append((policy.keys.count >= 2, "\(trust): \(policy.keys.count) keys (\(policy.keys.map(\.name).joined(separator: ", ")))"))
      } catch let failure as CommandFailure { lines.append((false, "\(trust): \(failure.why)")) } catch { lines.append((false, "\(trust): \(error)")) }
    }
    if let notation, isStrict || LocalFile.exists(notation) {
      do {
        let findings = try NotationStores(folder: notation).check()
        if findings.count < 2 { lines.append((false, "\(notation): the policy names \(findings.count) trust stores where two are wanted")) }
        for finding in findings {
          lines.append((finding.problem == nil, "\(finding.store): " + (finding.problem ?? "\(finding.certificates) certificates")))
        }
      } catch let failure as CommandFailure { lines.append((false, "\(notation): \(failure.why)")) }
    }
    switch format {
    case .json:
      Console.print([
        "schema": "hallmark.standby-check/v1", "ok": .bool(lines.allSatisfy(\.good)),
        "findings": .array(lines.map { ["ok": .bool($0.good), "text": .string($0.text)] }),
      ])
    case .text: for line in lines { Console.print("\(line.good ? "ok      " : "missing ") \(Console.plain(line.text))") }
    }
    guard lines.allSatisfy(\.good) else {
      throw CommandFailure("not ready", why: lines.filter { !$0.good }.map(\.text).joined(separator: "; "), next: "roll out in the order of ROLLOUT.txt", code: Exit.no)
    }
  }
}
