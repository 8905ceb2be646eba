internal import Encodings

extension Statement {
  /// The UTF-8 text: the payload of an envelope. The predicate stands in it byte for byte.
  package func serialized() -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity((predicate?.count ?? 4) + 256 * subjects.count + 256)
    output += "{\"_type\":\"\(version.rawValue)\",\"subject\":".utf8
    JSONValue.array(subjects.map(\.json)).append(to: &output)
    output += ",\"predicateType\":".utf8
    JSONText.appendString(predicateType, to: &output)
    output += ",\"predicate\":".utf8
    output += predicate ?? Array("{}".utf8)
    output.append(UInt8(ascii: "}"))
    return output
  }

  /// The envelope to be signed.
  package func unsigned() -> UnsignedEnvelope { UnsignedEnvelope(payload: serialized()) }

  /// What `cosign sign` says about an image, with the name that cosign leaves out: the digest is signed, nothing else is claimed.
  ///
  /// - Parameters:
  ///   - repository: `host[:port]/path`, without tag or digest.
  ///   - annotations: what `-a key=value` gives; `cosign verify -a` compares them.
  package static func cosignImage(
    repository: String, manifestSHA256: [UInt8], annotations: [(name: String, value: String)] = []
  ) throws(DocumentError) -> Statement {
    var object: JSONObject = [:]
    for (name, value) in annotations { object[name] = .string(value) }
    let subject = Subject(name: repository, sha256: manifestSHA256, annotations: object)
    return try Statement(subjects: [subject], predicateType: PredicateType.cosignImage.rawValue, predicate: Array("{}".utf8))
  }

  /// The rules for what we write: what cosign, sigstore-go and sigstore-python all read.
  func checkWritable() throws(DocumentError) {
    guard PredicateType.isURI(predicateType) else { throw .unfit(.statement, "predicate type \"\(predicateType.prefix(120))\" is not a URI") }
    guard (1...Self.maxSubjects).contains(subjects.count) else {
      throw .unfit(.statement, "\(subjects.count) subjects; 1 to \(Self.maxSubjects) are possible")
    }
    for subject in subjects {
      guard let name = subject.name, !name.isEmpty, name.utf8.count <= Self.maxNameBytes else {
        throw .unfit(.statement, "every subject needs a name of at most \(Self.maxNameBytes) bytes")
      }
      guard subject.digest(.sha256) != nil else { throw .unfit(.statement, "subject \(name.prefix(120)) has no sha256 digest") }
      guard subject.digests.count <= Self.maxDigests, Set(subject.digests.map(\.algorithm)).count == subject.digests.count else {
        throw .unfit(.statement, "subject \(name.prefix(120)) has more than \(Self.maxDigests) digests, or one twice")
      }
      for digest in subject.digests where HashAlgorithm(rawValue: digest.algorithm) != nil {
        guard subject.digest(HashAlgorithm(rawValue: digest.algorithm) ?? .sha256) != nil, digest.value == digest.value.lowercased() else {
          throw .unfit(.statement, "the \(digest.algorithm) digest of subject \(name.prefix(120)) is not lower-case hexadecimal of its length")
        }
      }
    }
  }

  /// The predicate without white space around it, after checking that it is one JSON object or array.
  static func trimmed(_ predicate: [UInt8]) throws(DocumentError) -> [UInt8] {
    let range: Range<Int>
    do throws(JSONError) {
      range = try contiguous(predicate) { (bytes) throws(JSONError) in try JSONScanner.check(bytes, limits: predicateLimits) }
    } catch { throw .malformed(.predicate, .notJSON(error.description)) }
    guard [UInt8(ascii: "{"), UInt8(ascii: "[")].contains(predicate[range.lowerBound]) else {
      throw .malformed(.predicate, .badMember(path: "(the whole)", wanted: "an object"))
    }
    return range.count == predicate.count ? predicate : Array(predicate[range])
  }
}

extension Statement.Subject {
  var json: JSONValue {
    var object: JSONObject = [:]
    object.set("name", ifPresent: name.map { .string($0) })
    var list: JSONObject = [:]
    for digest in digests { list[digest.algorithm] = .string(digest.value) }
    object["digest"] = .object(list)
    if !annotations.isEmpty { object["annotations"] = .object(annotations) }
    return .object(object)
  }
}
