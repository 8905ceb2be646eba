package import Encodings

/// That one artifact is in a signed batch: the signed statement, and the path from the artifact's leaf to the statement's root.
///
/// A file of its own per artifact (`application/vnd.hallmark.batch-proof.v1+json`), or a referrer of an image. Parsing checks form only. Whether the
/// path leads to the root is a pure function (`verifyInclusion`, in Trust); whether the bundle's signature is good is Trust's.
package struct BatchProof: Sendable, Hashable {
  package static let mediaType = "application/vnd.hallmark.batch-proof.v1+json"
  /// A bundle with one small statement, log entries and timestamps included, and at most 20 hashes.
  package static let limits = JSONLimits(maxBytes: 2 << 20, maxDepth: 36, maxElements: 20_000)

  /// Carries the signed statement of `batch`.
  package let bundle: SigstoreBundle
  /// What the bundle's statement says. Read from it, never from beside it.
  package let batch: MerkleBatch
  package let leaf: BatchLeaf
  /// From 0.
  package let index: UInt64
  /// Hashes of 32 bytes from the leaf's sibling upwards; as many as the tree's shape demands.
  package let path: [[UInt8]]

  /// - Parameters:
  ///   - bundle: carries a Merkle batch statement.
  ///   - path: exactly as long as leaf `index` of a tree of that size needs.
  /// - Throws: `badTree` when index or path do not fit the statement's tree.
  package init(bundle: SigstoreBundle, leaf: BatchLeaf, index: UInt64, path: [[UInt8]]) throws(ExtensionError) {
    let batch = try MerkleBatch.parse(bundle: bundle)
    guard index < batch.size else { throw .badTree("leaf \(index) of a tree of \(batch.size)") }
    let wanted = Self.pathLength(of: index, size: batch.size)
    guard path.count == wanted else { throw .badTree("a path of \(path.count) hashes; leaf \(index) of \(batch.size) needs \(wanted)") }
    guard path.allSatisfy({ $0.count == 32 }) else { throw .badTree("a hash of another length than 32 bytes") }
    self.bundle = bundle
    self.batch = batch
    self.leaf = leaf
    self.index = index
    self.path = path
  }

  /// How many hashes lead from a leaf to the root of a tree of `size` leaves (RFC 6962 §2.1.1).
  package static func pathLength(of index: UInt64, size: UInt64) -> Int {
    var (own, last, count) = (index, size &- 1, 0)
    while last > 0 {
      // A right edge without sibling moves up for nothing.
      if own & 1 == 1 || own < last { count += 1 }
      own >>= 1
      last >>= 1
    }
    return count
  }

  package var json: JSONValue {
    [
      "mediaType": .string(Self.mediaType),
      "artifact": ["name": .string(leaf.name), "digest": .string(leaf.digest.text)],
      "index": .integer(index), "size": .integer(batch.size),
      "path": .array(path.map { .string(Base64.encode($0)) }),
      "bundle": bundle.json,
    ]
  }

  /// The UTF-8 text of the file.
  package func serialized() -> [UInt8] { json.serialized() }

  /// Reads one proof, at most 2 MiB. Fuzz entry point.
  package static func parse(_ bytes: some Sequence<UInt8>) throws(ExtensionError) -> BatchProof {
    let value: JSONValue
    do { value = try JSONValue.parse(bytes, limits: limits) } catch { throw .form(.notJSON(error.description)) }
    let reader = MemberReader(value, path: "")
    let bundle: SigstoreBundle
    let name: String
    let digest: MessageDigest
    let (index, size): (UInt64, UInt64)
    var path: [[UInt8]] = []
    do throws(BundleError) {
      try reader.allow(["mediaType", "artifact", "index", "size", "path", "bundle"])
      let type = try reader.string("mediaType", maxBytes: 128)
      guard type == mediaType else { throw .unknownMediaType(type) }
      let artifact = try reader.object("artifact")
      try artifact.allow(["name", "digest"])
      name = try artifact.string("name", maxBytes: OwnStatement.maxNameBytes)
      let text = try artifact.string("digest", maxBytes: 140)
      guard let read = MessageDigest(text: text), read.text == text else {
        throw .badMember(path: "artifact.digest", wanted: "sha256:HEX, sha384:HEX or sha512:HEX, in lower case")
      }
      digest = read
      guard let number = reader.object?["index"]?.number?.uint64 else { throw .badMember(path: "index", wanted: "a whole number") }
      guard let leaves = reader.object?["size"]?.number?.uint64 else { throw .badMember(path: "size", wanted: "a whole number") }
      (index, size) = (number, leaves)
      guard let hashes = try reader.array("path", limit: MerkleBatch.maxPath) else { throw .badMember(path: "path", wanted: "an array") }
      for (i, entry) in hashes.enumerated() {
        guard let text = entry.string, text.utf8.count == 44, let hash = try? Base64.decode(text), hash.count == 32,
          Base64.encode(hash) == text
        else { throw .badMember(path: "path[\(i)]", wanted: "32 bytes in base64") }
        path.append(hash)
      }
      bundle = try SigstoreBundle.parse(try reader.objectValue("bundle").serialized())
    } catch { throw .form(error) }
    let proof = try BatchProof(bundle: bundle, leaf: BatchLeaf(name: name, digest: digest), index: index, path: path)
    guard proof.batch.size == size else { throw .badTree("the proof is for \(size) leaves, the signed statement says \(proof.batch.size)") }
    return proof
  }
}

extension MemberReader {
  /// The member as it is; it must be an object.
  func objectValue(_ name: String) throws(BundleError) -> JSONValue {
    guard let object = try object(name).object else { throw .badMember(path: name, wanted: "an object") }
    return .object(object)
  }
}
