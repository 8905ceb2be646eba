package import Encodings
internal import Merkle
package import SigstoreFormats
internal import Trust

/// Signs many artifacts with few HSM operations.
package struct BatchSigning: Sendable {
  private let signer: SeatedSigner
  private let desk: SigningDesk
  private let promotion: Promotion?

  /// - Parameters:
  ///   - desk: makes the sign calls, checks every signature.
  ///   - promotion: what the signatures stand on; nil: nothing.
  package init(signer: SeatedSigner, desk: SigningDesk, promotion: Promotion? = nil) {
    self.signer = signer
    self.desk = desk
    self.promotion = promotion
  }

  /// The document of one artifact.
  package struct Document: Sendable, Hashable {
    /// Index of the artifact.
    package let artifact: Int
    package let form: BatchForm
    package let mediaType: String
    package let bytes: [UInt8]

    /// What follows the artifact's path in the name of the file.
    package var fileSuffix: String { form == .merkle ? BatchSigning.proofSuffix : ".sigstore.json" }
  }

  /// One sign call and what it was for.
  package struct Operation: Sendable, Hashable {
    package let form: BatchForm
    package let members: Int
    package let signature: CompletedSignature
    package let kid: String
  }

  package static let proofSuffix = ".batch-proof.json"

  /// Signs a planned batch. Each group's documents are handed over as soon as they are finished, in the order of the plan.
  ///
  /// - Parameter emit: keeps a document; when it throws, signing stops.
  /// - Returns: the sign calls, for ledgers.
  /// - Cost: `plan.operations` HSM operations; memory for one tree's nodes (64 bytes an artifact).
  package func sign(
    _ artifacts: [BatchArtifact], plan: BatchPlan, emit: (Document) async throws -> Void
  ) async throws -> [Operation] {
    var operations: [Operation] = []
    for group in plan.groups {
      switch group.form {
      case .plain: operations.append(try await plain(artifacts, group.members, emit))
      case .statement: operations.append(try await statement(artifacts, group.members, emit))
      case .merkle: operations.append(try await merkle(artifacts, group.members, emit))
      }
    }
    return operations
  }

  private func plain(_ artifacts: [BatchArtifact], _ members: [Int], _ emit: (Document) async throws -> Void) async throws -> Operation {
    guard promotion == nil else { throw BatchSigningError.promotionDoesNotFit(.plain) }
    let key = signer.signer.key
    let scheme = try SignatureFormat.bundle.scheme(for: key, wanted: signer.signer.scheme)
    let index = members[0]
    guard let digest = artifacts[index].digests[scheme.hash] else {
      throw SigningError.digestMissing(artifact: artifacts[index].name, hash: scheme.hash.rawValue)
    }
    let made = try await desk.signature(SigningCall(kid: key.kid, scheme: scheme, digest: digest), by: signer)
    let bundle = SigstoreBundle(
      blob: MessageSignature(digest: digest, signature: made.signature), spkiDigest: key.publicKey.fingerprint)
    try await emit(Document(artifact: index, form: .plain, mediaType: SigstoreBundle.mediaType, bytes: bundle.serialized()))
    return Operation(form: .plain, members: 1, signature: made, kid: key.kid)
  }

  private func statement(_ artifacts: [BatchArtifact], _ members: [Int], _ emit: (Document) async throws -> Void) async throws -> Operation {
    var annotations: JSONObject = [:]
    annotations.set(Promotion.annotation, ifPresent: promotion.map { .string($0.text) })
    var subjects: [Statement.Subject] = []
    for index in members {
      guard let digest = artifacts[index].digests.sha256 else { throw BatchSigningError.digestMissing(artifacts[index].name) }
      subjects.append(.init(name: artifacts[index].name, sha256: digest, annotations: annotations))
    }
    let envelope: UnsignedEnvelope
    do {
      envelope = try Statement(subjects: subjects, predicateType: PredicateType.cosignImage.rawValue, predicate: Array("{}".utf8)).unsigned()
    } catch { throw BatchSigningError.document(error.description) }
    let (bundle, made) = try await sealed(envelope)
    let bytes = bundle.serialized()
    for index in members {
      try await emit(Document(artifact: index, form: .statement, mediaType: SigstoreBundle.mediaType, bytes: bytes))
    }
    return Operation(form: .statement, members: members.count, signature: made, kid: signer.signer.key.kid)
  }

  private func merkle(_ artifacts: [BatchArtifact], _ members: [Int], _ emit: (Document) async throws -> Void) async throws -> Operation {
    var leaves: [BatchLeaf] = []
    for index in members {
      guard let digest = artifacts[index].digests[.sha256] else { throw BatchSigningError.digestMissing(artifacts[index].name) }
      leaves.append(try BatchLeaf(name: artifacts[index].name, digest: digest))
    }
    let tree = LeafTree(leaves.map { MerkleHash(leaf: $0.encoded) })
    let batch = try MerkleBatch(root: tree.root.bytes, size: UInt64(leaves.count), promotion: promotion)
    let (bundle, made) = try await sealed(batch.unsigned)
    for (position, index) in members.enumerated() {
      let proof = try BatchProof(
        bundle: bundle, leaf: leaves[position], index: UInt64(position), path: tree.path(of: UInt64(position)).map(\.bytes))
      // What a verifier would refuse never leaves.
      try proof.verifyInclusion()
      try await emit(Document(artifact: index, form: .merkle, mediaType: BatchProof.mediaType, bytes: proof.serialized()))
    }
    return Operation(form: .merkle, members: members.count, signature: made, kid: signer.signer.key.kid)
  }

  private func sealed(_ envelope: UnsignedEnvelope) async throws -> (SigstoreBundle, CompletedSignature) {
    let key = signer.signer.key
    let scheme = try SignatureFormat.bundle.scheme(for: key, wanted: signer.signer.scheme)
    let made = try await desk.signature(SigningCall(kid: key.kid, scheme: scheme, digest: envelope.digest(scheme.hash)), by: signer)
    return (SigstoreBundle(envelope: envelope.sealed(signature: made.signature), spkiDigest: key.publicKey.fingerprint), made)
  }
}

