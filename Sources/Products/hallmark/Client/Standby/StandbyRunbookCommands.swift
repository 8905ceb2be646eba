import ArgumentParser
import Clocks
import Encodings
import Foundation
import Outbound
import Signing
import SigstoreFormats
import Trust

/// What both proposals take.
struct RunbookProposalOptions: ParsableArguments {
  @Option(name: .customLong("config"), help: "The standby configuration (HALLMARK_STANDBY_CONFIG); default hallmark-standby.json.")
  var path: String?

  @Option(help: "Why: approvers read this.")
  var why: String

  @Option(name: .customLong("as"), help: "Your own approver key, https://HOST/keys/NAME: the proposal is signed with it.")
  var key: String

  @Option(help: "Where the runbook goes.")
  var out = "standby-runbook.json"

  @Option(name: .customLong("expires-in"), help: "Seconds until it can no longer be executed.")
  var expiresIn = 14_400

  @Option(name: .customLong("step"), help: "A further step for the people who act on it; may be repeated.")
  var steps: [String] = []

  @OptionGroup var connection: ConnectionOptions
  @OptionGroup var output: OutputOptions
}

struct StandbyPromoteCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "promote", abstract: "Propose that the standby becomes the active key.",
    discussion: """
      Watches the primary for as long as the rules ask and writes the proof into the runbook; a primary that answers is not given up, unless the \
      change is --planned. Nothing changes before others have approved it and it is executed.
      """)

  @Flag(help: "The primary may be there: an exercise, maintenance, a key that must no longer be used.")
  var planned = false

  @OptionGroup var proposal: RunbookProposalOptions

  func run() async throws {
    try await StandbyFailure.run("cannot propose the promotion") { try await RunbookProposal(action: .promote, planned: planned, options: proposal).run() }
  }
}

struct StandbyDemoteCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "demote", abstract: "Propose that the primary becomes the active key again.")

  @OptionGroup var proposal: RunbookProposalOptions

  func run() async throws {
    try await StandbyFailure.run("cannot propose the return") { try await RunbookProposal(action: .demote, planned: true, options: proposal).run() }
  }
}

/// Makes and signs a proposal.
struct RunbookProposal {
  let action: StandbyRunbook.Action
  let planned: Bool
  let options: RunbookProposalOptions

  func run() async throws {
    let file = try StandbyFile(options.path)
    let configuration = file.configuration
    guard configuration.active != action.makes else { throw RunbookRefusal.nothingToDo(configuration.active) }
    guard (60...2_592_000).contains(options.expiresIn) else { throw CommandFailure.usage("cannot use --expires-in", why: "60 seconds to 30 days expected") }
    guard !LocalFile.exists(options.out) else { throw CommandFailure.usage("cannot write \(options.out)", why: "it exists", next: "use --out") }
    let outage = try await outage(configuration)
    let signer = try await RunbookSigner.seat(options.key, options.connection)
    let me = try signer.person(configuration)
    let now = TimeSource.system.now().seconds
    let id = Entropy.system.uuid()
    let runbook = StandbyRunbook(
      id: id, action: action, name: configuration.name, proposer: me, proposerKey: signer.key.publicKey.fingerprint, why: options.why, proposedAt: now,
      expires: now + Int64(options.expiresIn), primary: configuration.pair.primary.text, standby: configuration.pair.standby.text, before: file.digest,
      after: StandbyConfiguration.digest(configuration.after(making: action.makes, by: id).serialized), outage: outage, isPlanned: planned,
      steps: steps(configuration) + options.steps)
    var document = RunbookDocument(runbook)
    // What approvers will read must be readable.
    _ = try RunbookDocument(parsing: document.serialized)
    document.signatures.append(try await signer.sign(document))
    try LocalFile.write(document.serialized, to: options.out)
    try StandbyEvents.append("runbook-proposed", ["runbook": .string(id), "proposer": .string(me), "action": .string(action.rawValue)], to: nil)
    RunbookView(document, file, path: options.out).show(options.output.format)
  }

