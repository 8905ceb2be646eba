import Access
import Clocks
import Crypto
import Custody
import Encodings
import Foundation
import JOSE
import SQLiteStore
import Secrets

/// Makes a new HSM in a folder: identity, partition key, store, and the first administrator.
enum HSMCreation {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  struct Plan {
    var name: String
    var host: String
    var port: Int
    var tenant: TenantID
    var retentionDays = 90
    var purgeProtection = false
    var strictLimits = false
    var seal = PartitionSeal.file
    var passphrase: SecretBytes?
    var administratorName: String
  }

  /// The private key never enters the HSM's folder: it goes into `administratorFolder`, which belongs to a person.
  ///
  /// - Returns: the administrator's object id.
  static func make(_ plan: Plan, in folder: HSMFolder, administratorFolder: URL, clock: TimeSource = .system, entropy: Entropy = .system) throws -> PrincipalID {
    guard !folder.exists else { throw Failure(description: "\(folder.root.path) already holds an HSM; choose another folder") }
    guard plan.name.utf8.count >= 3, plan.name.utf8.count <= 24, plan.name.utf8.first != UInt8(ascii: "-"),
      plan.name.utf8.allSatisfy({ ($0 >= 0x61 && $0 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x41 && $0 <= 0x5A) || $0 == UInt8(ascii: "-") })
    else { throw Failure(description: "'\(plan.name)' is no name for an HSM: use 3 to 24 letters, digits and hyphens") }
    guard (7...90).contains(plan.retentionDays) else { throw Failure(description: "the retention must be from 7 to 90 days, not \(plan.retentionDays)") }
    try PrivateFile.makeFolder(folder.root)
    let hsmID = entropy.uuid()
    let secret = SecretBytes(random: 32, entropy: entropy.fill)
    guard let partition = PartitionKey(secret), let administrator = PrincipalID(entropy.uuid()) else {
      throw Failure(description: "the system's random generator returned nothing usable")
    }
    try PartitionKeyFile.write(secret, to: folder.partitionKey, seal: plan.seal, passphrase: plan.passphrase, hsmID: hsmID)

    let key = P256.Signing.PrivateKey()
    let store = try Store(path: folder.store.path)
    defer { store.close() }
    let rows = try SealedRows(store: store, seal: RowSeal(mac: RowMAC(key: partition.subkey(.accessRows)), hsm: hsmID))
    let access = try AccessControl(rows: rows, time: clock, entropy: entropy)
    let directory = try Directory(tenantID: plan.tenant, rows: rows, access: access)
    try directory.initialise([
      DirectoryEntry(
        objectID: administrator, kind: .user, displayName: plan.administratorName, userPrincipalName: plan.administratorName,
        keys: [RegisteredKey(name: "init", key: JWK(key.publicKey).publicPart)])
    ])
    try access.initialise(administrators: [administrator])

    try PrivateFile.makeFolder(administratorFolder)
    try PrivateFile.write(Data((key.pemRepresentation + "\n").utf8), to: administratorFolder.appending(path: "admin.key.pem"))
    let description = HSMDescription(
      hsmID: hsmID, name: plan.name, host: plan.host, port: plan.port, tenant: plan.tenant, retentionDays: plan.retentionDays,
      purgeProtection: plan.purgeProtection, strictLimits: plan.strictLimits, seal: plan.seal, created: clock.now())
    // Last: with this file the folder is an HSM, without it nothing was made.
    try description.write(to: folder.description, key: partition.subkey(.settings))
    return administrator
  }

  /// What the administrator's tools read: where the HSM is and who they are.
  static func writeProfile(_ folder: URL, description: HSMDescription, authority: String, url: String, administrator: PrincipalID, ca: URL) throws {
    try PrivateFile.write(Data(contentsOf: ca), to: folder.appending(path: "ca.pem"), mode: 0o644)
    let profile: JSONValue = [
      "schema": "hallmark.profile/v1", "url": .string(url), "authority": .string(authority), "tenant": .string(description.tenant.text),
      "clientId": .string(administrator.text), "objectId": .string(administrator.text), "ca": "ca.pem",
    ]
    try PrivateFile.write(Data(profile.serialized(pretty: true)) + Data("\n".utf8), to: folder.appending(path: "profile.json"))
  }
}
