package import Clocks
package import SigstoreFormats

/// Puts finished documents where they go: files, registries.
///
/// Must have them there, readable by others, when it returns. Placing the same document twice leaves one.
package protocol DocumentPlacer: Sendable {
  func place(_ document: SealedDocument, at placement: Placement) async throws -> PlacedDocument
}

/// A document in its place.
package struct PlacedDocument: Sendable, Hashable {
  /// The path, or `registry/repository@digest`.
  package var text: String
  /// SHA-256 of what is there: of the file, or of the manifest that was pushed.
  package var digest: MessageDigest
  /// How a registry lists it: `api`, `tag`; nil for files.
  package var listing: String?

  package init(text: String, digest: MessageDigest, listing: String? = nil) {
    self.text = text
    self.digest = digest
    self.listing = listing
  }
}

/// What came of one document of a job.
package struct DocumentResult: Sendable, Hashable {
  package enum Origin: Sendable, Hashable {
    case signed(CompletedSignature)
    /// Found in the cache, at this place; no HSM operation.
    case reused(from: String)
    /// A journal says that an earlier run placed it.
    case doneBefore
  }

  package var planned: PlannedDocument
  package var origin: Origin
  /// Nil only for `doneBefore`.
  package var placed: PlacedDocument?
}

/// What a finished job produced.
package struct JobResult: Sendable {
  package var plan: JobPlan
  package var documents: [DocumentResult]
  /// Signers that stood in for others, with the reason.
  package var substitutions: [(replaced: String, by: String, why: String)]

  /// The sign calls this job made or shared, each once.
  package var signatures: [CompletedSignature] {
    var seen: Set<SigningCall> = []
    return documents.compactMap {
      guard case .signed(let made) = $0.origin, seen.insert(made.call).inserted else { return nil }
      return made
    }
  }
}

