internal import Encodings

/// One JSON object whose members are located but not read yet: for documents with a very large member.
struct RawObject {
  private let bytes: UnsafeRawBufferPointer
  private let members: [JSONScanner.Member]
  let path: String

  /// Checks the whole text, every nested value included. `bytes` must outlive the value.
  init(_ bytes: UnsafeRawBufferPointer, limits: JSONLimits, path: String) throws(BundleError) {
    self.bytes = bytes
    self.path = path
    do { members = try JSONScanner.members(bytes, limits: limits) } catch {
      if error.reason == .expectedObject { throw .badMember(path: path.isEmpty ? "(the whole)" : path, wanted: "an object") }
      throw .notJSON(error.description)
    }
  }

  func at(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

  func field(_ name: String) -> JSONField? { members.first { $0.name.utf8.elementsEqual(name.utf8) }?.field }

  func allow(_ names: [String]) throws(BundleError) {
    for member in members where !names.contains(where: { $0.utf8.elementsEqual(member.name.utf8) }) {
      throw .unknownMember(path: at(String(member.name.prefix(80))))
    }
  }

  func string(_ name: String, maxBytes: Int) throws(BundleError) -> String {
    // An escape is at most six characters for a byte.
    guard let field = field(name), field.kind == .string, field.range.count <= maxBytes * 6, let text = field.string(in: bytes),
      text.utf8.count <= maxBytes
    else { throw .badMember(path: at(name), wanted: "a string of at most \(maxBytes) bytes") }
    return text
  }

  /// Bytes in base64 of either alphabet: not empty, at most `maxBytes` of them. No copy but the result.
  func base64(_ name: String, maxBytes: Int) throws(BundleError) -> [UInt8] {
    guard let field = field(name), field.kind == .string, field.range.count <= maxBytes / 3 * 4 + 8,
      let result = (try? field.base64(in: bytes)) ?? nil, !result.isEmpty, result.count <= maxBytes
    else { throw .badMember(path: at(name), wanted: "1 to \(maxBytes) bytes in base64") }
    return result
  }

  /// The text of an array, object, number or literal.
  func text(_ name: String) -> UnsafeRawBufferPointer? {
    guard let field = field(name), field.kind != .string else { return nil }
    return UnsafeRawBufferPointer(rebasing: bytes[field.range])
  }

  /// A member as a tree; `.null` where there is none.
  func value(_ name: String, limits: JSONLimits) throws(BundleError) -> JSONValue {
    guard let field = field(name) else { return .null }
    guard field.range.count <= limits.maxBytes else { throw .badMember(path: at(name), wanted: "at most \(limits.maxBytes) bytes") }
    do { return try field.value(in: bytes, limits: limits) ?? .null } catch {
      throw .badMember(path: at(name), wanted: "a smaller value (\(error.description))")
    }
  }
}

/// Runs `body` over the bytes of any sequence, without a copy where they are contiguous.
func contiguous<T, E: Error>(
  _ bytes: some Sequence<UInt8>, _ body: (UnsafeRawBufferPointer) throws(E) -> T
) throws(E) -> T {
  let fast: Result<T, E>? = bytes.withContiguousStorageIfAvailable { storage in
    do throws(E) { return .success(try body(UnsafeRawBufferPointer(storage))) } catch { return .failure(error) }
  }
  if let fast { return try fast.get() }
  let slow: Result<T, E> = Array(bytes).withUnsafeBytes { storage in
    do throws(E) { return .success(try body(storage)) } catch { return .failure(error) }
  }
  return try slow.get()
}
