internal import Encodings
internal import JOSE

/// What `hallmark init` leaves on the disk of the first administrator: a folder with `profile.json` and `admin.key.pem`.
package struct AdministratorProfile: Sendable, Hashable {
  package let directory: String
  package let authority: String
  package let tenant: String
  package let clientID: String
  package let objectID: String?
  package let url: String
  /// Path of a CA file, resolved against the folder; nil for the system's trust.
  package let ca: String?

  package init(directory: String) throws(CredentialError) {
    let path = "\(directory)/profile.json"
    let bytes = try BoundedFile.bytes(path, maxBytes: 64 << 10)
    let value: JSONValue
    do { value = try JSONValue.parse(bytes) } catch { throw .unusable("\(path): \(error.description)") }
    func member(_ name: String) throws(CredentialError) -> String {
      guard let text = value[name]?.string, !text.isEmpty else { throw .unusable("\(path): member \(name) is missing") }
      return text
    }
    self.directory = directory
    authority = try member("authority")
    tenant = try member("tenant")
    clientID = try member("clientId")
    objectID = value["objectId"]?.string
    url = try member("url")
    ca = value["ca"]?.string.map { $0.hasPrefix("/") ? $0 : "\(directory)/\($0)" }
  }

  /// The credential of this administrator: their key on their disk.
  package func credential(exchange: RetryingExchange) throws(CredentialError) -> KeyPairCredential {
    let path = "\(directory)/admin.key.pem"
    let signer: P256JWSSigner
    let pem = try BoundedFile.text(path, maxBytes: 16 << 10)
    do { signer = try P256JWSSigner(pem: pem) } catch { throw .unusable("\(path) is no P-256 private key in PEM") }
    return KeyPairCredential(
      name: "administrator profile \(directory)",
      endpoint: try TokenEndpoint(authority: authority, tenant: tenant, exchange: exchange), clientID: clientID, signer: signer)
  }
}
