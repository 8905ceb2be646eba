import Encodings
import Signing
import SigstoreFormats

enum EconomyTargets {
  /// Law: a proof that is read is written as the same, and its path is as long as its tree demands.
  static func batchProof(_ bytes: UnsafeRawBufferPointer) {
    guard let proof = try? BatchProof.parse(Array(bytes)) else { return }
    precondition(proof.index < proof.batch.size && proof.path.count == BatchProof.pathLength(of: proof.index, size: proof.batch.size))
    guard case .certificates(let chain) = proof.bundle.material, chain.count > 1 else {
      // Versions differ: what is written is of version 0.3, and a fixed point from then on.
      let written = proof.serialized()
      precondition((try? BatchProof.parse(written))?.serialized() == written)
      return
    }
  }

  /// The statement by itself: behind base64 a fuzzer finds little. Law: what is read writes itself, and reads as the same.
  static func merkleBatch(_ bytes: UnsafeRawBufferPointer) {
    guard let batch = try? MerkleBatch.parse(statement: Array(bytes)) else { return }
    precondition((1...MerkleBatch.maxSize).contains(batch.size))
    precondition((try? MerkleBatch.parse(statement: batch.statement)) == batch)
  }

  /// Law: what is read writes itself, and its window is bounded.
  static func keyEndorsement(_ bytes: UnsafeRawBufferPointer) {
    guard let endorsement = try? KeyEndorsement.parse(statement: Array(bytes)) else { return }
    precondition((try? KeyEndorsement.parse(statement: endorsement.statement)) == endorsement)
    precondition((1...KeyEndorsement.maxSeconds).contains(endorsement.notAfter - endorsement.notBefore))
  }

  /// Law: a policy that is accepted has no key in two channels, and answers every question.
  static func signingPolicy(_ bytes: UnsafeRawBufferPointer) {
    guard let value = try? JSONValue.parse(bytes), let policy = try? SigningPolicy.parse(value, source: Array(bytes)) else { return }
    for channel in policy.channels {
      for key in channel.keys {
        for name in SigningPolicy.ChannelName.allCases where name != channel.name {
          let request = ChannelRequest(channel: name, key: key, ref: "refs/heads/main", identity: .init(issuer: "i", subject: "s"))
          if case .allowed = policy.evaluate(request) { preconditionFailure("a key of \(channel.name) signs in \(name)") }
        }
      }
    }
  }

  /// Law: reading one line never fails otherwise than by saying nothing.
  static func usageRecord(_ bytes: UnsafeRawBufferPointer) { _ = UsageRecord.parse(bytes) }
}
