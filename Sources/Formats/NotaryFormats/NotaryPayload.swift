package import Encodings

/// What a Notary signature is over: the descriptor of one artifact (signature-specification, "Payload").
package struct NotaryPayload: Sendable, Hashable {
  package static let mediaType = "application/vnd.cncf.notary.payload.v1+json"
  /// 1 MiB, 8 levels, 5 000 values: user metadata is small.
  package static let limits = JSONLimits(maxBytes: 1 << 20, maxDepth: 8, maxElements: 5_000)
  /// Annotations that begin with this are the tools' own and may not be chosen by users.
  package static let reservedAnnotationPrefix = "io.cncf.notary"

  /// Media type of the artifact's manifest (or of the blob).
  package var artifactMediaType: String
  /// `sha256:…` in lower-case hexadecimal; also sha384 and sha512.
  package var digest: String
  /// Length of the manifest in bytes.
  package var size: Int64
  /// User metadata, by name in ascending order.
  package var annotations: [Annotation]

  package struct Annotation: Sendable, Hashable {
    package var name: String
    package var value: String

    package init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  package init(artifactMediaType: String, digest: String, size: Int64, annotations: [Annotation] = []) {
    self.artifactMediaType = artifactMediaType
    self.digest = digest
    self.size = size
    self.annotations = annotations.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  /// The JSON text: members in the order mediaType, digest, size, annotations.
  package func serialized() -> [UInt8] {
    var target: JSONObject = [
      "mediaType": .string(artifactMediaType), "digest": .string(digest), "size": .integer(size),
    ]
    if !annotations.isEmpty {
      var members = JSONObject()
      for annotation in annotations { members[annotation.name] = .string(annotation.value) }
      target["annotations"] = .object(members)
    }
    return JSONValue.object(["targetArtifact": .object(target)]).serialized()
  }

  /// Reads a payload. Members the specification does not have are refused: notation never writes them and refuses them from plugins.
  package static func parse(_ bytes: some Sequence<UInt8>) throws(NotaryError) -> NotaryPayload {
    let value: JSONValue
    do { value = try JSONValue.parse(bytes, limits: limits) } catch { throw .notJSON(what: "the payload", error.description) }
    let root = try NotaryMembers(value, path: "payload")
    try root.allow(["targetArtifact"])
    let target = try root.object("targetArtifact")
    try target.allow(["mediaType", "digest", "size", "annotations"])
    let mediaType = try target.string("mediaType", maxBytes: 255)
    let digest = try target.string("digest", maxBytes: 140)
    guard isDigest(digest) else { throw .badMember(path: target.at("digest"), wanted: "sha256:, sha384: or sha512: and lower-case hexadecimal") }
    guard let size = target.object["size"]?.int64, size >= 0 else { throw .badMember(path: target.at("size"), wanted: "a whole number, not negative") }
    var annotations: [Annotation] = []
    if let members = target.object["annotations"] {
      guard let members = members.object else { throw .badMember(path: target.at("annotations"), wanted: "an object of strings") }
      for member in members.members {
        guard let text = member.value.string else {
          throw .badMember(path: "\(target.at("annotations")).\(member.name.prefix(80))", wanted: "a string")
        }
        annotations.append(Annotation(name: member.name, value: text))
      }
    }
    return NotaryPayload(artifactMediaType: mediaType, digest: digest, size: size, annotations: annotations)
  }

  private static func isDigest(_ text: String) -> Bool {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2 else { return false }
    let wanted: [Substring: Int] = ["sha256": 64, "sha384": 96, "sha512": 128]
    return wanted[parts[0]] == parts[1].utf8.count
      && parts[1].utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 || $0 >= 0x61 && $0 <= 0x66 }
  }
}
