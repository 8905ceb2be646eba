internal import Encodings

/// A list file of what runs where no cluster can be asked (virtual machines, appliances): one reference a line, or JSON
/// `[{subject, digest, environment, seenAt}]`.
package enum WorkloadListFile {
  package static let maxBytes = 16 << 20
  package static let maxEntries = 200_000
  private static let members = ["subject", "digest", "environment", "seenAt"]

  /// Fuzz entry point. Empty lines and lines that begin with `#` are skipped.
  package static func parse(_ bytes: some Sequence<UInt8>) throws(WorkloadListError) -> [RunningImage] {
    var bytes = Array(bytes)
    guard bytes.count <= maxBytes else { throw .tooLong(limit: maxBytes) }
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    if bytes.first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) == UInt8(ascii: "[") { return try json(bytes) }
    return try lines(bytes)
  }

  private static func json(_ bytes: [UInt8]) throws(WorkloadListError) -> [RunningImage] {
    let value: JSONValue
    do { value = try JSONValue.parse(bytes, limits: JSONLimits(maxBytes: maxBytes, maxDepth: 4, maxElements: 1_000_000)) } catch { throw .notJSON(error) }
    guard let items = value.array else { throw .member("(top)", wanted: "an array") }
    guard items.count <= maxEntries else { throw .tooMany(limit: maxEntries) }
    var result: [RunningImage] = []
    for (i, item) in items.enumerated() {
      guard let object = item.object else { throw .member("[\(i)]", wanted: "an object") }
      if let unknown = object.firstName(notIn: members) { throw .member("[\(i)].\(unknown.prefix(60))", wanted: "known (subject, digest, environment, seenAt)") }
      guard let subject = item["subject"]?.string, !subject.isEmpty, subject.utf8.count <= 1024 else { throw .member("[\(i)].subject", wanted: "a text") }
      var id = ImageID(subject).flatMap { $0.meaning == .manifest ? $0 : nil }
      if let digest = item["digest"], !digest.isNull {
        guard let text = digest.string.flatMap({ ImageID.digest($0) }) else { throw .member("[\(i)].digest", wanted: "sha256:HEX") }
        id = ImageID(meaning: .manifest, digest: text, repository: id?.repository)
      }
      result.append(
        RunningImage(
          image: subject, id: id, namespace: nil, workload: subject, since: item["seenAt"]?.string, environment: item["environment"]?.string))
    }
    return result
  }

  private static func lines(_ bytes: [UInt8]) throws(WorkloadListError) -> [RunningImage] {
    var result: [RunningImage] = []
    for (i, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
      var line = line
      while let last = line.last, last == 0x0D || last == 0x20 || last == 0x09 { line.removeLast() }
      while let first = line.first, first == 0x20 || first == 0x09 { line.removeFirst() }
      guard let first = line.first, first != UInt8(ascii: "#") else { continue }
      guard line.count <= 1024, line.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw .line(i + 1, why: "it is not one reference") }
      guard result.count < maxEntries else { throw .tooMany(limit: maxEntries) }
      let text = String(decoding: line, as: UTF8.self)
      // A bare digest in a list is what somebody deployed, not what a runtime calls its local copy.
      let id = ImageID(text).map { ImageID(meaning: .manifest, digest: $0.digest, repository: $0.repository) }
      result.append(RunningImage(image: text, id: id, namespace: nil, workload: text))
    }
    return result
  }
}
