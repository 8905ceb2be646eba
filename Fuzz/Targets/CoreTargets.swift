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

  static func signedNote(_ bytes: UnsafeRawBufferPointer) { _ = try? SignedNote(parsing: Array(bytes)) }
  static func auditRecord(_ bytes: UnsafeRawBufferPointer) { _ = try? AuditRecord(line: bytes) }
  static func domainFile(_ bytes: UnsafeRawBufferPointer) { _ = try? SecurityDomainFile.parse(Array(bytes)) }
  static func domainDownload(_ bytes: UnsafeRawBufferPointer) { _ = try? DownloadRequest.parse(Array(bytes)) }
  static func domainUpload(_ bytes: UnsafeRawBufferPointer) { _ = try? RecoveryUpload.parse(Array(bytes)) }
  static func trustPolicy(_ bytes: UnsafeRawBufferPointer) {
    if let value = try? JSONValue.parse(bytes) { _ = try? TrustPolicy.parse(value) }
  }
  static func publicKey(_ bytes: UnsafeRawBufferPointer) {
    _ = try? PublicKey(spki: Array(bytes))
    _ = try? PublicKey(pem: bytes)
  }
  static func keyReference(_ bytes: UnsafeRawBufferPointer) { _ = try? KeyReference(parsing: text(bytes)) }
}
