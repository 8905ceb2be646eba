import Crypto
import Encodings
import Merkle
import Signing
import SigstoreFormats
import Synchronization
import Testing
import Trust

/// Signs files `f0`… as one tree or statement, in memory.
enum BatchFixture {
  static func artifacts(_ count: Int, readers: Set<BatchReader> = []) -> [BatchArtifact] {
    (0..<count).map { BatchArtifact(name: "f\($0)", digests: Fixture.digests("content \($0)"), readers: readers) }
  }

  static func sign(_ artifacts: [BatchArtifact], as form: BatchForm, by key: MemoryKey, promotion: Promotion? = nil) async throws -> [BatchSigning.Document] {
    let desk = SigningDesk(verifier: CryptoSignatureVerifier(), meter: StepMeter())
    let kept = Mutex<[BatchSigning.Document]>([])
    _ = try await BatchSigning(signer: key.seat(), desk: desk, promotion: promotion).sign(artifacts, plan: BatchPlan.make(artifacts, as: form)) { document in
      kept.withLock { $0.append(document) }
    }
    return kept.withLock { $0 }
  }

  static func proofs(_ count: Int, by key: MemoryKey) async throws -> [BatchProof] {
    try await sign(artifacts(count), as: .merkle, by: key).map { try BatchProof.parse($0.bytes) }
  }
}

@Suite("Batches")
struct BatchSigningTests {
  @Test("one tree costs one call and every proof leads to the signed root, whatever the size", arguments: [1, 2, 3, 7, 8, 64, 65])
  func tree(_ count: Int) async throws {
    let key = try MemoryKey()
    let proofs = try await BatchFixture.proofs(count, by: key)
    #expect(key.calls.count == 1 && proofs.count == count)
    for (i, proof) in proofs.enumerated() {
      #expect(proof.index == UInt64(i) && proof.batch.size == UInt64(count))
      try proof.verifyInclusion()
    }
  }

  @Test("the root is that of RFC 6962 over the leaves, computed here by definition")
  func rootByDefinition() async throws {
    func hash(_ bytes: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: bytes)) }
    func root(_ leaves: ArraySlice<[UInt8]>) -> [UInt8] {
      guard leaves.count > 1 else { return hash([0] + leaves[leaves.startIndex]) }
      var half = 1
      while half * 2 < leaves.count { half *= 2 }
      let middle = leaves.startIndex + half
      return hash([1] + root(leaves[..<middle]) + root(leaves[middle...]))
    }
    let proofs = try await BatchFixture.proofs(11, by: try MemoryKey())
    let leaves = (0..<11).map { i -> [UInt8] in
      let name = Array("f\(i)".utf8)
      return Array("hallmark batch leaf v1".utf8) + [0, 1] + hash(Array("content \(i)".utf8)) + [0, 0, 0, UInt8(name.count)] + name
    }
    #expect(proofs[0].batch.root == root(leaves[...]))
  }

  @Test("a statement carries every subject and is made in pieces of 1024")
  func statements() async throws {
    let key = try MemoryKey()
    let documents = try await BatchFixture.sign(BatchFixture.artifacts(1030), as: .statement, by: key)
    #expect(key.calls.count == 2)
    guard case .envelope(let envelope) = try SigstoreBundle.parse(documents[1029].bytes).content else { throw SigstoreFormats.BundleError.notJSON("") }
    #expect(try Statement.parse(envelope.payload).subjects.map(\.name) == (1024..<1030).map { "f\($0)" })
  }

  @Test("equal digests in plain form are signed once")
  func plainOnce() throws {
    let twice = BatchFixture.artifacts(3) + BatchFixture.artifacts(3)
    let plan = try BatchPlan.make(twice, as: .plain)
    #expect(plan.operations == 3 && plan.savedOperations == 0 && plan.groups.count == 6)
  }

  @Test("who reads decides the form")
  func readers() throws {
    let mixed = BatchFixture.artifacts(3, readers: [.hallmark]) + BatchFixture.artifacts(2, readers: [.attestationVerifier, .hallmark]) + BatchFixture.artifacts(1)
    let plan = try BatchPlan.make(mixed)
    #expect(plan.groups.map(\.form) == [.plain, .statement, .merkle])
    #expect(plan.groups.map(\.members) == [[5], [3, 4], [0, 1, 2]])
  }

  @Test("a form that a reader cannot read is refused", arguments: [(BatchForm.merkle, BatchReader.anyVerifier), (.merkle, .attestationVerifier), (.statement, .anyVerifier)])
  func unreadable(_ form: BatchForm, _ reader: BatchReader) throws {
    #expect(throws: BatchSigningError.formDoesNotServe(form, reader, artifact: "f0")) {
      try BatchPlan.make(BatchFixture.artifacts(2, readers: [reader]), as: form)
    }
  }

  @Test("nothing, and artifacts without digest, are refused")
  func nothing() {
    #expect(throws: BatchSigningError.empty) { try BatchPlan.make([]) }
    #expect(throws: BatchSigningError.digestMissing("x")) { try BatchPlan.make([BatchArtifact(name: "x", digests: ArtifactDigests())]) }
  }

  @Test("a plain signature has no place for a promotion, a tree has")
  func promotion() async throws {
    let key = try MemoryKey()
    let tested = try #require(Promotion(text: "sha256:" + String(repeating: "ab", count: 32)))
    await #expect(throws: BatchSigningError.promotionDoesNotFit(.plain)) {
      try await BatchFixture.sign(BatchFixture.artifacts(1), as: .plain, by: key, promotion: tested)
    }
    #expect(key.calls.isEmpty)
    let documents = try await BatchFixture.sign(BatchFixture.artifacts(2), as: .merkle, by: key, promotion: tested)
    #expect(try BatchProof.parse(documents[0].bytes).batch.promotion == tested)
  }

  @Test("a service that answers with a bad signature leaves nothing")
  func badAnswer() async throws {
    let key = try MemoryKey(twist: { var answer = $0; answer.signature[3] ^= 1; return answer })
    await #expect(throws: SigningError.self) { try await BatchFixture.sign(BatchFixture.artifacts(2), as: .merkle, by: key) }
  }
}
