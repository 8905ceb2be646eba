internal import Encodings

/// One statement over many artifacts: the RFC 6962 root over their leaves. Signed once, by one HSM operation.
///
/// As an in-toto statement: predicate type `urn:hallmark:merkle-batch:v1`, one subject whose digest is named
/// `hallmarkMerkleRoot`. It is deliberately not called `sha256`: a file could be built whose SHA-256 is the root (its content is the two
/// upper nodes), and a verifier that only compares digests would call that file signed. Verifiers that do not know batches find no
/// digest they know and refuse.
package struct MerkleBatch: Sendable, Hashable {
  package static let predicateType = "urn:hallmark:merkle-batch:v1"
  /// What the predicate calls the encoding of a leaf; see `BatchLeaf`.
  package static let leafEncoding = "urn:hallmark:batch-leaf:v1"
  package static let subjectName = "merkle-batch"
  package static let digestName = "hallmarkMerkleRoot"
  /// Leaves in one tree, so that a path has at most 20 hashes.
  package static let maxSize: UInt64 = 1 << 20
  package static let maxPath = 20

  /// SHA-256, 32 bytes.
  package let root: [UInt8]
  /// Leaves in the tree, 1 to `maxSize`.
  package let size: UInt64
  /// What a release demands of its ancestry; nil when nothing is claimed. It holds for every artifact of the batch.
  package let promotion: Promotion?

  /// - Throws: `badTree` when the root is not 32 bytes or the size is out of range.
  package init(root: [UInt8], size: UInt64, promotion: Promotion? = nil) throws(ExtensionError) {
    guard root.count == 32 else { throw .badTree("a root of \(root.count) bytes") }
    guard (1...Self.maxSize).contains(size) else { throw .badTree("\(size) leaves; 1 to \(Self.maxSize) are allowed") }
    self.root = root
    self.size = size
    self.promotion = promotion
  }

  /// The in-toto statement: what goes into the envelope. Equal batches give equal bytes.
  package var statement: [UInt8] {
    var predicate: JSONObject = [
      "size": .integer(size), "hash": "sha256", "leafEncoding": .string(Self.leafEncoding),
    ]
    predicate.set(Promotion.name, ifPresent: promotion.map { .string($0.text) })
    return OwnStatement.bytes(
      subject: Self.subjectName, digest: (Self.digestName, Hex.encode(root)), predicateType: Self.predicateType, predicate: predicate)
  }

  /// The envelope to be signed, once.
  package var unsigned: UnsignedEnvelope { UnsignedEnvelope(payload: statement) }

  /// Reads the statement inside a bundle. The signature is not looked at.
  package static func parse(bundle: SigstoreBundle) throws(ExtensionError) -> MerkleBatch {
    try parse(statement: OwnStatement.payload(of: bundle))
  }

  /// Reads one statement, at most 64 KiB. Fuzz entry point.
  package static func parse(statement bytes: [UInt8]) throws(ExtensionError) -> MerkleBatch {
    let (root, predicate) = try OwnStatement.read(
      bytes, predicateType: predicateType, subject: subjectName, digestName: digestName)
    let size: UInt64
    var promotion: Promotion?
    do throws(BundleError) {
      try predicate.allow(["size", "hash", "leafEncoding", Promotion.name])
      guard try predicate.string("hash", maxBytes: 16) == "sha256" else { throw .badMember(path: "predicate.hash", wanted: "sha256") }
      guard try predicate.string("leafEncoding", maxBytes: 64) == leafEncoding else {
        throw .badMember(path: "predicate.leafEncoding", wanted: leafEncoding)
      }
      guard let number = predicate.object?["size"]?.number?.uint64 else {
        throw .badMember(path: "predicate.size", wanted: "a whole number")
      }
      size = number
      if let text = try predicate.optionalString(Promotion.name, maxBytes: 140) {
        guard let read = Promotion(text: text) else { throw .badMember(path: "predicate.\(Promotion.name)", wanted: "sha256:HEX") }
        promotion = read
      }
    } catch { throw .form(error) }
    return try MerkleBatch(root: root, size: size, promotion: promotion)
  }
}

/// One artifact of a batch, and the bytes that stand for it in the tree.
package struct BatchLeaf: Sendable, Hashable {
  package let name: String
  package let digest: MessageDigest

  /// - Throws: `badName` for an empty name, one beyond 1024 bytes or with control characters; `badTree` when the digest has a wrong length.
  package init(name: String, digest: MessageDigest) throws(ExtensionError) {
    guard OwnStatement.isName(name) else { throw .badName("an artifact's name") }
    guard digest.bytes.count == digest.algorithm.byteCount else { throw .badTree("a digest of \(digest.bytes.count) bytes") }
    self.name = name
    self.digest = digest
  }

  /// `"hallmark batch leaf v1\0"`, one byte for the hash (1 SHA-256, 2 SHA-384, 3 SHA-512), the digest (its length follows from the
  /// hash), the name's length as four bytes, big-endian, and the name in UTF-8.
  ///
  /// No two leaves have the same bytes, and none has the 64 bytes of an inner node; the tree's own prefix (RFC 6962 §2.1) separates
  /// leaves from nodes once more.
  package var encoded: [UInt8] {
    var bytes = Array("hallmark batch leaf v1".utf8) + [0]
    switch digest.algorithm {
    case .sha256: bytes.append(1)
    case .sha384: bytes.append(2)
    case .sha512: bytes.append(3)
    }
    bytes += digest.bytes
    let name = Array(self.name.utf8)
    for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: name.count >> shift)) }
    return bytes + name
  }
}
