import ArgumentParser
import Clocks
import Encodings
import Estate
import OCI
import Outbound
import Signing
import SigstoreFormats
import Trust

struct TraceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace",
    abstract: "Is this really ours? From an artifact to key version, audit record, role assignment and workload identity.",
    discussion: """
      The subject is an image (REGISTRY/REPOSITORY[:TAG][@DIGEST]), a file, a bundle, a digest (sha256:HEX), or pod:NAMESPACE/NAME of an inventory. Exit code 0: ours. 1: foreign, untrusted, unsigned or invalid. \
      3: unknown, or ours with a gap (--accept-gaps makes those 0). 4: the service failed. Whatever could not be seen is listed.

      Without a service the answer comes from --inventory, --intent, --ledger and --log, or from --database: nothing is asked but a registry.

      Backwards, without a subject: --key STORE/KEY[/VERSION], --identity ID or --assignment ID give the artifacts that depend on it and where they \
      run, from --database, or from --inventory, --ledger and --log. Exit code 0: that is all of it. 1: there is no such thing. 3: not everything was seen.
      """)

  @Argument(help: "An image reference, a file, a bundle, sha256:HEX, or pod:NAMESPACE/NAME.")
  var subject: String?

  @Option(help: "The bundle of a file; default FILE.sigstore.json when there is one.")
  var bundle: String?

  @Option(help: "A trust file: a good signature it refuses is `untrusted`.")
  var trust: String?

  @Option(help: "Without a subject: STORE/KEY[/VERSION], backwards. Else, Azure services only: the key (name or URL) whose versions, assignments and ledger lines to look at.")
  var key: String?

  @Option(name: .customLong("ledger"), parsing: .singleValue, help: "The signing side's ledger, or audit records: ties signatures to requests. Without a service it may be given several times.")
  var ledgers: [String] = []

  @Option(name: .customLong("inventory"), parsing: .singleValue, help: "An inventory snapshot: shows where the artifact runs; without a service also keys, grants and identities.")
  var inventories: [String] = []

  @Option(help: "The intent register: key versions it revokes are `untrusted`. From documents only.")
  var intent: String?

  @Flag(help: "Count `ours` with gaps as yes.")
  var acceptGaps = false

  @OptionGroup var reverse: ReverseOptions
  @OptionGroup var registry: RegistryOptions
  @OptionGroup var connection: ConnectionOptions
  @OptionGroup var output: OutputOptions

  private var documents: ReverseAnswer { ReverseAnswer(options: reverse, inventories: inventories, ledgers: ledgers, output: output.format) }

  /// Whether documents answer: a log or a database was named, a pod is asked for, or documents were named and no service is.
  private func isOffline(_ subject: String) -> Bool {
    if reverse.database != nil || !reverse.logs.isEmpty || intent != nil || subject.hasPrefix("pod:") { return true }
    return !(inventories.isEmpty && ledgers.isEmpty) && key == nil && !connection.settings.namesService
  }

  func run() async throws {
    try await Console.run("cannot trace \(subject ?? "backwards")") {
      let backwards = try reverse.question(subject: subject, key: key)
      guard let subject else {
        guard let backwards else { return }
        let code = try documents.answer(backwards, acceptGaps: acceptGaps)
        if code != 0 { throw ExitCode(code) }
        return
      }
      if isOffline(subject) {
        let offline = OfflineTrace(documents: documents, intent: intent, trust: trust, bundle: bundle, registry: registry)
        let code = try await offline.answer(subject, acceptGaps: acceptGaps)
        if code != 0 { throw ExitCode(code) }
        return
      }
      guard ledgers.count <= 1 else {
        throw CommandFailure.usage("cannot trace \(subject)", why: "with a service there is one ledger", next: "name one --ledger, or add --log or --database for a trace from documents")
      }
      let ledger = ledgers.first
      let snapshot = try documents.snapshot()
      var unseen: [TraceImage.Failure] = []
      var question: TraceQuestion
      if let (image, failure) = try await TraceImage(subject: subject, registry: registry).question() {
        question = image
        unseen = failure.map { [$0] } ?? []
      } else {
        question = try TraceSubject(subject: subject, bundle: bundle).question()
        if bundle == nil, let snapshot, !LocalFile.exists(subject), let digest = question.digests.all.first.flatMap({ try? ContentDigest($0.text) }) {
          let (found, failures) = try await TraceImage.search(digest, in: snapshot, registry: registry)
          question = found ?? question
          unseen = failures
        }
      }
      if let snapshot { question.locate(in: snapshot) }
      let policy = try trust.map { try Verification.trustFile(LocalFile.bytes($0, maxBytes: 4 << 20)) }
      let reference = try key.map { (text) throws(SigningError) in try KeyReference(parsing: text) }
      let wanted = question
      var gathered = try await connection.connect(to: reference?.store) { connection in
        await TraceSources(
          client: connection.client, key: reference, ledger: ledger,
          ledgerPath: self.connection.settings.ledgerPath(ledger, address: connection.client.address)
        ).gather(wanted)
      }
      for failure in unseen {
        gathered.facts.unseen.append(failure.sentence)
        gathered.remoteFailed = gathered.remoteFailed || failure.isRemote
      }
      var asked = question
      asked.knownRequestIDs = gathered.requestIDs
      let trace = Trace.compose(
        asked, facts: gathered.facts, policy: policy, at: TimeSource.system.now().seconds, verifier: Verification.verifier)
      switch output.format {
      case .json: Console.print(trace.json)
      case .text: Console.print(TraceText(trace).text)
      }
      let code = gathered.remoteFailed && trace.verdict == .unknown ? 4 : trace.verdict.exitCode(acceptGaps: acceptGaps)
      if code != 0 {
        Console.note("hallmark: \(subject): \(trace.verdict.rawValue)\(trace.reasons.isEmpty ? "" : ": " + trace.reasons.map(Console.plain).joined(separator: "; "))")
        throw ExitCode(code)
      }
    }
  }
}

