internal import Clocks
internal import OCI
package import Trust

/// What admission holds to, read anew for each request.
package struct AdmissionPolicy: Sendable {
  package var trust: TrustPolicy
  /// Indexes that the inventory knows to list a manifest or to hold a config, as `sha256:…`, by that digest.
  package var indexes: [String: [String]]

  package init(trust: TrustPolicy, indexes: [String: [String]] = [:]) {
    self.trust = trust
    self.indexes = indexes
  }
}

/// The answer about one image.
struct ImageJudgement: Sendable, Equatable {
  enum Answer: Sendable, Equatable {
    case admit
    /// Not trusted, but the rule only warns or audits.
    case admitUnenforced
    case refuse
    case unknown
  }

  var answer: Answer
  /// `repository[:tag]@digest`; nil when the digest is not known.
  var pinned: String?
  var rule: String?
  var reasons: [String]
  /// The reference held a tag only.
  var wasTag: Bool
}

/// Judges one image: resolve, gather, decide. The same digest is resolved, judged and handed back.
struct ImageJudge: Sendable {
  let source: any ImageFactSource
  let cache: FactCache
  let policy: AdmissionPolicy
  let clock: TimeSource
  let verifier: any SignatureVerifier

  func judge(_ image: String) async -> ImageJudgement {
    let reference: ImageReference
    do throws(OCIError) { reference = try ImageReference(image) } catch {
      return ImageJudgement(answer: .refuse, pinned: nil, rule: nil, reasons: [error.description], wasTag: false)
    }
    let wasTag = reference.digest == nil
    var judgement: ImageJudgement
    do throws(ImageFactsError) {
      let digest: ContentDigest
      if let named = reference.digest { digest = named } else { digest = try await source.resolve(reference) }
      judgement = try await judge(digest, reference)
    } catch {
      let answer: ImageJudgement.Answer = if case .noSuchImage = error { .refuse } else { .unknown }
      judgement = ImageJudgement(answer: answer, pinned: nil, rule: nil, reasons: [error.description], wasTag: wasTag)
    }
    judgement.wasTag = wasTag
    return judgement
  }

  private func judge(_ digest: ContentDigest, _ reference: ImageReference) async throws(ImageFactsError) -> ImageJudgement {
    let name = reference.home.name + (reference.tag.map { ":\($0)" } ?? "")
    var judgement = try await decide(digest, reference.home)
    if judgement.answer == .refuse || judgement.answer == .unknown {
      // A signature usually sits on the index; the kubelet reports, and some people pin, the platform's manifest.
      for text in policy.indexes[digest.text] ?? [] {
        guard let index = try? ContentDigest(Substring(text)), index != digest else { continue }
        let facts: ImageFacts
        do throws(ImageFactsError) { facts = try await cache.facts(index, in: reference.home) } catch { continue }
        guard facts.members.contains(digest) else { continue }
        let whole = decide(on: facts)
        guard whole.answer == .admit || whole.answer == .admitUnenforced && judgement.answer != .admitUnenforced else { continue }
        judgement = whole
        judgement.reasons.append("signed as part of the index \(index.text)")
        break
      }
    }
    judgement.pinned = "\(name)@\(digest.text)"
    return judgement
  }

  private func decide(_ digest: ContentDigest, _ home: ImageRepository) async throws(ImageFactsError) -> ImageJudgement {
    decide(on: try await cache.facts(digest, in: home))
  }

  private func decide(on facts: ImageFacts) -> ImageJudgement {
    let decision = policy.trust.decide(on: facts.artifact, evidence: facts.signatures, at: clock.now().seconds, verifier: verifier)
    let answer: ImageJudgement.Answer =
      switch decision.outcome {
      case .admit: .admit
      case .admitUnenforced: .admitUnenforced
      case .refuse: .refuse
      case .undetermined: .unknown
      }
    var reasons = decision.reasons.map(\.text)
    if answer != .admit { reasons += decision.findings.filter { $0.verdict != .trusted }.flatMap { $0.reasons.map(\.text) }.prefix(8) }
    return ImageJudgement(answer: answer, pinned: nil, rule: decision.rule, reasons: reasons, wasTag: false)
  }
}
