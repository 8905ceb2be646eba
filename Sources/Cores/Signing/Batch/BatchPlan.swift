internal import SigstoreFormats
package import Trust

/// How many artifacts are signed together.
package enum BatchForm: String, Sendable, Hashable, CaseIterable {
  /// One signature each, in the form every verifier reads. One HSM operation for each digest.
  case plain
  /// One in-toto statement with up to 1024 subjects: cosign and sigstore-go read it, as an attestation.
  case statement
  /// One Merkle root, and a proof for each artifact: only Hallmark reads it.
  case merkle

  /// What costs least among the forms that all readers understand.
  package static func cheapest(for readers: Set<BatchReader>) -> BatchForm {
    if readers.isEmpty || readers.contains(.anyVerifier) { return .plain }
    return readers.contains(.attestationVerifier) ? .statement : .merkle
  }

  /// Whether a reader understands this form.
  package func serves(_ reader: BatchReader) -> Bool {
    switch (self, reader) {
    case (.plain, _), (.statement, .attestationVerifier), (.statement, .hallmark), (.merkle, .hallmark): true
    case (.statement, .anyVerifier), (.merkle, .anyVerifier), (.merkle, .attestationVerifier): false
    }
  }
}

/// Who reads the signatures of a batch.
package enum BatchReader: String, Sendable, Hashable, CaseIterable {
  /// `cosign verify-blob` and everything else that expects a signature of the file as such.
  case anyVerifier = "any"
  /// `cosign verify-blob-attestation`, sigstore-go: reads statements with many subjects.
  case attestationVerifier = "attestation"
  /// `hallmark verify`.
  case hallmark
}

/// One artifact of a batch.
package struct BatchArtifact: Sendable, Hashable {
  /// The name in statement or leaf: a path as the user gave it, or `repository@digest`.
  package var name: String
  /// Must hold SHA-256.
  package var digests: ArtifactDigests
  /// Who reads its signature.
  package var readers: Set<BatchReader>

  package init(name: String, digests: ArtifactDigests, readers: Set<BatchReader> = []) {
    self.name = name
    self.digests = digests
    self.readers = readers
  }
}

/// Which artifacts go together. Indexes are those of the artifacts that were planned.
package struct BatchPlan: Sendable, Hashable {
  package struct Group: Sendable, Hashable {
    package var form: BatchForm
    /// In ascending order. One for `plain`, up to 1024 for `statement`, up to 2^20 for `merkle`.
    package var members: [Int]
  }

  package let groups: [Group]
  /// Sign calls: one for each group, equal plain digests once.
  package let operations: Int
  /// Sign calls that plain signatures of all artifacts would have taken, beyond `operations`.
  package let savedOperations: Int

  /// Plans a batch.
  ///
  /// - Parameter wanted: the form for all; nil: each artifact gets the cheapest form that its readers understand.
  /// - Throws: `formDoesNotServe` when a wanted form cannot be read by somebody who must, `digestMissing`, `tooFew`.
  /// - Complexity: one pass.
  package static func make(_ artifacts: [BatchArtifact], as wanted: BatchForm? = nil) throws(BatchSigningError) -> BatchPlan {
    guard !artifacts.isEmpty else { throw .empty }
    var members: [BatchForm: [Int]] = [:]
    var distinct: Set<[UInt8]> = []
    var plain: Set<[UInt8]> = []
    for (i, artifact) in artifacts.enumerated() {
      guard let digest = artifact.digests.sha256 else { throw .digestMissing(artifact.name) }
      let form = wanted ?? .cheapest(for: artifact.readers)
      if let reader = artifact.readers.first(where: { !form.serves($0) }) {
        throw .formDoesNotServe(form, reader, artifact: artifact.name)
      }
      distinct.insert(digest)
      if form == .plain { plain.insert(digest) }
      members[form, default: []].append(i)
    }
    var groups: [Group] = (members[.plain] ?? []).map { Group(form: .plain, members: [$0]) }
    groups += pieces(members[.statement] ?? [], of: Statement.maxSubjects).map { Group(form: .statement, members: $0) }
    groups += pieces(members[.merkle] ?? [], of: Int(MerkleBatch.maxSize)).map { Group(form: .merkle, members: $0) }
    let operations = plain.count + groups.count { $0.form != .plain }
    return BatchPlan(groups: groups, operations: operations, savedOperations: max(0, distinct.count - operations))
  }

  private static func pieces(_ all: [Int], of size: Int) -> [[Int]] {
    stride(from: 0, to: all.count, by: size).map { Array(all[$0..<min($0 + size, all.count)]) }
  }
}

/// Why a batch cannot be signed together.
package enum BatchSigningError: Error, Sendable, Hashable, CustomStringConvertible {
  case empty
  case digestMissing(String)
  case formDoesNotServe(BatchForm, BatchReader, artifact: String)
  /// Nothing in this form can carry it.
  case promotionDoesNotFit(BatchForm)
  case document(String)

  package var description: String {
    switch self {
    case .empty: "there is nothing to sign"
    case .digestMissing(let name): "the sha256 digest of \(name.prefix(300)) was not computed"
    case .formDoesNotServe(let form, let reader, let name):
      "\(name.prefix(300)) is read by \(reader.rawValue) verifiers, who do not understand a signature in form \(form.rawValue)"
    case .promotionDoesNotFit(let form): "form \(form.rawValue) has no place for the dev attestation a release stands on; take statement or merkle"
    case .document(let why): why
    }
  }
}
