/// Another verifier's configuration made from a policy: files to write, and what they say differently.
///
/// It is never quietly weaker than the policy. What a tool cannot express is left out on the strict side: the tool then refuses what ours
/// would accept. Where even that is impossible, there is a note of kind `weaker`, and whoever writes the files must be told.
package struct TrustExport: Sendable, Hashable {
  package enum Target: String, Sendable, Hashable, CaseIterable {
    case cosign
    case notation
    case skopeo
    case policyController = "policy-controller"
    case kyverno
    case ratify
  }

  package struct File: Sendable, Hashable {
    /// Relative; folders are made as needed.
    package var path: String
    package var text: String
    package var isExecutable = false

    package init(path: String, text: String, isExecutable: Bool = false) {
      self.path = path
      self.text = text
      self.isExecutable = isExecutable
    }
  }

  package struct Note: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
      /// The tool accepts what ours refuses: written only when asked for.
      case weaker
      /// Depends on how the tool is installed or on what happens later.
      case attention
      /// Not in the export: the tool refuses what ours would accept.
      case missing
      /// The tool demands more.
      case stricter
    }

    package var kind: Kind
    package var text: String

    package init(_ kind: Kind, _ text: String) {
      self.kind = kind
      self.text = text
    }
  }

  package var target: Target
  package var files: [File] = []
  package var notes: [Note] = []

  package var isWeaker: Bool { notes.contains { $0.kind == .weaker } }

  mutating func note(_ kind: Note.Kind, _ text: String) {
    let note = Note(kind, text)
    if !notes.contains(note) { notes.append(note) }
  }

  static let banner = "Made by hallmark trust export from a policy of \(TrustPolicy.schema). Make it again when the policy changes."
}

extension TrustPolicy {
  /// The configuration of another verifier that is as close to this policy as it can express.
  ///
  /// - Parameter now: seconds since the epoch: keys that are revoked or outside their window now are left out.
  package func export(for target: TrustExport.Target, at now: Int64) -> TrustExport {
    var export = TrustExport(target: target)
    noteCommon(&export, now)
    switch target {
    case .cosign: CosignExport(policy: self, now: now).write(&export)
    case .notation: NotationExport(policy: self, now: now).write(&export)
    case .skopeo: SkopeoExport(policy: self, now: now).write(&export)
    case .policyController: PolicyControllerExport(policy: self, now: now).write(&export)
    case .kyverno: KyvernoExport(policy: self, now: now).write(&export)
    case .ratify: RatifyExport(policy: self, now: now).write(&export)
    }
    let order = TrustExport.Note.Kind.allCases
    export.notes.sort { (order.firstIndex(of: $0.kind) ?? 0) < (order.firstIndex(of: $1.kind) ?? 0) }
    return export
  }

  private func noteCommon(_ export: inout TrustExport, _ now: Int64) {
    for key in keys {
      if key.key == nil {
        export.note(.missing, "key \(key.name): only its fingerprint is known; supply its bytes to have it exported")
      } else if let why = objection(to: key, at: now) {
        export.note(.missing, "key \(key.name): \(why)")
      } else if key.until != nil {
        export.note(.attention, "key \(key.name): its window ends, which the tool does not know; export again before that")
      }
    }
    if keys.contains(where: { $0.channel == .dev }) {
      export.note(.missing, "dev keys that are endorsed by others: no other tool knows endorsements")
    }
    export.note(.missing, "batch proofs: no other tool reads them")
  }

  /// Why a key is not to be trusted now; nil when it is.
  func objection(to key: Key, at now: Int64) -> String? {
    if let revocation = revocations.first(where: { $0.covers(key) }) { return "revoked (\(revocation.reason))" }
    if let from = key.from, now < from { return "not trusted yet" }
    if let until = key.until, now > until { return "its window has ended" }
    return nil
  }
}
