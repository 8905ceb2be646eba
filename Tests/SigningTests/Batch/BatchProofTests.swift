import Encodings
import Merkle
import SigstoreFormats
import Testing
import Trust

@Suite("Batch proofs")
struct BatchProofTests {
  let proofs: [BatchProof]

  init() async throws { proofs = try await BatchFixture.proofs(11, by: try MemoryKey()) }

  private func refusal(_ change: (inout JSONObject) -> Void) -> ExtensionError? {
    var object = proofs[4].json.object ?? [:]
    change(&object)
    do throws(ExtensionError) {
      try BatchProof.parse(JSONValue.object(object).serialized()).verifyInclusion()
      return nil
    } catch { return error }
  }

  @Test("what is written is read as the same")
  func roundTrip() throws {
    for proof in proofs { #expect(try BatchProof.parse(proof.serialized()) == proof) }
    #expect(refusal { _ in } == nil)
  }

  @Test("another index, also one whose path has the same length, is refused")
  func index() {
    for index in [0, 3, 5, 8, 10] { #expect(refusal { $0["index"] = .integer(index) } != nil) }
    #expect(refusal { $0["index"] = 11 } != nil)
    #expect(refusal { $0["index"] = -1 } != nil)
    #expect(refusal { $0["index"] = "4" } != nil)
  }

  @Test("another tree size than the signed one is refused")
  func size() {
    for size in [0, 10, 12, 1 << 20, 1 << 21] { #expect(refusal { $0["size"] = .integer(size) } != nil) }
  }

  @Test("a path with a hash changed, missing, added or swapped is refused")
  func path() throws {
    let path = try #require(proofs[4].json["path"]?.array)
    #expect(refusal { $0["path"] = .array(Array(path.dropLast())) } != nil)
    #expect(refusal { $0["path"] = .array(path + [path[0]]) } != nil)
    #expect(refusal { $0["path"] = .array(path.reversed()) } == .notIncluded("the path leads to another root than the signed one"))
    #expect(refusal { $0["path"] = .array([path[1]] + path.dropFirst()) } != nil)
    #expect(refusal { $0["path"] = .array(Array(repeating: path[0], count: 21)) } == .form(.tooMany(path: "path", limit: 20)))
    #expect(refusal { $0["path"] = .array([.string("AAAA")] + path.dropFirst()) } != nil)
    #expect(refusal { $0["path"] = [] } != nil)
  }

  @Test("another name, digest or hash of the artifact is refused")
  func artifact() {
    let digest = proofs[4].leaf.digest.text
    #expect(refusal { $0["artifact"] = ["name": "f5", "digest": .string(digest)] } != nil)
    #expect(refusal { $0["artifact"] = ["name": "f4", "digest": .string(proofs[5].leaf.digest.text)] } != nil)
    #expect(refusal { $0["artifact"] = ["name": "f4", "digest": .string(digest.uppercased())] } != nil)
    #expect(refusal { $0["artifact"] = ["name": "f4\n", "digest": .string(digest)] } == .badName("an artifact's name"))
    #expect(refusal { $0["artifact"] = ["name": "", "digest": .string(digest)] } != nil)
    #expect(refusal { $0["artifact"] = ["name": "f4"] } != nil)
  }

  @Test("the proof of one batch does not fit the statement of another")
  func otherBatch() async throws {
    let other = try await BatchFixture.proofs(12, by: try MemoryKey())
    #expect(refusal { $0["bundle"] = other[0].bundle.json } != nil)
  }

  @Test("unknown and doubled members, other media types and bundles without statement are refused")
  func form() throws {
    #expect(refusal { $0["more"] = 1 } == .form(.unknownMember(path: "more")))
    #expect(refusal { $0["mediaType"] = "application/json" } == .form(.unknownMediaType("application/json")))
    let plain = SigstoreBundle(blob: MessageSignature(digest: proofs[0].leaf.digest, signature: [1]), spkiDigest: Array(repeating: 0, count: 32))
    #expect(refusal { $0["bundle"] = plain.json } == .noStatement(found: "a message signature"))
    let text = String(decoding: proofs[4].serialized(), as: UTF8.self)
    #expect(throws: ExtensionError.self) { try BatchProof.parse(text.replacing("\"index\":4", with: "\"index\":4,\"index\":4").utf8) }
    #expect(throws: ExtensionError.self) { try BatchProof.parse([]) }
  }

  @Test("an inner node offered as a leaf leads nowhere: leaves and nodes are hashed apart, and no leaf looks like a node")
  func secondPreimage() throws {
    // The classic attack: claim that the concatenation of two child hashes is a leaf one level higher.
    let left = proofs[0].leafHash.bytes
    let right = proofs[1].leafHash.bytes
    let root = try #require(MerkleHash(proofs[0].batch.root))
    let forged = MerkleHash(leaf: left + right)
    let upper = proofs[0].path.dropFirst().compactMap { MerkleHash($0) }
    #expect(throws: MerkleError.self) { try MerkleProof.verifyInclusion(of: forged, at: 0, size: 6, root: root, proof: Array(upper)) }
    for proof in proofs { #expect(proof.leaf.encoded.count != 64 && proof.leaf.encoded.starts(with: "hallmark batch leaf v1\0".utf8)) }
  }

  @Test("no two leaves are written alike")
  func leaves() throws {
    let digest = MessageDigest(algorithm: .sha256, bytes: Array(repeating: 7, count: 32))
    let long = MessageDigest(algorithm: .sha512, bytes: Array(repeating: 7, count: 64))
    let all = [
      try BatchLeaf(name: "a", digest: digest), try BatchLeaf(name: "aa", digest: digest), try BatchLeaf(name: "a", digest: long),
      try BatchLeaf(name: "ä", digest: digest),
    ]
    #expect(Set(all.map(\.encoded)).count == all.count)
    #expect(throws: ExtensionError.self) { try BatchLeaf(name: "a\u{0}b", digest: digest) }
    #expect(throws: ExtensionError.self) { try BatchLeaf(name: String(repeating: "n", count: 1025), digest: digest) }
    #expect(throws: ExtensionError.self) { try BatchLeaf(name: "a", digest: MessageDigest(algorithm: .sha512, bytes: digest.bytes)) }
  }

  @Test("a path is as long as the tree's shape demands, checked against proofs made by the tree code", arguments: [UInt64(1), 2, 3, 5, 11, 16, 17, 100])
  func lengths(_ size: UInt64) {
    for index in 0..<size {
      let path = MerkleProof.inclusion(of: index, size: size) { level, index in MerkleHash(leaf: [UInt8(level), UInt8(truncatingIfNeeded: index)]) }
      #expect(path?.count == BatchProof.pathLength(of: index, size: size))
    }
  }

  @Test("a statement with a doubtful root, size, hash, encoding or subject is refused")
  func statements() throws {
    let text = String(decoding: proofs[0].batch.statement, as: UTF8.self)
    #expect(try MerkleBatch.parse(statement: Array(text.utf8)) == proofs[0].batch)
    for (a, b) in [
      ("\"size\":11", "\"size\":0"), ("\"size\":11", "\"size\":1048577"), ("\"size\":11", "\"size\":11.0"), ("\"size\":11", "\"size\":\"11\""),
      ("\"hash\":\"sha256\"", "\"hash\":\"sha1\""), ("batch-leaf:v1", "batch-leaf:v2"), ("merkle-batch:v1", "merkle-batch:v2"),
      ("hallmarkMerkleRoot", "sha256"), ("Statement/v1", "Statement/v0.1"), ("\"name\":\"merkle-batch\"", "\"name\":\"app\""),
      ("\"predicate\":{", "\"predicate\":{\"promotedFrom\":\"sha256:00\","), ("\"predicate\":{", "\"predicate\":{\"more\":1,"),
    ] {
      #expect(text.contains(a))
      #expect(throws: ExtensionError.self, "\(b)") { try MerkleBatch.parse(statement: Array(text.replacing(a, with: b).utf8)) }
    }
    #expect(throws: ExtensionError.self) { try MerkleBatch(root: [], size: 1) }
  }
}
