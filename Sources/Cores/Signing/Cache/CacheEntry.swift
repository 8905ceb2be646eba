internal import Crypto
package import Encodings
package import SigstoreFormats

/// One finished document with everything that must be equal for it to be used again (`hallmark.cached-signature/v1`).
package struct CacheEntry: Sendable, Hashable {
  package static let schema = "hallmark.cached-signature/v1"
  /// Larger documents are not kept.
  package static let maxDocumentBytes = 8 << 20
  package static let limits = JSONLimits(maxBytes: 12 << 20, maxDepth: 5, maxElements: 512)

  package var key: CacheKey
  /// Digest of the signing policy that was in force; nil: none.
  package var policy: MessageDigest?
  /// Seconds since the epoch.
  package var storedAt: Int64
  package var document: SealedDocument

  package init(key: CacheKey, policy: MessageDigest?, storedAt: Int64, document: SealedDocument) {
    self.key = key
    self.policy = policy
    self.storedAt = storedAt
    self.document = document
  }

  /// The name an entry is kept under: SHA-256 over everything that must be equal, lower-case hexadecimal.
  package static func name(_ key: CacheKey, policy: MessageDigest?) -> String {
    Hex.encode(Array(SHA256.hash(data: question(key, policy).serialized())))
  }

  /// Everything that must be equal, in a form in which no two questions are written alike.
  private static func question(_ key: CacheKey, _ policy: MessageDigest?) -> JSONValue {
    [
      "artifact": .string(key.artifact.text), "repository": key.repository.map { .string($0) } ?? .null,
      "predicateType": key.predicateType.map { .string($0) } ?? .null, "claim": .string(key.claim.text), "kid": .string(key.kid),
      "spkiSha256": .string(Hex.encode(key.keyFingerprint)), "format": .string(key.format.rawValue), "purpose": .string(key.purpose),
      "policy": policy.map { .string($0.text) } ?? .null,
    ]
  }

  package func serialized() -> [UInt8] {
    let value: JSONValue = [
      "schema": .string(Self.schema), "for": Self.question(key, policy), "storedAt": .integer(storedAt),
      "document": [
        "mediaType": .string(document.mediaType), "bytes": .string(Base64.encode(document.bytes)),
        "annotations": .array(document.annotations.map { [.string($0.name), .string($0.value)] }),
      ],
    ]
    return value.serialized()
  }

  /// Reads an entry for one question. Fuzz entry point.
  ///
  /// - Returns: nil, with the reason, unless the text is an entry for exactly this question.
  package static func parse(_ bytes: [UInt8], for key: CacheKey, policy: MessageDigest?) -> Result<CacheEntry, CacheEntryError> {
    do throws(CacheEntryError) { return .success(try read(bytes, key, policy)) } catch { return .failure(error) }
  }

  private static func read(_ bytes: [UInt8], _ key: CacheKey, _ policy: MessageDigest?) throws(CacheEntryError) -> CacheEntry {
    let value: JSONValue
    do { value = try JSONValue.parse(bytes, limits: limits) } catch { throw CacheEntryError(error.description) }
    guard let object = value.object, object.firstName(notIn: ["schema", "for", "storedAt", "document"]) == nil,
      object["schema"]?.string == schema
    else { throw CacheEntryError("not \(schema)") }
    guard object["for"] == question(key, policy) else { throw CacheEntryError("it answers another question than its name says") }
    guard let storedAt = object["storedAt"]?.int64, storedAt > 0, let document = object["document"]?.object,
      document.firstName(notIn: ["mediaType", "bytes", "annotations"]) == nil, let type = document["mediaType"]?.string, type.utf8.count <= 256,
      let text = document["bytes"]?.string, let content = try? Base64.decode(text), (1...maxDocumentBytes).contains(content.count),
      let list = document["annotations"]?.array, list.count <= 64
    else { throw CacheEntryError("a member is missing or of the wrong kind") }
    var annotations: [SigningJob.Annotation] = []
    for pair in list {
      guard let pair = pair.array, pair.count == 2, let name = pair[0].string, let value = pair[1].string,
        !annotations.contains(where: { $0.name == name })
      else { throw CacheEntryError("an annotation is no pair of texts, or stands twice") }
      annotations.append(.init(name: name, value: value))
    }
    return CacheEntry(
      key: key, policy: policy, storedAt: storedAt,
      document: SealedDocument(format: key.format, mediaType: type, bytes: content, annotations: annotations))
  }
}

/// Why bytes are no entry for a question.
package struct CacheEntryError: Error, Sendable, Hashable, CustomStringConvertible {
  package let description: String
  init(_ why: String) { description = why }
}