  private func outage(_ configuration: StandbyConfiguration) async throws -> [ReachAttempt] {
    guard action == .promote, !planned else { return [] }
    let probe = try ReachProbe(configuration.pair.primary.store ?? "", settings: options.connection.settings)
    let (attempts, assessment) = try await probe.watch(configuration.rules)
    switch assessment {
    case .proven: return attempts
    case .disproven(let attempt):
      throw CommandFailure(
        "cannot propose the promotion", why: StandbyRefusal.primaryAnswers(attempt).description, next: "use --planned for a change while the primary is there", code: Exit.no)
    case .unproven(let attempts, let seconds):
      throw CommandFailure("cannot propose the promotion", why: StandbyRefusal.unproven(attempts: attempts, seconds: seconds).description, code: Exit.no)
    case .ask: throw CommandFailure("cannot propose the promotion", why: "the watch did not end", code: Exit.undecided)
    }
  }

  private func steps(_ configuration: StandbyConfiguration) -> [String] {
    let to = configuration.pair[action.makes].text
    return [
      "Tell everybody who signs that \(to) becomes the active key.",
      "\(configuration.threshold) persons other than the proposer read this runbook and approve it: hallmark standby approve",
      "hallmark standby execute writes the configuration; distribute it to everything that signs.",
      action == .promote
        ? "Re-sign what must be verifiable with the standby's key: hallmark resign --from LIST --under standby"
        : "Check that the primary signs: sign one artifact and verify it under both policies.",
      "Keep the runbook and its executed record with the audit records of the HSM that holds the approvers' keys.",
    ]
  }
}

/// An approver's key in its HSM, and how a runbook is signed with it. Every signature is an audit record there.
struct RunbookSigner {
  let key: PinnedKey
  let settings: ConnectionSettings
  let store: String?

  /// With the connection's own settings; when the environment names the standby apart, and the key is not of the primary, with those.
  static func seat(_ text: String, _ connection: ConnectionOptions) async throws -> RunbookSigner {
    let reference = try KeyReference(parsing: text)
    var settings = connection.settings
    let environment = settings.environment
    if settings.tokenFile == nil, environment["HALLMARK_STANDBY_TOKEN"] != nil || environment["HALLMARK_STANDBY_URL"] != nil,
      let store = reference.store, store != environment["HALLMARK_URL"]
    {
      settings = StandbySettings.make(settings, store: store, ca: nil, tokenFile: nil)
    }
    let key = try await settings.connect(to: reference.store) { try await RemoteSigning(client: $0.client, ledger: nil).pin(reference) }
    return RunbookSigner(key: key, settings: settings, store: reference.store)
  }

  /// Whose key it is.
  func person(_ configuration: StandbyConfiguration) throws -> String {
    guard let approver = configuration.approvers.first(where: { $0.key == key.publicKey }) else {
      throw CommandFailure("cannot sign the runbook", why: "key \(key.kid) is no approver's of this configuration", code: Exit.no)
    }
    return approver.person
  }

  func sign(_ document: RunbookDocument) async throws -> RunbookDocument.Signature {
    .init(keyFingerprint: key.publicKey.fingerprint, bytes: try await signature(document.signedDigests))
  }

  /// One sign call, checked. DER for EC keys.
  func signature(_ digests: ArtifactDigests) async throws -> [UInt8] {
    let scheme = SignatureScheme.preferred(for: key.publicKey.kind)
    guard let digest = digests[scheme.hash] else { throw SigningError.digestMissing(artifact: "runbook", hash: scheme.hash.rawValue) }
    return try await settings.connect(to: store) { connection in
      let path = settings.ledgerPath(nil, address: connection.client.address)
      let service = RemoteSigning(client: connection.client, ledger: path.map { SigningLedger(file: $0) })
      let signing = try DigestSigning(digest, key: key, scheme: scheme, service: service, now: TimeSource.system.now().seconds)
      return try await signing.run(verifier: Verification.verifier).signature
    }
  }
}

/// A runbook as people read it.
struct RunbookView {
  let document: RunbookDocument
  let file: StandbyFile
  let path: String

