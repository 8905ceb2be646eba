internal import Encodings

/// Where Docker's `config.json` says that credentials are. Members about anything else are passed over.
package struct DockerConfiguration: Sendable {
  /// Credentials written into the file. Descriptions do not show them.
  package struct Entry: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var username: String?
    package var password: String?
    /// A refresh token of the registry's token server.
    package var identityToken: String?
    /// A bearer token of the registry itself.
    package var registryToken: String?

    package var description: String { "(credentials)" }
    package var debugDescription: String { "(credentials)" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
  }

  package static let maxBytes = 1 << 20
  /// The key under which Docker keeps the credentials of Docker Hub.
  package static let dockerHubKey = "https://index.docker.io/v1/"

  private let entries: [String: Entry]
  private let helpers: [String: String]
  private let store: String?

  package init() {
    entries = [:]
    helpers = [:]
    store = nil
  }

  /// Reads the file. Fuzz entry point.
  package static func parse(_ bytes: [UInt8]) throws(OCIError) -> DockerConfiguration { try DockerConfiguration(bytes) }

  private init(_ bytes: [UInt8]) throws(OCIError) {
    let document = "Docker configuration"
    let reader = try DocumentReader(bytes, document: document, maxBytes: Self.maxBytes)
    var entries: [String: Entry] = [:]
    if reader.has("auths") {
      for member in try reader.object("auths").object.members {
        let path = "auths.\(member.name.prefix(100))"
        entries[Self.host(of: member.name)] = try Self.entry(DocumentReader(member.value, document: document, path: path))
      }
    }
    var helpers: [String: String] = [:]
    if reader.has("credHelpers") {
      let inner = try reader.object("credHelpers")
      for member in inner.object.members { helpers[Self.host(of: member.name)] = try Self.helper(inner.string(member.name, limit: 128), document) }
    }
    self.entries = entries
    self.helpers = helpers
    store = try reader.optionalString("credsStore", limit: 128).flatMap { name throws(OCIError) in name.isEmpty ? nil : try Self.helper(name, document) }
  }

  /// The credentials in the file for this registry, nil when it holds none.
  package func entry(for registry: String) -> Entry? {
    guard let entry = entries[registry], entry != Entry() else { return nil }
    return entry
  }

  /// X of the program `docker-credential-X` to ask for this registry: its own helper before the common store.
  package func helper(for registry: String) -> String? { helpers[registry] ?? store }

  /// What a helper is asked for.
  package static func helperKey(of registry: String) -> String { registry == "docker.io" ? dockerHubKey : registry }

  /// Keys were URLs once (`https://index.docker.io/v1/`); what counts is the host.
  private static func host(of key: String) -> String {
    var text = key.lowercased()[...]
    for scheme in ["https://", "http://"] where text.hasPrefix(scheme) { text = text.dropFirst(scheme.count) }
    let host = String(text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).first ?? "")
    return ReferenceGrammar.registry(host) ?? host
  }

  private static func entry(_ reader: DocumentReader) throws(OCIError) -> Entry {
    let limit = 32 << 10
    var entry = Entry()
    entry.username = try reader.optionalString("username", limit: limit)
    entry.password = try reader.optionalString("password", limit: limit)
    if let bytes = try reader.optionalBytes("auth", limit: limit), !bytes.isEmpty {
      guard let text = String(validating: bytes, as: UTF8.self), let colon = text.firstIndex(of: ":") else {
        throw .badMember(document: reader.document, path: "\(reader.path).auth", wanted: "base64 of USER:PASSWORD")
      }
      entry.username = String(text[..<colon])
      // Old writers padded with NUL.
      entry.password = String(text[text.index(after: colon)...].prefix { $0 != "\0" })
    }
    entry.identityToken = try reader.optionalString("identitytoken", limit: limit).flatMap { $0.isEmpty ? nil : $0 }
    entry.registryToken = try reader.optionalString("registrytoken", limit: limit).flatMap { $0.isEmpty ? nil : $0 }
    if entry.username == "" { entry.username = nil }
    if entry.password == "" { entry.password = nil }
    return entry
  }

  /// A helper's name becomes part of a program's name: it must not leave the search path.
  private static func helper(_ name: String, _ document: String) throws(OCIError) -> String {
    let isSafe = name.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || "-_.".utf8.contains(byte)
    }
    guard isSafe, (1...64).contains(name.utf8.count) else {
      throw .badMember(document: document, path: "credHelpers or credsStore", wanted: "letters, digits, - _ . as the name of a helper")
    }
    return name
  }
}

/// The answer of a credential helper: `{"ServerURL","Username","Secret"}`.
package enum CredentialHelperAnswer {
  package static let maxBytes = 64 << 10

  /// User name and secret; user `<token>` means that the secret is an identity token. Fuzz entry point.
  package static func parse(_ bytes: [UInt8]) throws(OCIError) -> DockerConfiguration.Entry {
    let reader = try DocumentReader(bytes, document: "credential helper's answer", maxBytes: maxBytes)
    let username = try reader.string("Username", limit: 32 << 10)
    let secret = try reader.string("Secret", limit: 32 << 10)
    if username == "<token>" { return DockerConfiguration.Entry(identityToken: secret) }
    return DockerConfiguration.Entry(username: username, password: secret)
  }
}
