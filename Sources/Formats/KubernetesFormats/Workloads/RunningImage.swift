package import Encodings

/// One container that runs, or a thing that a list file says runs.
package struct RunningImage: Sendable, Hashable {
  /// As the specification writes it: `registry/app:1.2`.
  package var image: String?
  /// What the runtime says it pulled, read by `ImageID`; nil while pulling.
  package var id: ImageID?
  package var namespace: String?
  /// `deployment/web`.
  package var workload: String
  package var container: String?
  /// RFC 3339, as written.
  package var since: String?
  /// The cluster or environment when the source names one.
  package var environment: String?

  package init(
    image: String?, id: ImageID?, namespace: String?, workload: String, container: String? = nil, since: String? = nil, environment: String? = nil
  ) {
    self.image = image
    self.id = id
    self.namespace = namespace
    self.workload = workload
    self.container = container
    self.since = since
    self.environment = environment
  }
}

/// The `imageID` of a container status (estate-and-gates §4.1).
package struct ImageID: Sendable, Hashable {
  package enum Meaning: Sendable, Hashable {
    /// Digest of an index or a manifest, pullable from `repository`.
    case manifest
    /// Digest of an image configuration: a local image that no registry knows by this value.
    case configuration
  }

  package var meaning: Meaning
  /// `sha256:…`, lower case.
  package var digest: String
  /// `registry/path`; another one than the specification's when two repositories share content. Nil for a configuration.
  package var repository: String?

  /// Reads `registry/repo@sha256:…`, `docker-pullable://registry/repo@sha256:…`, `docker://sha256:…` and a bare `sha256:…`.
  ///
  /// - Returns: nil for an empty text (still pulling) and for what is none of these.
  package init?(_ text: String) {
    guard (1...1024).contains(text.utf8.count) else { return nil }
    var rest = Substring(text)
    if let scheme = rest.firstRange(of: "://") { rest = rest[scheme.upperBound...] }
    if let at = rest.lastIndex(of: "@") {
      let repository = rest[..<at]
      guard !repository.isEmpty, let digest = Self.digest(rest[rest.index(after: at)...]) else { return nil }
      (self.meaning, self.digest, self.repository) = (.manifest, digest, String(repository))
    } else {
      guard let digest = Self.digest(rest) else { return nil }
      (self.meaning, self.digest, repository) = (.configuration, digest, nil)
    }
  }

  package init(meaning: Meaning, digest: String, repository: String?) {
    (self.meaning, self.digest, self.repository) = (meaning, digest, repository)
  }

  /// `sha256:` and 64 hexadecimal digits, or the same for sha512.
  package static func digest(_ text: some StringProtocol) -> String? {
    let lower = text.lowercased()
    for (name, length) in [("sha256:", 64), ("sha512:", 128)] where lower.hasPrefix(name) {
      let hex = lower.dropFirst(name.utf8.count)
      guard hex.utf8.count == length, hex.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 || $0 >= 0x61 && $0 <= 0x66 }) else { return nil }
      return lower
    }
    return nil
  }
}

/// Why a document about what runs cannot be read.
package enum WorkloadListError: Error, Sendable, Equatable, CustomStringConvertible {
  case notJSON(JSONError)
  case member(String, wanted: String)
  case line(Int, why: String)
  case tooMany(limit: Int)
  case tooLong(limit: Int)

  package var description: String {
    switch self {
    case .notJSON(let error): "it is not JSON: \(error.description)"
    case .member(let name, let wanted): "its member \(name) is not \(wanted)"
    case .line(let number, let why): "line \(number): \(why)"
    case .tooMany(let limit): "it has more than \(limit) entries"
    case .tooLong(let limit): "it is longer than \(limit) bytes"
    }
  }
}
