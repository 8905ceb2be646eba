import NotaryFormats
import Outbound

/// What `--plugin-config NAME=VALUE` may say. Unknown names are refused: a misspelt one would silently do nothing.
///
/// | Name | Value |
/// |---|---|
/// | `cert_chain` | file with the chain of the key, PEM or DER, the leaf included; else the certificate home is asked |
/// | `credential_type` | `environment`, `workloadid`, `managedid`, `azurecli`, or one of hallmark's own words |
/// | `url` | service of key ids that are bare names |
/// | `channel` | signing authority: a signed attribute, `release` or `dev`; verifier: the one that must be there |
/// | `verification_plugin` | signing authority: `true` demands this plugin on verification and signs the key version along |
/// | `key` | verifier: the key id that must have signed; without a version, every version of it |
struct PluginSettings: Sendable {
  static let names: Set<String> = ["cert_chain", "credential_type", "url", "channel", "verification_plugin", "key"]

  /// Words of notation's plugin for Key Vault, for those who come from there.
  private static let azureWords: [String: ConnectionSettings.Kind] = [
    "environment": .auto, "workloadid": .workload, "managedid": .managedIdentity, "azurecli": .az,
  ]

  var connection: ConnectionSettings
  var chainFile: String?
  var channel: String?
  var demandsVerifier = false
  var key: String?

  init(_ configuration: NotaryPlugin.Configuration, environment: [String: String]) throws(NotaryPlugin.Failure) {
    func refuse(_ why: String) -> NotaryPlugin.Failure { NotaryPlugin.Failure(.validation, "--plugin-config: \(why)") }
    for name in configuration.values.keys.sorted() where !Self.names.contains(name) {
      let hint =
        switch name {
        case "ca_certs", "self_signed": "; an HSM holds no certificates, so the whole chain, leaf included, comes from cert_chain=FILE or from hallmark certs"
        default: ""
        }
      throw refuse("\(name.prefix(60)) is unknown here (known: \(Self.names.sorted().joined(separator: ", ")))\(hint)")
    }
    connection = ConnectionSettings(environment: environment)
    connection.url = configuration["url"]
    if let word = configuration["credential_type"] {
      guard let kind = Self.azureWords[word] ?? ConnectionSettings.Kind(rawValue: word) else {
        let known = Set(Self.azureWords.keys).union(ConnectionSettings.Kind.allCases.map(\.rawValue)).sorted()
        throw refuse("credential_type \(word.prefix(60)) is none of \(known.joined(separator: ", "))")
      }
      connection.credential = kind
    }
    chainFile = configuration["cert_chain"]
    channel = configuration["channel"]
    if let channel, !["release", "dev"].contains(channel) { throw refuse("channel is release or dev") }
    key = configuration["key"]
    if let text = configuration["verification_plugin"] {
      guard ["true", "false"].contains(text) else { throw refuse("verification_plugin is true or false") }
      demandsVerifier = text == "true"
    }
  }
}