/// What the user named.
struct TraceSubject {
  let subject: String
  let bundle: String?

  func question() throws -> TraceQuestion {
    if !LocalFile.exists(subject) { return try byDigest() }
    if bundle == nil, let evidence = try? Verification.bundle(subject) { return try byBundle(evidence) }
    let path = bundle ?? "\(subject).sigstore.json"
    let evidence = bundle != nil || LocalFile.exists(path) ? [try Verification.bundle(path)] : []
    // Which hash the key signs is not known before the facts are: all of them, in one pass over the file.
    let digests = try LocalFile.digests(subject, Set(HashAlgorithm.allCases))
    return TraceQuestion(digests: digests, refs: [subject], signatures: evidence)
  }

  private func byDigest() throws -> TraceQuestion {
    let text = subject.contains(":") ? subject.lowercased() : "sha256:\(subject.lowercased())"
    guard let digest = MessageDigest(text: text) else {
      throw CommandFailure.usage("cannot trace \(subject)", why: "there is no such file, and it is no digest (sha256:HEX)")
    }
    let evidence = try bundle.map { [try Verification.bundle($0)] } ?? []
    return TraceQuestion(digests: ArtifactDigests(only: digest), refs: [], signatures: evidence, lookedForSignatures: bundle != nil)
  }

  private func byBundle(_ evidence: SignatureEvidence) throws -> TraceQuestion {
    guard case .bundle(let bundle) = evidence.content, case .message(let message) = bundle.content, let digest = message.digest else {
      throw CommandFailure.usage(
        "cannot trace \(subject)", why: "the bundle does not say what it signs", next: "name the artifact, with --bundle \(subject)")
    }
    // The claimed digest is as good as one computed here: the signature is checked over exactly it.
    return TraceQuestion(digests: ArtifactDigests(only: digest), refs: [subject], signatures: [evidence])
  }
}

/// Facts for a trace, gathered from one service and the local ledger. What fails becomes a sentence in `unseen`.
struct TraceSources {
  struct Gathered {
    var facts = TraceFacts()
    var requestIDs: Set<String> = []
    var remoteFailed = false
  }

  let client: ManagedHSMClient
  let key: KeyReference?
  let ledger: String?
  let ledgerPath: String?

  func gather(_ question: TraceQuestion) async -> Gathered {
    var result = Gathered()
    let digests = Set(question.digests.all.map(\.text) + question.signatures.flatMap(\.signedDigests).map(\.text))
    if let path = ledgerPath, ledger != nil || LocalFile.exists(path) {
      do { result.requestIDs = try SigningLedger.requestIDs(inFile: path, digests: digests) } catch {
        result.facts.unseen.append("ledger: \(error.description)")
      }
      if !client.address.isOurs { readLedger(path, digests, &result) }
    }
    if client.address.isOurs {
      for query in queries(question) { await ask(query, &result) }
    } else {
      result.facts.unseen.append("audit log: that of \(client.address.host) is not read by this command; only the local ledger is")
      await azure(&result)
    }
    return result
  }

