import ArgumentParser
import Clocks
import Encodings
import Foundation
import OCI
import Outbound
import Signing
import SigstoreFormats
import Telemetry
import Trust

/// What came of one artifact.
struct ResignItem: Sendable {
  enum Status: String, Sendable {
    case signed
    /// A journal says that an earlier run placed the signature.
    case doneBefore = "done-before"
    /// It verifies, and would be signed.
    case planned
    /// It does not verify under the other key: left alone.
    case notVerified = "not-verified"
    case failed
  }

  var name: String
  var status: Status
  var digest: String?
  var reason: String?
  var places: [String] = []
  var requestIDs: [String] = []
  /// Sign requests beyond the first that may have been performed.
  var extraAttempts = 0
  var isRemote = false
}

/// Verifies and signs the artifacts, some at a time; one that fails does not stop the others.
struct ResignRun: Sendable {
  let names: [String]
  let trust: TrustPolicy
  let formats: [SignatureFormat]
  let width: Int
  let session: SigningSession
  let registry: RegistryClient
  let journal: BatchJournalFile?
  let isDryRun: Bool

  /// In the order of the names.
  func perform() async -> [ResignItem] {
    let bar = ProgressBar("signing again", total: names.count, environment: ProcessInfo.processInfo.environment)
    var items = [ResignItem?](repeating: nil, count: names.count)
    await withTaskGroup(of: (Int, ResignItem).self) { group in
      var next = 0
      func add() {
        guard next < names.count else { return }
        let index = next
        next += 1
        group.addTask { (index, await item(names[index])) }
      }
      for _ in 0..<width { add() }
      while let (index, item) = await group.next() {
        add()
        items[index] = item
        bar.step(failed: item.status == .failed || item.status == .notVerified)
      }
    }
    bar.finish()
    return items.compactMap(\.self)
  }

  private func item(_ name: String) async -> ResignItem {
    do { return try await ArtifactReading.isFile(name) ? blob(name) : image(name) } catch {
      let failure = SigningFailure.explain(error, name)
      return ResignItem(name: name, status: .failed, reason: failure.why, isRemote: failure.code == Exit.remote || error is RegistryError)
    }
  }

  private func image(_ name: String) async throws -> ResignItem {
    let reference = try ArtifactReading.reference(name)
    let found = try await ImageEvidence.gather(reference, from: registry)
    let digest = found.image.descriptor.digest.text
    let decision = trust.decide(on: found.artifact, evidence: found.signatures, at: now, verifier: Verification.verifier)
    guard decision.verdict == .trusted else { return refused(name, digest, decision) }
    // The digest that was verified is signed, whatever the tag says by then.
    let image = try await ArtifactReading(session: session).images(ImageReference(home: reference.home, digest: found.image.descriptor.digest), recursive: false)
    return try await sign(
      name, digest, image.map { SigningJob(artifact: .image($0), claim: .signature(annotations: []), outputs: formats.map { .init($0) }) })
  }

  private func blob(_ path: String) async throws -> ResignItem {
    let evidence = try BlobEvidence.gather(path, bundles: [], signature: nil)
    let artifact = try ArtifactReading(session: session).blob(path)
    guard case .blob(let blob) = artifact, let digest = blob.digests[.sha256] else { return ResignItem(name: path, status: .failed, reason: "it has no digest") }
    let decision = trust.decide(on: blob.digests, signatures: evidence, at: now, verifier: Verification.verifier)
    guard decision.verdict == .trusted else { return refused(path, digest.text, decision) }
    let signer = session.signers.first?.name ?? StandbyRole.standby.rawValue
    let place = Placement.path("\(path).sigstore.json", signer: signer, isFirst: false)
    return try await sign(path, digest.text, [SigningJob(artifact: artifact, claim: .signature(annotations: []), outputs: [.init(.bundle, path: place)])])
  }

