import Clocks
import Encodings
import Estate
import Outbound
import SQLiteStore
import SigstoreFormats
import Trust

/// A trace from documents or the estate database, without a service: the inventory has the keys, grants and identities, ledgers and logs the signings.
///
/// A registry that can be reached says what an image's digest is and which signatures it has. Without public keys (`--trust`) only what a sweep
/// verified counts: a signature that nobody checked is a gap.
struct OfflineTrace {
  let documents: ReverseAnswer
  let intent: String?
  let trust: String?
  let bundle: String?
  let registry: RegistryOptions

  /// - Returns: the exit code, the worst one when a pod runs several images.
  func answer(_ subject: String, acceptGaps: Bool) async throws -> Int32 {
    var snapshot = try documents.snapshot()
    let policy = try trust.map { try Verification.trustFile(LocalFile.bytes($0, maxBytes: 4 << 20)) }
    let revocations = try intent.map { try EstateDocuments.register($0).trustRevocations(keys: snapshot?.keys ?? []) } ?? []
    let wanted = try await self.wanted(subject, snapshot)
    let known = Set(snapshot?.artifacts.filter { $0.signatures != nil }.map(\.digest) ?? [])
    let seen = wanted.filter { !known.contains($0.digest) }.compactMap { $0.seen(ledgers: documents.ledgers, policy: policy) }
    if !seen.isEmpty {
      snapshot = snapshot ?? InventorySnapshot(takenAt: TimeSource.system.now())
      snapshot?.artifacts += seen
    }
    let database = try documents.database(snapshot)
    var codes: Set<Int32> = []
    for one in wanted {
      var trace = try EstateDatabase.explained { () throws(EstateStoreError) in try database.store.trace(digest: one.digest, revocations: revocations) }
      trace.add(reasons: one.reasons + database.gaps)
      switch documents.output {
      case .json: Console.print(trace.json)
      case .text: Console.print(StoredTraceText(trace.json).text)
      }
      let code = one.remoteFailed && trace.verdict == .unknown ? 4 : trace.verdict.exitCode(acceptGaps: acceptGaps)
      if code != 0 { Console.note("hallmark: \(Console.plain(subject)): \(trace.verdict.rawValue)") }
      codes.insert(code)
    }
    // A no weighs more than what could not be seen, whatever the numbers are.
    return [1, 4, 3].first(where: codes.contains) ?? 0
  }

  /// What a subject means.
  private struct Wanted {
    var digest: String
    var question: TraceQuestion?
    var reasons: [String] = []
    var remoteFailed = false

    /// The artifact as the registry or the bundle shows it now; nil when nobody looked.
    func seen(ledgers: [String], policy: TrustPolicy?) -> InventorySnapshot.Artifact? {
      guard let question, question.lookedForSignatures else { return nil }
      let judged = policy?.standing.decide(
        on: JudgedArtifact(digests: question.digests, image: question.image), evidence: question.signatures, at: TimeSource.system.now().seconds,
        verifier: Verification.verifier)
      let signatures = question.signatures.enumerated().compactMap { index, evidence -> InventorySnapshot.Signature? in
        let finding = judged?.findings[index]
        // A statement about the image, an SBOM say, does not sign it.
        guard finding?.role != .attestation, let format = InventorySnapshot.SignatureFormat(evidence.form) else { return nil }
        let spki = finding?.key?.fingerprintHex ?? evidence.namedKey.map { Hex.encode($0) }
        let signed = Set((evidence.signedDigests + question.digests.all).map(\.text))
        let requests = Set(ledgers.flatMap { (try? Array(SigningLedger.requestIDs(inFile: $0, digests: signed))) ?? [] })
        return InventorySnapshot.Signature(
          format: format, spkiSha256: spki, kid: nil, requestId: requests.count == 1 ? requests.first : nil,
          time: finding?.provenAt.map { Instant(seconds: $0) }, verified: finding?.key == nil ? nil : finding?.verdict == .trusted)
      }
      return InventorySnapshot.Artifact(digest: digest, names: question.refs, closure: question.closure, signatures: signatures, running: nil)
    }
  }

  private func wanted(_ subject: String, _ snapshot: InventorySnapshot?) async throws -> [Wanted] {
    if subject.hasPrefix("pod:") { return try pod(subject, snapshot) }
    if let (question, failure) = try await TraceImage(subject: subject, registry: registry).question() {
      if let digest = question.digests.all.first?.text {
        // Nobody reached the registry: what the inventory says of the digest that was named still stands.
        return [Wanted(digest: digest, question: failure == nil ? question : nil, reasons: failure.map { [$0.sentence] } ?? [], remoteFailed: failure?.isRemote ?? false)]
      }
      let named = snapshot?.artifacts.filter { $0.names.contains(subject) } ?? []
      let why = failure?.sentence ?? "registry: it names no digest"
      guard !named.isEmpty else { return [Wanted(digest: subject, reasons: [why], remoteFailed: failure?.isRemote ?? false)] }
      return named.map { Wanted(digest: $0.digest, reasons: [why, "the digest is the one the inventory has for this name"]) }
    }
    let question = try TraceSubject(subject: subject, bundle: bundle).question()
    guard let digest = question.digests.all.first(where: { $0.algorithm == .sha256 }) ?? question.digests.all.first else { return [] }
    return [Wanted(digest: digest.text, question: question.signatures.isEmpty ? nil : question)]
  }

  /// `pod:NAMESPACE/NAME`, or `pod:CLUSTER/NAMESPACE/NAME`: everything the inventory saw running there.
  private func pod(_ subject: String, _ snapshot: InventorySnapshot?) throws -> [Wanted] {
    let parts = subject.dropFirst(4).split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard (2...3).contains(parts.count), !parts.contains("") else {
      throw CommandFailure.usage("cannot trace \(Console.plain(subject))", why: "it is no pod:NAMESPACE/NAME", next: "pod:shop/web, or pod:CLUSTER/shop/web")
    }
    guard let snapshot else {
      throw CommandFailure.usage("cannot trace \(Console.plain(subject))", why: "what runs stands in a snapshot", next: "--inventory FILE, or hallmark inventory sync")
    }
    let (name, namespace) = (parts[parts.count - 1], parts[parts.count - 2])
    let found = snapshot.artifacts.filter { artifact in
      (artifact.running ?? []).contains { place in
        (place.workload == name || place.workload.hasSuffix("/\(name)")) && place.namespace == namespace && (parts.count == 2 || place.cluster == parts[0])
      }
    }
    guard !found.isEmpty else {
      // Whether nothing runs there, or nobody looked, is for the trace of a digest that nobody knows to say.
      return [Wanted(digest: subject, reasons: ["no inventory saw a workload of that name"])]
    }
    return found.map { Wanted(digest: $0.digest) }
  }
}
