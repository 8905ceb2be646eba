import Configuration
import Foundation
import SystemPackage
import Yams

/// What `hallmark serve` can be told, by file, environment and flags in this order of growing weight.
///
/// One list (`Setting.all`) says which keys exist; the reader, `hallmark config check` and the refusal of unknown keys all use it.
struct ServerConfiguration: Sendable {
  var addresses: [String]
  var port: Int
  var publicHost: String
  var publicPort: Int
  var region: String
  var bodyBytes: Int
  var idleSeconds: Int
  var drainSeconds: Int
  var strictLimits: Bool
  var cachedKeys: Int
  var passphraseFile: String?
  var certificateFile: String?
  var keyFile: String?
  var tokenSeconds: Int
  var acceptPublicAudience: Bool
  var logLevel: String
  var logFormat: String
  /// Nil when nothing configures the admission webhook.
  var admission: AdmissionConfiguration?

  struct Setting: Sendable {
    let key: String
    let meaning: String
    static let all: [Setting] = [
      Setting(key: "listen.addresses", meaning: "addresses to bind, default loopback [127.0.0.1, ::1]"),
      Setting(key: "listen.port", meaning: "TCP port, default the one given to hallmark init"),
      Setting(key: "public.host", meaning: "host name that identifiers and tokens are built from, <hsm name>.<parent domain>"),
      Setting(key: "public.port", meaning: "port in those identifiers, default listen.port; 443 is left out"),
      Setting(key: "public.region", meaning: "x-ms-keyvault-region, default local"),
      Setting(key: "limits.bodyBytes", meaning: "largest request body, default 1048576"),
      Setting(key: "limits.idleSeconds", meaning: "how long a connection may be silent, default 120"),
      Setting(key: "limits.drainSeconds", meaning: "how long a shutdown waits for requests in flight, default 20"),
      Setting(key: "limits.strict", meaning: "enforce Azure's object limits, default false"),
      Setting(key: "limits.cachedKeys", meaning: "ready keys held in memory, default 1024"),
      Setting(key: "seal.passphraseFile", meaning: "file (0600) with the passphrase of a passphrase-sealed HSM"),
      Setting(key: "tls.certificateFile", meaning: "PEM chain instead of the embedded CA's certificate"),
      Setting(key: "tls.keyFile", meaning: "PEM private key of tls.certificateFile"),
      Setting(key: "tokens.lifetimeSeconds", meaning: "life of an access token, 300 to 86400, default 3600"),
      Setting(key: "tokens.acceptPublicAudience", meaning: "also accept tokens for https://managedhsm.azure.net, default false"),
    ] + AdmissionConfiguration.settings + [
      Setting(key: "log.level", meaning: "trace, debug, info, notice, warning, error or critical; default info"),
      Setting(key: "log.format", meaning: "text or json, default text"),
    ]
  }

  struct Invalid: Error, CustomStringConvertible {
    let description: String
  }

  /// - Parameters:
  ///   - file: `hallmark.yaml`; it may be absent only when it is the default one.
  ///   - flags: what the command line set, as strings by key.
  static func load(file: URL, required: Bool, flags: [String: String], description: HSMDescription) async throws -> ServerConfiguration {
    try read(try await reader(file: file, required: required, flags: flags), flags: flags, description: description)
  }

  /// File, environment and flags as one, unknown keys refused.
  static func reader(file: URL, required: Bool, flags: [String: String]) async throws -> ConfigReader {
    let exists = FileManager.default.fileExists(atPath: file.path)
    guard exists || !required else { throw Invalid(description: "there is no configuration file \(file.path)") }
    if exists { try refuseUnknownKeys(file) }
    var providers: [any ConfigProvider] = [
      InMemoryProvider(
        name: "command line",
        values: Dictionary(uniqueKeysWithValues: flags.map { (AbsoluteConfigKey($0.key.split(separator: ".").map(String.init)), ConfigValue(.string($0.value), isSecret: false)) })),
      EnvironmentVariablesProvider().prefixKeys(with: "hallmark"),
    ]
    if exists { providers.append(try await FileProvider<YAMLSnapshot>(filePath: FilePath(file.path))) }
    return ConfigReader(providers: providers)
  }

