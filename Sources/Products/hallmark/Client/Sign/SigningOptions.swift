import ArgumentParser
import Foundation
import Outbound
import Signing
import Trust

extension SignatureScheme: ExpressibleByArgument {}

/// Which key signs, with what, and what is noted down.
struct SigningKeyOptions: ParsableArguments {
  @Option(help: "The key: a name, or https://HOST/keys/NAME[/VERSION].")
  var key: String?

  @Option(help: "The key version; else the newest.")
  var version: String?

  @Option(help: "ES256, ES384, ES512, ES256K, RS256 … PS512; default by the key, RSA: RS256. Notary formats leave no choice.")
  var algorithm: SignatureScheme?

  @Option(help: "Certificate chain for Notary formats, leaf first, PEM or DER; else the one `hallmark certs` keeps. May be repeated, one for each key.")
  var certificateChain: [String] = []

  @Option(help: "Append a record of every sign attempt and of every document to this file; always done for services that are not Hallmark.")
  var ledger: String?

  /// The key that was named, with `--version` put in.
  func reference() throws -> KeyReference {
    guard let key else { throw CommandFailure.usage("cannot sign", why: "no key is named", next: "use --key NAME or --key https://HOST/keys/NAME") }
    let parsed = try KeyReference(parsing: key)
    guard let version else { return parsed }
    guard KeyReference.isVersion(version) else {
      throw CommandFailure.usage("cannot sign", why: "--version \(version) is not 32 hexadecimal digits")
    }
    guard parsed.version == nil || parsed.version == version else {
      throw CommandFailure.usage("cannot sign", why: "--key and --version name different versions")
    }
    return KeyReference(store: parsed.store, name: parsed.name, version: version)
  }
}

/// The service, for commands in which `--profile` means the profile of the run.
struct SigningServiceOptions: ParsableArguments {
  @OptionGroup var address: AddressOptions

  @Option(help: "Folder of an administrator profile, as `hallmark init` leaves it (HALLMARK_PROFILE).")
  var administratorProfile: String?

  @Option(help: "PEM file with a client certificate and its key (AZURE_CLIENT_CERTIFICATE_PATH).")
  var certificate: String?

  var settings: ConnectionSettings {
    var settings = address.settings
    settings.profile = administratorProfile
    settings.certificate = certificate
    return settings
  }
}

/// What every `sign` command takes.
struct SigningOptions: ParsableArguments {
  @OptionGroup var key: SigningKeyOptions
  @OptionGroup var service: SigningServiceOptions
  @OptionGroup var standby: StandbyOptions
  @OptionGroup var economy: EconomyOptions

  @Flag(help: "Print the plan and do nothing: no sign call, no upload.")
  var dryRun = false

  @Flag(name: [.customLong("profile")], help: "Print time and count of every hop, with the slowest named.")
  var profile = false

  @Flag(name: .customLong("profile-times"), help: .hidden)
  var profileTimes = false

  @OptionGroup var output: OutputOptions

  var wantsProfile: Bool { profile || profileTimes }
}