/// Performs jobs one after the other or side by side: what a command line or a server builds once per run.
package struct JobRun: Sendable {
  private let chooser: any SignerChooser
  private let desk: SigningDesk
  private let cache: (any SignatureCache)?
  private let placer: any DocumentPlacer
  private let meter: StepMeter
  private let purpose: String
  private let clock: TimeSource

  package init(
    chooser: any SignerChooser, desk: SigningDesk, cache: (any SignatureCache)? = nil, placer: any DocumentPlacer, meter: StepMeter,
    purpose: String = "", clock: TimeSource = .system
  ) {
    self.chooser = chooser
    self.desk = desk
    self.cache = cache
    self.placer = placer
    self.meter = meter
    self.purpose = purpose
    self.clock = clock
  }

  package func plan(_ job: SigningJob) async throws -> JobPlan { try plan(job, seated: await chooser.signers()) }

  private func plan(_ job: SigningJob, seated: [SeatedSigner]) throws(SigningError) -> JobPlan {
    try meter.measure(.envelope) { () throws(SigningError) in
      try JobPlan.make(job, signers: seated.map(\.signer), purpose: purpose, now: clock.now().seconds)
    }
  }

  /// Performs one job: cache, sign calls, checks, placing.
  ///
  /// Nothing is placed before every sign call of the job has succeeded. When placing fails half way, what was placed before stays and was
  /// reported to `onPlaced`.
  /// - Parameters:
  ///   - isDone: whether an earlier run placed this document: then it is left out.
  ///   - onPlan: told what is about to happen, before each try.
  ///   - onPlaced: told of every document as soon as it is in place.
  package func perform(
    _ job: SigningJob, isDone: @Sendable (PlannedDocument) -> Bool = { _ in false },
    onPlan: @Sendable ([PlannedDocument]) async throws -> Void = { _ in },
    onPlaced: @Sendable (DocumentResult) async throws -> Void = { _ in }
  ) async throws -> JobResult {
    var seated = try await chooser.signers()
    var substitutions: [(replaced: String, by: String, why: String)] = []
    while true {
      let plan = try plan(job, seated: seated)
      let open = plan.documents.filter { !isDone($0) }
      let cached = try await lookUp(open, plan)
      let missing = open.filter { cached[$0] == nil }
      if !missing.isEmpty { try await onPlan(missing) }
      switch try await sign(missing, seated) {
      case .signed(let signatures):
        let documents = try await place(plan, open: open, cached: cached, signatures: signatures, onPlaced)
        return JobResult(plan: plan, documents: documents, substitutions: substitutions)
      case .failed(let signer, let error):
        guard let index = seated.firstIndex(where: { $0.signer.name == signer }),
          !substitutions.contains(where: { $0.by == signer || $0.replaced == signer }),
          let stand = await chooser.replacement(for: seated[index].signer, after: error)
        else { throw error }
        substitutions.append((signer, stand.seated.signer.name, stand.why))
        seated[index] = stand.seated
      }
    }
  }

  private enum Outcome: Sendable {
    case signed([SigningCall: CompletedSignature])
    case failed(signer: String, any Error)
  }

  /// All calls side by side; the first failure decides.
  private func sign(_ documents: [PlannedDocument], _ seated: [SeatedSigner]) async throws -> Outcome {
    var signer: [SigningCall: String] = [:]
    for document in documents { signer[document.call] = document.signer }
    return try await withThrowingTaskGroup(of: Outcome.self) { group in
      for (call, name) in signer {
        guard let seat = seated.first(where: { $0.signer.name == name }) else { continue }
        group.addTask {
          do {
            return .signed([call: try await desk.signature(call, by: seat)])
          } catch is CancellationError { throw CancellationError() } catch { return .failed(signer: name, error) }
        }
      }
      var result: [SigningCall: CompletedSignature] = [:]
      var failure: Outcome?
      for try await outcome in group {
        switch outcome {
        case .signed(let made): result.merge(made) { first, _ in first }
        case .failed: failure = failure ?? outcome
        }
      }
      return failure ?? .signed(result)
    }
  }

  private func lookUp(_ documents: [PlannedDocument], _ plan: JobPlan) async throws -> [PlannedDocument: CachedDocument] {
    guard let cache else { return [:] }
    var found: [PlannedDocument: CachedDocument] = [:]
    for document in documents {
      guard let signer = plan.signers.first(where: { $0.name == document.signer }) else { continue }
      found[document] = try await meter.measure(.cache) {
        try await cache.lookup(document.cacheKey, signer: signer, job: plan.job, now: plan.madeAt)
      }
    }
    return found
  }

  private func place(
    _ plan: JobPlan, open: [PlannedDocument], cached: [PlannedDocument: CachedDocument], signatures: [SigningCall: CompletedSignature],
    _ onPlaced: @Sendable (DocumentResult) async throws -> Void
  ) async throws -> [DocumentResult] {
    let openSet = Set(open)
    var results: [DocumentResult] = []
    for document in plan.documents {
      guard openSet.contains(document) else {
        results.append(DocumentResult(planned: document, origin: .doneBefore, placed: nil))
        continue
      }
      guard let signer = plan.signers.first(where: { $0.name == document.signer }) else { continue }
      let result: DocumentResult
      if let hit = cached[document] {
        let placed = hit.isPlaced ? PlacedDocument(text: hit.source, digest: UnsignedForm.digest(of: hit.document.bytes, .sha256)) : try await put(hit.document, document)
        result = DocumentResult(planned: document, origin: .reused(from: hit.source), placed: placed)
      } else if let made = signatures[document.call] {
        let sealed = try meter.measure(.envelope) { () throws(SigningError) in
          try document.form.sealed(document.format, signature: made.signature, signer: signer, createdAt: plan.madeAt)
        }
        result = DocumentResult(planned: document, origin: .signed(made), placed: try await put(sealed, document))
        if let cache {
          try await meter.measure(.cache) {
            try await cache.store(sealed, for: document.cacheKey, signer: signer, job: plan.job, now: plan.madeAt)
          }
        }
      } else {
        continue
      }
      results.append(result)
      try await onPlaced(result)
    }
    return results
  }

  private func put(_ sealed: SealedDocument, _ document: PlannedDocument) async throws -> PlacedDocument {
    let hop: SigningHop
    switch document.placement {
    case .file: hop = .write
    case .referrer, .tag: hop = .registry
    }
    return try await meter.measure(hop) { try await placer.place(sealed, at: document.placement) }
  }
}
