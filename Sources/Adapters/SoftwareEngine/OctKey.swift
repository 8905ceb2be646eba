import Custody
import Secrets

/// A symmetric key: made and kept here; its operations are not served yet.
final class OctKey: KeyHandle, ExportableKey {
  private let key: SecretBytes

  init(_ key: SecretBytes) { self.key = key }

  func isCheap(_ operation: KeyOperation) -> Bool { true }
  func sign(_ digest: [UInt8], _ algorithm: SignatureAlgorithm) throws(EngineFailure) -> [UInt8] { throw .algorithmDoesNotFit }
  func verify(_ signature: [UInt8], _ digest: [UInt8], _ algorithm: SignatureAlgorithm) throws(EngineFailure) -> Bool {
    throw .algorithmDoesNotFit
  }

  func publicKey(of spec: KeySpec) throws(EngineFailure) -> PublicKey { .oct }
  func plainForm() throws(EngineFailure) -> SecretBytes { key }
}
