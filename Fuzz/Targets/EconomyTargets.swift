import Encodings
import Signing
import SigstoreFormats

enum EconomyTargets {
  /// Law: what is read is written again such that it reads as the same.
  static func batchProof(_ bytes: UnsafeRawBufferPointer) {
    guard let proof = try? BatchProof.parse(bytes) else { return }
    precondition((try? BatchProof.parse(proof.serialized())) == proof)
  }

  static func keyEndorsement(_ bytes: UnsafeRawBufferPointer) {
    guard let endorsement = try? KeyEndorsement.parse(statement: Array(bytes)) else { return }
    precondition(endorsement.notAfter - endorsement.notBefore <= KeyEndorsement.maxSeconds)
  }

  static func signingPolicy(_ bytes: UnsafeRawBufferPointer) {
    guard let value = try? JSONValue.parse(bytes) else { return }
    _ = try? SigningPolicy.parse(value, source: Array(bytes))
  }
}