  private static func read(_ config: ConfigReader, flags: [String: String], description: HSMDescription) throws -> ServerConfiguration {
    func integer(_ key: String, _ usual: Int, _ range: ClosedRange<Int>) throws -> Int {
      let value = try flags[key].map { text in
        guard let value = Int(text) else { throw Invalid(description: "\(key) must be an integer, not '\(text)'") }
        return value
      } ?? config.int(forKey: ConfigKey(key), default: usual)
      guard range.contains(value) else {
        throw Invalid(description: "\(key) is \(value); it must be from \(range.lowerBound) to \(range.upperBound)")
      }
      return value
    }
    func flag(_ key: String) -> Bool { flags[key].map { $0 == "true" } ?? config.bool(forKey: ConfigKey(key), default: false) }
    let port = try integer("listen.port", description.port, 1...65535)
    let (logLevel, logFormat) = try logging(config)
    let certificateFile = config.string(forKey: "tls.certificateFile")
    let keyFile = config.string(forKey: "tls.keyFile")
    guard (certificateFile == nil) == (keyFile == nil) else {
      throw Invalid(description: "tls.certificateFile and tls.keyFile belong together; only one is set")
    }
    return ServerConfiguration(
      addresses: config.stringArray(forKey: "listen.addresses", default: ["127.0.0.1", "::1"]), port: port,
      publicHost: config.string(forKey: "public.host", default: description.host), publicPort: try integer("public.port", port, 1...65535),
      region: config.string(forKey: "public.region", default: "local"), bodyBytes: try integer("limits.bodyBytes", 1 << 20, 4096...(16 << 20)),
      idleSeconds: try integer("limits.idleSeconds", 120, 1...3600), drainSeconds: try integer("limits.drainSeconds", 20, 0...600),
      strictLimits: flag("limits.strict"), cachedKeys: try integer("limits.cachedKeys", 1024, 1...1_000_000),
      passphraseFile: config.string(forKey: "seal.passphraseFile"), certificateFile: certificateFile, keyFile: keyFile,
      tokenSeconds: try integer("tokens.lifetimeSeconds", 3600, 300...86_400), acceptPublicAudience: flag("tokens.acceptPublicAudience"),
      logLevel: logLevel, logFormat: logFormat, admission: try AdmissionConfiguration.read(config))
  }

  static func logging(_ config: ConfigReader) throws -> (level: String, format: String) {
    let level = config.string(forKey: "log.level", default: "info")
    guard ["trace", "debug", "info", "notice", "warning", "error", "critical"].contains(level) else {
      throw Invalid(description: "log.level '\(level)' is not a level; use info, say")
    }
    let format = config.string(forKey: "log.format", default: "text")
    guard ["text", "json"].contains(format) else { throw Invalid(description: "log.format '\(format)' is neither text nor json") }
    return (level, format)
  }

  private static func refuseUnknownKeys(_ file: URL) throws {
    let text = try String(contentsOf: file, encoding: .utf8)
    guard let root = try Yams.compose(yaml: text) else { return }
    let known = Set(Setting.all.map(\.key))
    func walk(_ node: Node, _ path: String) throws {
      guard case .mapping(let mapping) = node else {
        if !known.contains(path) { throw unknown(path, node) }
        return
      }
      for (name, value) in mapping {
        guard let name = name.string else { throw Invalid(description: "\(file.path): a key is not a string") }
        let key = path.isEmpty ? name : "\(path).\(name)"
        if known.contains(key) { continue }
        guard known.contains(where: { $0.hasPrefix(key + ".") }) else { throw unknown(key, value) }
        try walk(value, key)
      }
    }
    func unknown(_ key: String, _ node: Node) -> Invalid {
      let line = node.mark.map { ":\($0.line)" } ?? ""
      return Invalid(description: "\(file.path)\(line): unknown key '\(key)'; `hallmark config check` lists the keys there are")
    }
    try walk(root, "")
  }
}
