internal import Foundation
package import Issuance
internal import Signing

/// Chains in files: `<folder>/<service host>/<key>/<version>.pem`, mode 0644. Nothing secret is in them.
///
/// Written atomically; the last writer wins. Not trusted: what is read is checked against the key.
package struct CertificateFolder: Sendable {
  package let path: String

  package init(path: String) { self.path = path }

  package init(settings: ConnectionSettings) {
    path = settings.environment["HALLMARK_CERTIFICATES"].flatMap { $0.isEmpty ? nil : $0 } ?? "\(settings.dataFolder)/certificates"
  }

  /// A chain that is there, and the key version it is filed under.
  package struct Entry: Sendable, Hashable {
    package let host: String
    package let name: String
    package let version: String
    package let location: String
    /// Nil with the reason when it cannot be read.
    package let chain: Result<CertificateChain, IssuanceError>
  }

  /// Longest list given out.
  package static let maxEntries = 10_000

  func path(for key: PinnedKey) throws(CertificateHomeError) -> String {
    guard let host = Self.host(of: key.kid), KeyReference.isName(key.name), KeyReference.isVersion(key.version) else { throw .badKey(key.kid) }
    return "\(path)/\(host)/\(key.name.lowercased())/\(key.version).pem"
  }

  /// - Returns: nil when there is no such file.
  func bytes(at path: String) throws(CertificateHomeError) -> [UInt8]? {
    FileManager.default.fileExists(atPath: path) ? try Self.read(path) : nil
  }

  static func read(_ path: String) throws(CertificateHomeError) -> [UInt8] {
    do { return try BoundedFile.bytes(path, maxBytes: CertificateChain.maxTextBytes) } catch {
      throw .unreadable(path: path, why: error.description)
    }
  }

  func keep(_ chain: CertificateChain, for key: PinnedKey) throws(CertificateHomeError) -> String {
    let path = try path(for: key)
    do {
      try FileManager.default.createDirectory(
        atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
      try Data(chain.pem.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
      try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
    } catch { throw .notWritten(path: path, why: error.localizedDescription) }
    return path
  }

  func remove(_ key: PinnedKey) throws(CertificateHomeError) -> Bool {
    let path = try path(for: key)
    guard FileManager.default.fileExists(atPath: path) else { return false }
    do { try FileManager.default.removeItem(atPath: path) } catch { throw .notWritten(path: path, why: error.localizedDescription) }
    return true
  }

  /// Everything in the folder, sorted; files that are not filed like ours are passed over.
  package func entries() throws(CertificateHomeError) -> [Entry] {
    var result: [Entry] = []
    for host in Self.names(path) {
      for name in Self.names("\(path)/\(host)") where KeyReference.isName(name) {
        for file in Self.names("\(path)/\(host)/\(name)") where file.hasSuffix(".pem") && KeyReference.isVersion(file.dropLast(4)) {
          guard result.count < Self.maxEntries else { throw .unreadable(path: path, why: "it holds more than \(Self.maxEntries) chains") }
          let location = "\(path)/\(host)/\(name)/\(file)"
          let bytes = try Self.read(location)
          let chain = Result { () throws(IssuanceError) in try CertificateChain(bytes: bytes) }
          result.append(Entry(host: host, name: name, version: String(file.dropLast(4)), location: location, chain: chain))
        }
      }
    }
    return result
  }

  private static func names(_ path: String) -> [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }

  /// `host` or `host_port` of a key identifier, fit for a file name.
  private static func host(of kid: String) -> String? {
    guard kid.hasPrefix("https://"), let address = try? ServiceAddress("https://\(kid.dropFirst(8).prefix { $0 != "/" })") else { return nil }
    let text = address.netloc.replacing(":", with: "_").filter { $0 != "[" && $0 != "]" }
    return text.isEmpty || text.hasPrefix(".") ? nil : text
  }
}