  private func sign(_ name: String, _ digest: String, _ jobs: [SigningJob]) async throws -> ResignItem {
    var item = ResignItem(name: name, status: .planned, digest: digest)
    guard !isDryRun else { return item }
    var results: [JobResult] = []
    for job in jobs { results.append(try await session.perform(job, journal: journal)) }
    let documents = results.flatMap(\.documents)
    item.status = documents.allSatisfy { $0.origin == .doneBefore } ? .doneBefore : .signed
    item.places = documents.map { $0.placed?.text ?? $0.planned.placement.text }
    item.requestIDs = results.flatMap(\.signatures).compactMap(\.requestID)
    item.extraAttempts = results.flatMap(\.signatures).map { max(0, $0.attempts - 1) }.reduce(0, +)
    if let journal, documents.contains(where: { if case .signed = $0.origin { journal.wasBegun($0.planned) } else { false } }) {
      item.reason = "an earlier run asked for this signature and did not get to place it; it was asked for again, the audit log shows both"
    }
    return item
  }

  private func refused(_ name: String, _ digest: String, _ decision: Decision) -> ResignItem {
    let reasons = decision.findings.flatMap(\.reasons) + decision.reasons
    return ResignItem(name: name, status: .notVerified, digest: digest, reason: reasons.map(\.text).joined(separator: "; "))
  }

  private var now: Int64 { TimeSource.system.now().seconds }
}

/// What a run came to.
struct ResignReport {
  let configuration: StandbyConfiguration
  let under: StandbyRole
  let source: String
  let items: [ResignItem]
  let operations: Int

  private func count(_ status: ResignItem.Status) -> Int { items.count { $0.status == status } }

  /// Nil when everything is signed.
  var code: ExitCode? {
    let bad = items.filter { $0.status == .failed || $0.status == .notVerified }
    guard !bad.isEmpty else { return nil }
    return bad.allSatisfy(\.isRemote) ? Exit.remote : Exit.no
  }

  var json: JSONValue {
    [
      "schema": "hallmark.resign/v1", "name": .string(configuration.name), "epoch": .integer(configuration.epoch), "under": .string(under.rawValue),
      "key": .string(configuration.pair[under].text), "from": .string(source), "at": .string(ISO8601.format(seconds: TimeSource.system.now().seconds)),
      "counts": [
        "signed": .integer(count(.signed)), "doneBefore": .integer(count(.doneBefore)), "planned": .integer(count(.planned)),
        "notVerified": .integer(count(.notVerified)), "failed": .integer(count(.failed)),
      ],
      "hsmOperations": .integer(operations), "items": .array(items.map(json)),
    ]
  }

  private func json(_ item: ResignItem) -> JSONValue {
    var object: JSONObject = ["artifact": .string(item.name), "status": .string(item.status.rawValue)]
    object.set("digest", ifPresent: item.digest.map { .string($0) })
    object.set("reason", ifPresent: item.reason.map { .string($0) })
    if !item.places.isEmpty { object["places"] = .array(item.places.map { .string($0) }) }
    if !item.requestIDs.isEmpty { object["requestIds"] = .array(item.requestIDs.map { .string($0) }) }
    if item.extraAttempts > 0 { object["extraAttempts"] = .integer(item.extraAttempts) }
    return .object(object)
  }

  func show(_ format: OutputFormat) {
    switch format {
    case .json: Console.print(json)
    case .text:
      for item in items {
        let rest = item.places.isEmpty ? "" : " -> \(item.places.joined(separator: ", "))"
        Console.print("\(item.status.rawValue.padding(toLength: 13, withPad: " ", startingAt: 0))\(Console.plain(item.name))\(Console.plain(rest))\(item.reason.map { ": \(Console.plain($0))" } ?? "")")
      }
      Console.print(
        "\(items.count) artifacts: \(count(.signed)) signed, \(count(.doneBefore)) done before, \(count(.notVerified)) do not verify, \(count(.failed)) failed; HSM operations: \(operations)")
    }
    for item in items where item.extraAttempts > 0 {
      Console.note("note: \(item.extraAttempts + 1) sign requests may have been performed for \(Console.plain(item.name)); the audit log shows each")
    }
  }
}
