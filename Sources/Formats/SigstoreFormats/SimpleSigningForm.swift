package import Encodings

extension SimpleSigning {
  /// 64 KiB: many times what cosign writes.
  package static let limits = JSONLimits(maxBytes: 64 << 10, maxDepth: 16, maxElements: 2000)

  /// Reads a payload. `critical` must hold exactly what it says; `optional` may hold anything or be null.
  ///
  /// - Throws: `.unsupported` for another `critical.type`, `.malformed` beyond form and limits.
  package static func parse(_ bytes: some Sequence<UInt8>) throws(DocumentError) -> SimpleSigning {
    let value: JSONValue
    do { value = try JSONValue.parse(bytes, limits: limits) } catch {
      throw .malformed(.simpleSigning, .notJSON(error.description))
    }
    let type: String
    let critical: MemberReader
    do throws(BundleError) {
      let whole = MemberReader(value, path: "")
      try whole.allow(["critical", "optional"])
      critical = try whole.object("critical")
      try critical.allow(["identity", "image", "type"])
      type = try critical.string("type", maxBytes: 256)
    } catch { throw .malformed(.simpleSigning, error) }
    guard type == Self.type else { throw .unsupported(.simpleSigning, "critical.type \"\(type.prefix(80))\" is not \"\(Self.type)\"") }
    do throws(BundleError) { return try payload(critical, value["optional"]) } catch { throw .malformed(.simpleSigning, error) }
  }

  private static func payload(_ critical: MemberReader, _ optional: JSONValue?) throws(BundleError) -> SimpleSigning {
    let identity = try critical.object("identity")
    try identity.allow(["docker-reference"])
    let image = try critical.object("image")
    try image.allow(["docker-manifest-digest"])
    let text = try image.string("docker-manifest-digest", maxBytes: 140)
    guard let digest = MessageDigest(text: text), digest.algorithm == .sha256 else {
      throw .badMember(path: "critical.image.docker-manifest-digest", wanted: "sha256: and 64 hexadecimal digits")
    }
    let members: JSONObject
    switch optional {
    case nil, .some(.null): members = [:]
    case .some(.object(let object)): members = object
    default: throw .badMember(path: "optional", wanted: "an object or null")
    }
    return SimpleSigning(
      repository: try identity.string("docker-reference", maxBytes: 1024), manifestSHA256: digest.bytes, optional: members)
  }

  /// The bytes to be signed and stored as the layer, in cosign's order.
  package func serialized() -> [UInt8] {
    let value: JSONValue = [
      "critical": [
        "identity": ["docker-reference": .string(repository)], "image": ["docker-manifest-digest": .string(manifestDigest.text)],
        "type": .string(Self.type),
      ],
      "optional": optional.isEmpty ? .null : .object(optional),
    ]
    return value.serialized()
  }
}