extension BatchSigning.Operation {
  /// A line for the signing ledger (`hallmark.signing-batch/v1`): one sign call, how many artifacts it stands for, and what that saved.
  ///
  /// - Parameter at: nanoseconds since the epoch.
  package func record(at: Int64) -> JSONValue {
    [
      "schema": .string(BatchRecord.schema), "time": .string(ISO8601.format(nanoseconds: at)), "form": .string(form.rawValue), "kid": .string(kid),
      "algorithm": .string(signature.call.scheme.rawValue), "signed": .string(signature.call.digest.text), "artifacts": .integer(members),
      "savedOperations": .integer(members - 1), "requestId": signature.requestID.map { .string($0) } ?? .null,
      "attempts": .integer(signature.attempts),
    ]
  }
}

/// What the ledger says about batches.
package enum BatchRecord {
  package static let schema = "hallmark.signing-batch/v1"
}

/// A whole RFC 6962 tree in memory: every complete subtree, level by level.
struct LeafTree {
  private let levels: [[MerkleHash]]
  private let size: UInt64

  /// - Complexity: one hash per node.
  init(_ leaves: [MerkleHash]) {
    size = UInt64(leaves.count)
    var levels = [leaves]
    while let row = levels.last, row.count > 1 {
      levels.append(stride(from: 0, to: row.count - 1, by: 2).map { MerkleHash(left: row[$0], right: row[$0 + 1]) })
    }
    self.levels = levels
  }

  var root: MerkleHash { MerkleProof.root(size: size) { levels[$0][Int($1)] } }

  func path(of index: UInt64) -> [MerkleHash] { MerkleProof.inclusion(of: index, size: size) { levels[$0][Int($1)] } ?? [] }
}