  init(_ document: RunbookDocument, _ file: StandbyFile, path: String) {
    self.document = document
    self.file = file
    self.path = path
  }

  static func read(_ path: String) throws -> RunbookDocument {
    do { return try RunbookDocument(parsing: try LocalFile.bytes(path, maxBytes: RunbookDocument.limits.maxBytes)) } catch let error as StandbyError {
      throw CommandFailure.usage("cannot read the runbook \(path)", why: error.description)
    }
  }

  /// Why it cannot be executed now; nil when it can.
  var refusal: RunbookRefusal? {
    do throws(RunbookRefusal) {
      _ = try document.check(file.configuration, fileDigest: file.digest, now: TimeSource.system.now().seconds, verifier: Verification.verifier)
      return nil
    } catch { return error }
  }

  func show(_ format: OutputFormat) {
    let runbook = document.runbook
    let signers = document.signers(file.configuration, now: TimeSource.system.now().seconds, verifier: Verification.verifier)
    switch format {
    case .json:
      Console.print([
        "schema": "hallmark.standby-runbook-view/v1", "path": .string(path), "id": .string(runbook.id), "action": .string(runbook.action.rawValue),
        "statement": runbook.statement, "isProposed": .bool(signers.isProposed), "approvals": .array(signers.approvals.map { .string($0) }),
        "discounted": .array(signers.discounted.map { .string($0) }), "needed": .integer(file.configuration.threshold),
        "executable": .bool(refusal == nil), "refusal": refusal.map { ["code": .string($0.code), "text": .string($0.description)] } ?? .null,
      ])
    case .text:
      var rows = [
        ["runbook", "\(runbook.id) (\(path))"], ["action", "\(runbook.action.rawValue) \(runbook.name): \(file.configuration.pair[runbook.action.makes].text) becomes the active key"],
        ["why", runbook.why], ["proposed", "\(ISO8601.format(seconds: runbook.proposedAt)) by \(runbook.proposer), expires \(ISO8601.format(seconds: runbook.expires))"],
        ["outage", runbook.isPlanned ? "none: a planned change" : "\(runbook.outage.count) failed attempts"],
      ]
      for attempt in runbook.outage { rows.append(["", "\(ISO8601.format(nanoseconds: attempt.at)) \(attempt.outcome.description)"]) }
      for step in runbook.steps { rows.append(["step", step]) }
      rows.append(["approvals", "\(signers.approvals.count) of \(file.configuration.threshold) \(signers.approvals.joined(separator: ", "))"])
      for text in signers.discounted { rows.append(["not counted", text]) }
      rows.append(["executable", refusal?.description ?? "yes: hallmark standby execute \(path)"])
      Console.print(Console.table(rows))
    }
  }
}

struct StandbyShowCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "show", abstract: "Show a runbook, who signed it, and whether it can be executed.")

  @Argument(help: "The runbook.")
  var runbook: String

  @Option(name: .customLong("config"), help: "The standby configuration (HALLMARK_STANDBY_CONFIG); default hallmark-standby.json.")
  var path: String?

  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await StandbyFailure.run("cannot show \(runbook)") {
      RunbookView(try RunbookView.read(runbook), try StandbyFile(path), path: runbook).show(output.format)
    }
  }
}

struct StandbyApproveCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "approve", abstract: "Approve a runbook: sign it with your own approver key. Who proposed it cannot.")

  @Argument(help: "The runbook.")
  var runbook: String

  @Option(name: .customLong("as"), help: "Your own approver key, https://HOST/keys/NAME.")
  var key: String

  @Option(name: .customLong("config"), help: "The standby configuration (HALLMARK_STANDBY_CONFIG); default hallmark-standby.json.")
  var path: String?

  @OptionGroup var connection: ConnectionOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await StandbyFailure.run("cannot approve \(runbook)") {
      let file = try StandbyFile(path)
      var document = try RunbookView.read(runbook)
      // Everything but the number of approvals must be in order before somebody puts a name to it.
      if let refusal = RunbookView(document, file, path: runbook).refusal {
        guard case .notEnoughApprovals = refusal else { throw refusal }
      }
      let signer = try await RunbookSigner.seat(key, connection)
      let person = try signer.person(file.configuration)
      guard person != document.runbook.proposer else {
        throw CommandFailure("cannot approve \(runbook)", why: "\(person) proposed it; somebody else must approve it", code: Exit.no)
      }
      let already = document.signers(file.configuration, now: TimeSource.system.now().seconds, verifier: Verification.verifier)
      guard !already.approvals.contains(person) else { throw CommandFailure("cannot approve \(runbook)", why: "\(person) has approved it already", code: Exit.no) }
      document.signatures.append(try await signer.sign(document))
      try LocalFile.write(document.serialized, to: runbook)
      try StandbyEvents.append("runbook-approved", ["runbook": .string(document.runbook.id), "approver": .string(person)], to: nil)
      RunbookView(document, file, path: runbook).show(output.format)
    }
  }
}

