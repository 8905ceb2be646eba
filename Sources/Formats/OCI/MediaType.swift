/// The media types registries speak of, as texts.
package enum MediaType {
  package static let imageManifest = "application/vnd.oci.image.manifest.v1+json"
  package static let imageIndex = "application/vnd.oci.image.index.v1+json"
  package static let imageConfig = "application/vnd.oci.image.config.v1+json"
  /// The two bytes `{}` (image-spec, Guidance for an Empty Descriptor).
  package static let empty = "application/vnd.oci.empty.v1+json"
  package static let dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
  package static let dockerManifestList = "application/vnd.docker.distribution.manifest.list.v2+json"
  package static let dockerConfig = "application/vnd.docker.container.image.v1+json"

  package static let manifests = [imageManifest, dockerManifest]
  package static let indexes = [imageIndex, dockerManifestList]
  /// What `Accept` must hold to be given a manifest as it is.
  package static let accepted = manifests + indexes

  /// RFC 6838 §4.2: `type/subtype`, each of restricted names, without parameters.
  package static func isWellFormed(_ text: String) -> Bool {
    let parts = text.utf8.split(separator: UInt8(ascii: "/"), maxSplits: 1, omittingEmptySubsequences: false)
    guard text.utf8.count <= OCILimits.mediaTypeBytes, parts.count == 2 else { return false }
    return parts.allSatisfy { part in
      guard let first = part.first, (1...127).contains(part.count), isAlphanumeric(first) else { return false }
      return part.allSatisfy { isAlphanumeric($0) || "!#$&-^_.+".utf8.contains($0) }
    }
  }

  /// A `Content-Type` without its parameters, in lower case as registries write them.
  package static func essence(_ header: String) -> String {
    var text = (header.split(separator: ";", maxSplits: 1).first ?? "").lowercased()[...]
    while text.last == " " || text.last == "\t" { text = text.dropLast() }
    while text.first == " " || text.first == "\t" { text = text.dropFirst() }
    return String(text)
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
  }
}
