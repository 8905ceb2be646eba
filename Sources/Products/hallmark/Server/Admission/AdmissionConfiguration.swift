import Configuration
import ConsoleService

/// The `admission:` part of hallmark.yaml.
struct AdmissionConfiguration: Sendable {
  var trust: String
  var inventory: String?
  var intent: String?
  var registryCredentials: String?
  var registryCA: String?
  var plainHTTPHosts: [String]
  var plainHTTPOnLoopback: Bool
  var settings: AdmissionSettings
  var addresses: [String]
  var port: Int
  var certificateFile: String?
  var keyFile: String?

  static let settings: [ServerConfiguration.Setting] = [
    .init(key: "admission.trust", meaning: "trust policy; setting it starts the admission webhook for Kubernetes"),
    .init(key: "admission.inventory", meaning: "inventory snapshot: which index lists which manifest; keys of revocations"),
    .init(key: "admission.intent", meaning: "intent register: revocations of key versions"),
    .init(key: "admission.registries.credentials", meaning: "Docker configuration with registry credentials, default ~/.docker/config.json"),
    .init(key: "admission.registries.plainHTTP", meaning: "registries (HOST[:PORT]) without TLS, or true for those on this machine"),
    .init(key: "admission.registries.ca", meaning: "PEM file with CA certificates that registries may use besides the system's"),
    .init(key: "admission.exemptNamespaces", meaning: "namespaces that are let through without looking"),
    .init(key: "admission.onUnknown", meaning: "deny or warn, when an image could not be judged; default deny"),
    .init(key: "admission.timeoutSeconds", meaning: "time for all images of a request, 1 to 29, default 8; below the webhook's own"),
    .init(key: "admission.addresses", meaning: "addresses to bind, default loopback [127.0.0.1]"),
    .init(key: "admission.port", meaning: "TCP port, default 8445"),
    .init(key: "admission.certificateFile", meaning: "PEM chain of the webhook's certificate; default the server's own"),
    .init(key: "admission.keyFile", meaning: "PEM private key of admission.certificateFile"),
  ]

  /// - Returns: nil when `admission.trust` is not set.
  /// - Throws: when something else of it is, or a value is none.
  static func read(_ config: ConfigReader) throws -> AdmissionConfiguration? {
    guard let trust = config.string(forKey: "admission.trust") else {
      for setting in settings where setting.key != "admission.trust" {
        guard config.string(forKey: ConfigKey(setting.key)) == nil, config.stringArray(forKey: ConfigKey(setting.key)) == nil,
          config.int(forKey: ConfigKey(setting.key)) == nil
        else { throw ServerConfiguration.Invalid(description: "\(setting.key) is set and admission.trust is not: name a trust policy") }
      }
      return nil
    }
    func integer(_ key: String, _ usual: Int, _ range: ClosedRange<Int>) throws -> Int {
      let value = config.int(forKey: ConfigKey(key), default: usual)
      guard range.contains(value) else {
        throw ServerConfiguration.Invalid(description: "\(key) is \(value); it must be from \(range.lowerBound) to \(range.upperBound)")
      }
      return value
    }
    var settings = AdmissionSettings()
    settings.exemptNamespaces = Set(config.stringArray(forKey: "admission.exemptNamespaces", default: []))
    settings.timeoutSeconds = try integer("admission.timeoutSeconds", 8, 1...29)
    let onUnknown = config.string(forKey: "admission.onUnknown", default: "deny")
    guard let answer = AdmissionSettings.OnUnknown(rawValue: onUnknown) else {
      throw ServerConfiguration.Invalid(description: "admission.onUnknown '\(onUnknown)' is neither deny nor warn")
    }
    settings.onUnknown = answer
    let certificate = config.string(forKey: "admission.certificateFile")
    let key = config.string(forKey: "admission.keyFile")
    guard (certificate == nil) == (key == nil) else {
      throw ServerConfiguration.Invalid(description: "admission.certificateFile and admission.keyFile belong together; only one is set")
    }
    let hosts = config.stringArray(forKey: "admission.registries.plainHTTP", default: [])
    return AdmissionConfiguration(
      trust: trust, inventory: config.string(forKey: "admission.inventory"), intent: config.string(forKey: "admission.intent"),
      registryCredentials: config.string(forKey: "admission.registries.credentials"), registryCA: config.string(forKey: "admission.registries.ca"),
      plainHTTPHosts: hosts.filter { $0 != "true" && $0 != "false" },
      plainHTTPOnLoopback: hosts == ["true"] || config.bool(forKey: "admission.registries.plainHTTP", default: false), settings: settings,
      addresses: config.stringArray(forKey: "admission.addresses", default: ["127.0.0.1"]),
      port: try integer("admission.port", 8445, 1...65535), certificateFile: certificate, keyFile: key)
  }
}
