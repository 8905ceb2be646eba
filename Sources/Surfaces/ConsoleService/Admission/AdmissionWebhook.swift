package import Clocks
package import KubernetesFormats
package import Trust

/// How admission behaves, besides the trust policy.
package struct AdmissionSettings: Sendable {
  package enum OnUnknown: String, Sendable, CaseIterable { case deny, warn }

  /// Namespaces that are let through without looking, consciously: one's own and `kube-system`, say.
  package var exemptNamespaces: Set<String> = []
  /// What happens when an image could not be judged.
  package var onUnknown: OnUnknown = .deny
  /// All images of a request must be judged in this time; below the webhook's own `timeoutSeconds`, which must be from 1 to 30.
  package var timeoutSeconds = 8

  package init() {}
}

/// Answers admission requests: are all images that this object brings in trusted, and pinned to the digest that was judged?
///
/// No verdict is kept. A dry run is answered like any other and leaves no trace.
package struct AdmissionWebhook: Sendable {
  /// Images of one request judged at a time.
  static let concurrency = 8

  let settings: AdmissionSettings
  let source: any ImageFactSource
  let cache: FactCache
  let policy: @Sendable () throws -> AdmissionPolicy
  let clock: TimeSource
  let verifier: any SignatureVerifier

  /// - Parameter policy: read anew for each request; when it throws, every image is unknown.
  package init(
    settings: AdmissionSettings, source: any ImageFactSource, clock: TimeSource = .system, verifier: any SignatureVerifier,
    policy: @escaping @Sendable () throws -> AdmissionPolicy
  ) {
    self.settings = settings
    self.source = source
    self.clock = clock
    self.verifier = verifier
    self.policy = policy
    cache = FactCache(source: source, clock: clock)
  }

  /// - Parameter mutates: pins tags to the digest that was judged; otherwise a reference without digest is refused.
  package func answer(_ request: AdmissionRequest, mutates: Bool) async throws(AdmissionError) -> AdmissionResponse {
    if let namespace = request.namespace, settings.exemptNamespaces.contains(namespace) {
      var response = AdmissionResponse(uid: request.uid, isAllowed: true)
      response.auditAnnotations = [("decision", "exempt"), ("reason", "namespace \(namespace) is exempt by configuration")]
      return response
    }
    guard let images = try request.newImages(), !images.isEmpty else { return AdmissionResponse(uid: request.uid, isAllowed: true) }
    let policy: AdmissionPolicy
    do { policy = try self.policy() } catch {
      return compose(request, images, Dictionary(uniqueKeysWithValues: Set(images.map(\.image)).map { ($0, .unknown("the trust policy cannot be read: \(error)")) }), mutates)
    }
    let judge = ImageJudge(source: source, cache: cache, policy: policy, clock: clock, verifier: verifier)
    return compose(request, images, await judgements(Set(images.map(\.image)).sorted(), judge), mutates)
  }

  private func judgements(_ images: [String], _ judge: ImageJudge) async -> [String: ImageJudgement] {
    enum Event: Sendable {
      case judged(String, ImageJudgement)
      case timeUp
    }
    var result: [String: ImageJudgement] = [:]
    await withTaskGroup(of: Event.self) { group in
      var waiting = images[...]
      func next() {
        guard let image = waiting.popFirst() else { return }
        group.addTask { .judged(image, await judge.judge(image)) }
      }
      group.addTask { [settings] in
        try? await Task.sleep(for: .seconds(settings.timeoutSeconds))
        return .timeUp
      }
      for _ in 0..<Self.concurrency { next() }
      for await event in group {
        guard case .judged(let image, let judgement) = event else { break }
        result[image] = judgement
        if result.count == images.count { break }
        next()
      }
      group.cancelAll()
    }
    for image in images where result[image] == nil { result[image] = .unknown("no verdict within \(settings.timeoutSeconds) s") }
    return result
  }

  private func compose(
    _ request: AdmissionRequest, _ images: [WorkloadImage], _ judgements: [String: ImageJudgement], _ mutates: Bool
  ) -> AdmissionResponse {
    var denials: [String] = []
    var response = AdmissionResponse(uid: request.uid, isAllowed: true)
    for image in images {
      guard let judgement = judgements[image.image] else { continue }
      let why = judgement.reasons.isEmpty ? "no reason given" : judgement.reasons.joined(separator: "; ")
      let name = "\(image.role == .volume ? "volume" : "container") \(image.container)"
      let place = "\(name): \(image.image)"
      switch judgement.answer {
      case .admit: break
      // A warning has room for 120 characters: what happened first, the image's name is in the object.
      case .admitUnenforced: response.warnings.append("\(name) is not trusted (\(judgement.rule ?? "rule") does not enforce): \(why)")
      case .refuse: denials.append("\(place) is not trusted: \(why)")
      case .unknown where settings.onUnknown == .warn: response.warnings.append("\(name) could not be judged: \(why)")
      case .unknown: denials.append("\(place) could not be judged: \(why)")
      }
      guard judgement.wasTag else { continue }
      if mutates, let pinned = judgement.pinned {
        response.replacements.append((image.pointer, pinned))
      } else if !mutates {
        denials.append("\(place) names a tag, which can be moved after this check; pin it to a digest\(judgement.pinned.map { ": \($0)" } ?? "")")
      }
    }
    response.auditAnnotations = annotations(images, judgements, denied: !denials.isEmpty)
    if !denials.isEmpty {
      response.isAllowed = false
      response.message = "hallmark: " + denials.joined(separator: " | ").prefix(3000)
      response.replacements = []
    }
    return response
  }

  private func annotations(
    _ images: [WorkloadImage], _ judgements: [String: ImageJudgement], denied: Bool
  ) -> [(name: String, value: String)] {
    var result: [(name: String, value: String)] = [("decision", denied ? "denied" : "allowed")]
    let pinned = Set(images.compactMap { judgements[$0.image]?.pinned }).sorted()
    if !pinned.isEmpty { result.append(("images", pinned.prefix(32).joined(separator: " "))) }
    let rules = Set(images.compactMap { judgements[$0.image]?.rule }).sorted()
    if !rules.isEmpty { result.append(("rules", rules.prefix(16).joined(separator: ", "))) }
    return result
  }
}

extension ImageJudgement {
  static func unknown(_ why: String) -> ImageJudgement {
    ImageJudgement(answer: .unknown, pinned: nil, rule: nil, reasons: [why], wasTag: false)
  }
}
