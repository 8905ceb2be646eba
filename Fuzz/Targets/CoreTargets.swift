import Access
import Audit
import Encodings
import Ledger
import SecurityDomain
import Signing
import Trust

enum CoreTargets {
  static func tokenRequest(_ bytes: UnsafeRawBufferPointer) { _ = try? TokenRequest.parse(form: Array(bytes)) }

  /// Law: a scope's own text is read back as the same scope.
  static func scope(_ bytes: UnsafeRawBufferPointer) {
    if let scope = Scope(text(bytes)) { precondition(Scope(scope.text) == scope) }
  }

  /// The first line is a rule as an administrator writes it, the rest a claim as a stranger sends it. Matching must not take long, and a pattern
  /// without a wildcard takes exactly itself.
  static func claims(_ bytes: UnsafeRawBufferPointer) {
    let lines = text(bytes).split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let value = lines.count > 1 ? lines[1] : lines[0]
    for style in [ClaimPattern.Style.glob, .expression] {
      guard let pattern = ClaimPattern(lines[0], style: style) else { continue }
      let matched = pattern.matches(value, claim: "sub")
      if matched, style == .glob, !lines[0].contains(where: { "*?[".contains($0) }) { precondition(value == lines[0] || value.contains("@")) }
    }
    if let expression = try? ClaimsExpression(lines[0]) { _ = expression.matches { _ in value } }
  }

  static func signedNote(_ bytes: UnsafeRawBufferPointer) { _ = try? SignedNote(parsing: Array(bytes)) }
  static func auditRecord(_ bytes: UnsafeRawBufferPointer) { _ = try? AuditRecord(line: bytes) }
  static func domainFile(_ bytes: UnsafeRawBufferPointer) { _ = try? SecurityDomainFile.parse(Array(bytes)) }
  static func domainDownload(_ bytes: UnsafeRawBufferPointer) { _ = try? DownloadRequest.parse(Array(bytes)) }
  static func domainUpload(_ bytes: UnsafeRawBufferPointer) { _ = try? RecoveryUpload.parse(Array(bytes)) }
  /// Law: a policy that is read passes its own check again, and every export and explanation of it can be made.
  static func trustPolicy(_ bytes: UnsafeRawBufferPointer) {
    guard let value = try? JSONValue.parse(bytes), let policy = try? TrustPolicy.parse(value) else { return }
    precondition((try? policy.check()) != nil)
    _ = policy.explanation(at: 1_800_000_000).json
    for target in TrustExport.Target.allCases { _ = policy.export(for: target, at: 1_800_000_000) }
    let digests = ArtifactDigests(of: Array("x".utf8))
    let decision = policy.decide(on: .blob(digests), evidence: [], at: 1_800_000_000, verifier: CryptoSignatureVerifier())
    precondition(decision.verdict != .trusted)
  }
  static func publicKey(_ bytes: UnsafeRawBufferPointer) {
    _ = try? PublicKey(spki: Array(bytes))
    _ = try? PublicKey(pem: bytes)
  }
  static func keyReference(_ bytes: UnsafeRawBufferPointer) { _ = try? KeyReference(parsing: text(bytes)) }
}
