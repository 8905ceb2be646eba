import Access
import ArgumentParser
import Clocks
import Foundation

/// `hallmark init`: makes an HSM and its first administrator, the person who runs it.
struct InitCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Make a new HSM in a folder, with you as its first administrator.",
    discussion: """
      Your key pair is written to --admin-dir and nowhere else; the HSM keeps its public half. There is no password and no default credential.
      The HSM works once a quorum of custodians has its security domain: hallmark serve, then hallmark domain download.
      """)

  @Option(help: "Folder of the HSM; must not hold one.") var dir: String
  @Option(help: "Name of the HSM: 3 to 24 letters, digits and hyphens.") var hsmName: String
  @Option(help: "Parent domain; clients reach https://<hsm name>.<domain>.") var domain = "managedhsm.localhost"
  @Option(help: "TCP port of the listener and in identifiers.") var port = 8443
  @Option(help: "Tenant id (GUID); a new one by default.") var tenant: String?
  @Option(help: "Days a deleted key stays recoverable, 7 to 90.") var retentionDays = 90
  @Flag(help: "Nobody can purge a deleted key before its days have passed. Irreversible.") var purgeProtection = false
  @Flag(help: "Enforce Azure's limits on keys, versions and role assignments.") var strictLimits = false
  @Option(help: "What protects the partition key at rest: passphrase, or file (development: nothing but the file's mode).") var seal = "file"
  @Option(help: "File (0600) with the passphrase, for --seal passphrase.") var passphraseFile: String?
  @Option(help: "Folder for your key pair and profile.") var adminDir: String
  @Option(help: "Your name in the directory.") var adminName = "administrator"

  func run() async throws {
    guard let seal = PartitionSeal(rawValue: seal) else { throw ValidationError("--seal is 'passphrase' or 'file', not '\(self.seal)'") }
    guard (seal == .passphrase) == (passphraseFile != nil) else { throw ValidationError("--passphrase-file belongs to --seal passphrase") }
    guard let tenant = TenantID(tenant ?? Entropy.system.uuid()) else { throw ValidationError("--tenant must be a GUID") }
    let folder = HSMFolder(root: URL(fileURLWithPath: dir))
    let host = "\(hsmName.lowercased()).\(domain)"
    let administratorFolder = URL(fileURLWithPath: adminDir)
    let administrator = try HSMCreation.make(
      HSMCreation.Plan(
        name: hsmName, host: host, port: port, tenant: tenant, retentionDays: retentionDays, purgeProtection: purgeProtection,
        strictLimits: strictLimits, seal: seal, passphrase: try passphraseFile.map { try PartitionKeyFile.passphrase($0) }, administratorName: adminName),
      in: folder, administratorFolder: administratorFolder)
    let (description, _) = try HSMDescription.read(folder.description)
    let ca = EmbeddedCA(folder: folder.tls, clock: .system)
    _ = try ca.material(dnsNames: ServeNames.all(host: host), commonName: hsmName)
    let suffix = port == 443 ? "" : ":\(port)"
    try HSMCreation.writeProfile(
      administratorFolder, description: description, authority: "https://\(domain)\(suffix)", url: "https://\(host)\(suffix)", administrator: administrator,
      ca: ca.caFile)
    print(
      """
      HSM \(hsmName) made in \(folder.root.path); not activated yet.
        administrator  \(administrator) (\(adminName)), key pair in \(administratorFolder.path)
        tenant         \(tenant)
        address        https://\(host)\(suffix)
        CA             \(ca.caFile.path)
        at rest        partition key sealed by \(seal == .file ? "nothing but the mode of \(folder.partitionKey.path): for development only" : "a passphrase")
      Next: hallmark serve --dir \(dir)
            hallmark domain download --profile \(adminDir) … (gives the security domain to the custodians, which activates the HSM)
      """)
  }
}

/// The names in the server's certificate: the HSM, its parent domain (the token authority), and loopback.
enum ServeNames {
  static func all(host: String) -> [String] {
    let parent = host.split(separator: ".", maxSplits: 1).last.map(String.init) ?? host
    return [host, parent, "*.\(parent)", "localhost"]
  }
}