struct StandbyExecuteCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "execute", abstract: "Execute an approved runbook: sign the record of it, then write the new configuration.",
    discussion: "The record is RUNBOOK.executed.json, a signed statement. The configuration is replaced in one step; a runbook cannot be executed twice.")

  @Argument(help: "The runbook.")
  var runbook: String

  @Option(name: .customLong("as"), help: "The approver key that signs the record.")
  var key: String

  @Option(name: .customLong("config"), help: "The standby configuration (HALLMARK_STANDBY_CONFIG); default hallmark-standby.json.")
  var path: String?

  @OptionGroup var connection: ConnectionOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await StandbyFailure.run("cannot execute \(runbook)") {
      let file = try StandbyFile(path)
      let document = try RunbookView.read(runbook)
      let now = TimeSource.system.now().seconds
      let approved = try document.check(file.configuration, fileDigest: file.digest, now: now, verifier: Verification.verifier)
      let signer = try await RunbookSigner.seat(key, connection)
      let executor = try signer.person(file.configuration)
      let record = ExecutedRunbook(approved, executor: executor, executorKey: signer.key.publicKey.fingerprint, at: now)
      let envelope = Envelope(payloadType: RunbookDocument.payloadType, payload: record.payload, signature: [])
      var stream = DigestStream(HashAlgorithm.allCases)
      stream.update(envelope.signedBytes)
      let signature = try await signer.signature(stream.finish())
      let sealed = Envelope(
        payloadType: envelope.payloadType, payload: envelope.payload, signature: signature, keyID: Hex.encode(signer.key.publicKey.fingerprint))
      let place = "\(runbook).executed.json"
      try LocalFile.write(sealed.serialized(), to: place)
      // Somebody may have changed the file while we signed.
      guard StandbyConfiguration.digest(try LocalFile.bytes(file.path, maxBytes: StandbyConfiguration.maxBytes)) == file.digest else {
        unlink(place)
        throw CommandFailure("cannot execute \(runbook)", why: "\(file.path) has changed meanwhile; nothing was done", code: Exit.no)
      }
      do { try LocalFile.write(approved.next.serialized, to: file.path) } catch {
        unlink(place)
        throw error
      }
      try StandbyEvents.append(
        "runbook-executed", ["runbook": .string(document.runbook.id), "executor": .string(executor), "active": .string(approved.next.active.rawValue)], to: nil)
      show(approved, file.path, place)
    }
  }

  private func show(_ approved: ApprovedRunbook, _ configuration: String, _ record: String) {
    switch output.format {
    case .json:
      Console.print([
        "schema": "hallmark.standby-executed/v1", "runbook": .string(approved.document.runbook.id), "active": .string(approved.next.active.rawValue),
        "epoch": .integer(approved.next.epoch), "approvals": .array(approved.approvals.map { .string($0) }), "configuration": .string(configuration),
        "record": .string(record),
      ])
    case .text:
      Console.print("executed \(approved.document.runbook.id), approved by \(approved.approvals.joined(separator: ", "))")
      Console.print("active   \(approved.next.active.rawValue): \(approved.next.pair[approved.next.active].text) (epoch \(approved.next.epoch))")
      Console.print("wrote    \(configuration)\nwrote    \(record)")
    }
  }
}
