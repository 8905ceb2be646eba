package import Issuance
package import Signing

/// Where the certificate chains of HSM keys are kept: a Managed HSM itself keeps none.
///
/// One chain per key version. Looked for in this order: the file that was named, the Hallmark service when the key lives in one, the local
/// folder. Whatever is found is checked against the key before it is given out, so a chain of another key never reaches a signature.
package struct CertificateHome: Sendable {
  package enum Place: String, Sendable, Hashable, CaseIterable {
    /// The file that was named.
    case file
    /// The Hallmark service that holds the key.
    case service
    /// The folder on this machine.
    case local
  }

  /// A chain whose leaf is for the key that was asked about.
  package struct Found: Sendable, Hashable {
    package let chain: CertificateChain
    package let place: Place
    /// Path or URL.
    package let location: String
  }

  private let file: String?
  private let service: ServiceCertificates?
  private let folder: CertificateFolder

  /// - Parameters:
  ///   - client: of the service that holds the keys; its certificate store is used when it is a Hallmark one.
  ///   - file: a PEM or DER chain that goes before everything else.
  package init(client: ManagedHSMClient, file: String? = nil, folder: CertificateFolder) {
    self.file = file
    service = client.address.isOurs ? ServiceCertificates(client) : nil
    self.folder = folder
  }

  /// The folder is `$HALLMARK_CERTIFICATES`, else `$XDG_DATA_HOME/hallmark/certificates`.
  package init(settings: ConnectionSettings, client: ManagedHSMClient, file: String? = nil) {
    self.init(client: client, file: file, folder: CertificateFolder(settings: settings))
  }

  /// The chain of a key version.
  ///
  /// - Parameter only: look at this place alone.
  /// - Throws: `.none` with the places looked at; `.chain` for one that cannot be used, the key's own check (`.otherKey`) included.
  /// - Cost: at most one GET and one small file.
  package func chain(for key: PinnedKey, only place: Place? = nil) async throws(CertificateHomeError) -> Found {
    var looked: [String] = []
    if let file, place ?? .file == .file {
      let bytes = try CertificateFolder.read(file)
      return try found(bytes, .file, file, key)
    }
    if place == .service, service == nil { throw .noServiceStore }
    if let service, place ?? .service == .service {
      switch try await service.chain(for: key) {
      case .found(let bytes, let location): return try found(bytes, .service, location, key)
      case .absent(let location): looked.append(location)
      }
    }
    if place ?? .local == .local {
      let path = try folder.path(for: key)
      if let bytes = try folder.bytes(at: path) { return try found(bytes, .local, path, key) }
      looked.append(path)
    }
    throw .none(key: "\(key.name)/\(key.version)", looked: looked)
  }

  /// Keeps a chain for a key version, replacing the one before.
  ///
  /// - Parameter place: nil for the service when it is a Hallmark one, else the local folder.
  /// - Returns: where it is now.
  /// - Throws: `.chain(.otherKey)` before anything is written when the leaf is not the key's.
  package func keep(_ chain: CertificateChain, for key: PinnedKey, at place: Place? = nil) async throws(CertificateHomeError) -> String {
    do { try chain.check(key: key.publicKey) } catch { throw .chain(location: "the new chain", error) }
    switch place ?? (service == nil ? .local : .service) {
    case .service:
      guard let service else { throw .noServiceStore }
      return try await service.keep(chain, for: key)
    case .local: return try folder.keep(chain, for: key)
    case .file: throw .fileIsReadOnly
    }
  }

  /// Forgets the chain of a key version.
  /// - Returns: false when there was none.
  package func remove(_ key: PinnedKey, at place: Place) async throws(CertificateHomeError) -> Bool {
    switch place {
    case .service:
      guard let service else { throw .noServiceStore }
      return try await service.remove(key)
    case .local: return try folder.remove(key)
    case .file: throw .fileIsReadOnly
    }
  }

  private func found(_ bytes: [UInt8], _ place: Place, _ location: String, _ key: PinnedKey) throws(CertificateHomeError) -> Found {
    do {
      let chain = try CertificateChain(bytes: bytes)
      try chain.check(key: key.publicKey)
      return Found(chain: chain, place: place, location: location)
    } catch { throw .chain(location: location, error) }
  }
}

/// Why there is no chain, or none that can be used.
package enum CertificateHomeError: Error, Equatable, Sendable, CustomStringConvertible {
  /// `looked`: paths and URLs.
  case none(key: String, looked: [String])
  /// What is there cannot be used.
  case chain(location: String, IssuanceError)
  case unreadable(path: String, why: String)
  case notWritten(path: String, why: String)
  case remote(OutboundError)
  case noServiceStore
  case fileIsReadOnly
  /// The key's name or service cannot be a path.
  case badKey(String)

  package var description: String {
    switch self {
    case .none(let key, let looked):
      "no certificate chain for key \(key) (looked at \(looked.joined(separator: " and "))); make one with: hallmark certs issue \(key.split(separator: "/").first ?? "KEY") --self-signed --subject \"C=…, ST=…, O=…, CN=…\", or import one with: hallmark certs import"
    case .chain(let location, let error): "\(location): \(error.description)"
    case .unreadable(let path, let why): "\(path) cannot be read: \(why)"
    case .notWritten(let path, let why): "\(path) cannot be written: \(why)"
    case .remote(let error): error.description
    case .noServiceStore: "the service that holds the key keeps no certificates (only Hallmark does); use the local folder (--home local)"
    case .fileIsReadOnly: "a chain file that was named is only read; store the chain locally or in the service"
    case .badKey(let text): "key \"\(text.prefix(200))\" cannot have a place in the certificate folder"
    }
  }
}
