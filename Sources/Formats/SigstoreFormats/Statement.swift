package import Encodings

/// An in-toto statement: what is said about which artifacts (in-toto attestation framework, Statement v1; v0.1 is read).
///
/// The predicate is kept as the bytes it was written with, so that an SBOM inside an attestation is byte for byte the SBOM that was made.
package struct Statement: Sendable, Hashable {
  /// The statement types by their `_type`. Only v1 is written.
  package enum Version: String, Sendable, Hashable, CaseIterable {
    case v1 = "https://in-toto.io/Statement/v1"
    case v01 = "https://in-toto.io/Statement/v0.1"
  }

  /// One artifact the statement is about. Matching goes by digest; the name is for people.
  package struct Subject: Sendable, Hashable {
    /// One digest under the name the statement gives the algorithm: `sha256`, `sha512`, `gitCommit`…
    package struct Digest: Sendable, Hashable {
      package var algorithm: String
      /// Hexadecimal as it was written.
      package var value: String

      package init(algorithm: String, value: String) {
        self.algorithm = algorithm
        self.value = value
      }
    }

    /// Nil where the writer gave none, as cosign does for images.
    package var name: String?
    /// In the order they were written; algorithm names are distinct.
    package var digests: [Digest]
    /// Values of any JSON type; cosign's `-a key=value` are strings.
    package var annotations: JSONObject

    package init(name: String?, digests: [Digest], annotations: JSONObject = [:]) {
      self.name = name
      self.digests = digests
      self.annotations = annotations
    }

    /// The form that every client reads: a name and SHA-256, with further digests after it.
    package init(name: String, sha256: [UInt8], further: [MessageDigest] = [], annotations: JSONObject = [:]) {
      let all = [MessageDigest(algorithm: .sha256, bytes: sha256)] + further.filter { $0.algorithm != .sha256 }
      self.init(
        name: name, digests: all.map { Digest(algorithm: $0.algorithm.rawValue, value: Hex.encode($0.bytes)) }, annotations: annotations)
    }

    /// The digest of this algorithm, when it is there in its full length.
    package func digest(_ algorithm: HashAlgorithm) -> MessageDigest? {
      digests.first { $0.algorithm == algorithm.rawValue }.flatMap { MessageDigest(text: "\($0.algorithm):\($0.value)") }
    }
  }

  /// The limits of sigstore-go.
  package static let maxSubjects = 1024
  package static let maxDigests = 32

  package let version: Version
  package let subjects: [Subject]
  /// A URI.
  package let predicateType: String
  /// The JSON text of the predicate, verbatim; nil when there is none.
  package let predicate: [UInt8]?

  /// Only the parser makes statements that break the rules of what we write.
  init(version: Version, subjects: [Subject], predicateType: String, predicate: [UInt8]?) {
    self.version = version
    self.subjects = subjects
    self.predicateType = predicateType
    self.predicate = predicate
  }

  /// A statement of ours, in the form that cosign, sigstore-go and sigstore-python all read.
  ///
  /// - Parameter predicate: one JSON value as UTF-8; white space around it is dropped, everything inside is kept.
  /// - Throws: `.unfit` unless there are 1 to 1024 subjects, each with a name and `sha256`, and the predicate type is a URI; `.malformed` when
  ///   `predicate` is no JSON or beyond `predicateLimits`.
  package init(subjects: [Subject], predicateType: String, predicate: [UInt8]) throws(DocumentError) {
    self.init(version: .v1, subjects: subjects, predicateType: predicateType, predicate: try Self.trimmed(predicate))
    try checkWritable()
  }

  /// The first subject with this digest.
  package func subject(matching digest: MessageDigest) -> Subject? { subjects.first { $0.digest(digest.algorithm) == digest } }

  /// The predicate as a tree: for small ones.
  package func predicateValue(limits: JSONLimits = .standard) throws(DocumentError) -> JSONValue {
    do { return try JSONValue.parse(predicate ?? Array("null".utf8), limits: limits) } catch {
      throw .malformed(.predicate, .notJSON(error.description))
    }
  }
}
