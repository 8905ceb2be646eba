internal import Foundation

/// Reads small files.
package enum BoundedFile {
  /// - Throws: `.unusable`, naming the path, when the file is missing, unreadable or longer than `maxBytes`.
  package static func bytes(_ path: String, maxBytes: Int) throws(CredentialError) -> [UInt8] {
    guard let handle = FileHandle(forReadingAtPath: path) else { throw .unusable("\(path) cannot be opened") }
    defer { try? handle.close() }
    let data: Data
    do { data = try handle.read(upToCount: maxBytes + 1) ?? Data() } catch { throw .unusable("\(path) cannot be read") }
    guard data.count <= maxBytes else { throw .unusable("\(path) is longer than \(maxBytes) bytes") }
    return Array(data)
  }

  package static func text(_ path: String, maxBytes: Int) throws(CredentialError) -> String {
    guard let text = String(validating: try bytes(path, maxBytes: maxBytes), as: UTF8.self) else {
      throw .unusable("\(path) is not UTF-8")
    }
    return text
  }
}