  private func queries(_ question: TraceQuestion) -> [[(name: String, value: String)]] {
    if question.image != nil { return imageQueries(question) }
    let hint = question.signatures.compactMap(Verification.hint).first
    // A bundle says which hash its key signs; without one, every digest is asked for.
    var claimed: Set<HashAlgorithm> = []
    for case .bundle(let bundle) in question.signatures.map(\.content) {
      if case .message(let message) = bundle.content, let claim = message.digest { claimed.insert(claim.algorithm) }
    }
    let wanted = question.digests.all.filter { claimed.isEmpty || claimed.contains($0.algorithm) }
    return wanted.map { digest in
      var query: [(name: String, value: String)] = [("digest", digest.text)]
      if let hint { query.append(("spki", Hex.encode(hint))) }
      return query
    }
  }

  /// A key signs the statement or payload of an image's signature, never the image's own digest.
  private func imageQueries(_ question: TraceQuestion) -> [[(name: String, value: String)]] {
    question.signatures.flatMap { evidence in
      evidence.signedDigests.map { digest in
        [("digest", digest.text)] + (evidence.namedKey.map { [("spki", Hex.encode($0))] } ?? [])
      }
    }
  }

  private func ask(_ query: [(name: String, value: String)], _ result: inout Gathered) async {
    do {
      let answer = try await client.call("GET", "/hallmark/v1/trace", query: query)
      result.facts.merge(try TraceFacts(trace: answer.body))
    } catch { note("service", error, &result) }
  }

  private func note(_ source: String, _ error: any Error, _ result: inout Gathered) {
    let text = (error as? OutboundError)?.description ?? (error as? FactError)?.description ?? String(describing: error)
    let sentence = "\(source): \(text)"
    if !result.facts.unseen.contains(sentence) { result.facts.unseen.append(sentence) }
    if case .refused(let refusal)? = error as? OutboundError, (400..<500).contains(refusal.status) { return }
    result.remoteFailed = true
  }

  private func readLedger(_ path: String, _ digests: Set<String>, _ result: inout Gathered) {
    guard let bytes = try? BoundedFile.bytes(path, maxBytes: 256 << 20) else {
      result.facts.unseen.append("ledger: \(path) cannot be read")
      return
    }
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      guard let value = try? JSONValue.parse(line), value["digest"]?.string.map(digests.contains) == true,
        let record = try? OperationRecord(value)
      else { continue }
      result.facts.records.append(record)
    }
  }

  /// A real Managed HSM or vault: key versions, and the role assignments as they are today.
  private func azure(_ result: inout Gathered) async {
    guard let key else {
      result.facts.unseen.append("keys: name the key with --key")
      return
    }
    do {
      let service = RemoteSigning(client: client, ledger: nil)
      for item in try await client.list("/keys/\(key.name)/versions").prefix(200) {
        guard let version = item["kid"]?.string?.split(separator: "/").last.map(String.init), KeyReference.isVersion(version) else { continue }
        let pinned = try await service.pin(KeyReference(store: nil, name: key.name, version: version))
        result.facts.keys.append(
          KeyVersionFact(
            name: pinned.name, version: pinned.version, kid: pinned.kid, created: item["attributes"]?["created"]?.int64,
            createdBy: nil, createdByName: nil, enabled: pinned.enabled, state: "active", publicKey: pinned.publicKey))
      }
    } catch { note("keys", error, &result) }
    guard client.address.home == .managedHSM else {
      result.facts.unseen.append("grants: those of a vault lie in Azure RBAC or access policies, which this command does not read")
      return
    }
    do {
      for item in try await client.list("/providers/Microsoft.Authorization/roleAssignments") {
        guard let properties = item["properties"], let id = item["name"]?.string, let scope = properties["scope"]?.string,
          let principal = properties["principalId"]?.string
        else { continue }
        result.facts.assignments.append(
          AssignmentFact(
            id: id, scope: scope, roleDefinitionID: properties["roleDefinitionId"]?.string, roleName: nil, principalID: principal,
            principalName: nil, createdBy: nil, createdByName: nil, createdAt: nil, deletedBy: nil, deletedAt: nil))
      }
    } catch { note("grants", error, &result) }
  }
}
