import Encodings

/// `POST /keys/{name}/{version}/sign`: the hot route, read without building a tree.
package struct SignRequest: Hashable, Sendable {
  package var algorithm: String
  package var digest: [UInt8]

  private static let members = JSONMembers("alg", "value")

  /// - Throws: what `RequestBody.object` refuses, this refuses too: the scanner follows the same grammar.
  package init(_ bytes: UnsafeRawBufferPointer) throws(WireError) {
    let fields = try Self.members.scanned(bytes)
    algorithm = try fields[0].required("alg", in: bytes)
    digest = try fields[1].requiredBytes("value", in: bytes)
  }
}

/// `POST /keys/{name}/{version}/verify`.
package struct VerifyRequest: Hashable, Sendable {
  package var algorithm: String
  package var digest: [UInt8]
  package var signature: [UInt8]

  private static let members = JSONMembers("alg", "digest", "value")

  package init(_ bytes: UnsafeRawBufferPointer) throws(WireError) {
    let fields = try Self.members.scanned(bytes)
    algorithm = try fields[0].required("alg", in: bytes)
    digest = try fields[1].requiredBytes("digest", in: bytes)
    signature = try fields[2].requiredBytes("value", in: bytes)
  }
}

extension JSONMembers {
  fileprivate func scanned(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> [JSONField] {
    do {
      return try JSONScanner.scan(bytes, self, limits: RequestBody.limits)
    } catch {
      throw .badParameter("The request body is not valid JSON: \(error)")
    }
  }
}

extension JSONField {
  fileprivate func required(_ name: String, in bytes: UnsafeRawBufferPointer) throws(WireError) -> String {
    guard kind != .absent, kind != .null else { throw .badParameter("Property '\(name)' is required") }
    guard kind == .string, let text = string(in: bytes) else { throw .badParameter("Property '\(name)' must be a string") }
    return text
  }

  fileprivate func requiredBytes(_ name: String, in bytes: UnsafeRawBufferPointer) throws(WireError) -> [UInt8] {
    guard kind != .absent, kind != .null else { throw .badParameter("Property '\(name)' is required") }
    do {
      guard kind == .string, let decoded = try base64(in: bytes) else { throw WireError.badParameter("Property '\(name)' must be a base64url string") }
      return decoded
    } catch let error as WireError {
      throw error
    } catch {
      throw .badParameter("Property '\(name)' is not valid base64url: \(error)")
    }
  }
}
