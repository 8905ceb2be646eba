package import Clocks
import Encodings
package import JOSE
import Secrets

/// One encrypted datum of a file or an upload.
struct EncryptedDatum: Sendable {
  let tag: String
  let jwe: JWE

  static let maxCount = 64

  /// Reads `EncData`: members `data` and `kdf` and no others, distinct tags.
  static func parse(_ value: JSONValue?) throws(SecurityDomainError) -> [EncryptedDatum] {
    let object = try strictObject(value, "EncData", ["data", "kdf"])
    guard object["kdf"]?.string == DomainCipher.kdf else { throw .badMember("EncData.kdf") }
    guard let entries = object["data"]?.array, !entries.isEmpty, entries.count <= maxCount else {
      throw .badMember("EncData.data")
    }
    var data: [EncryptedDatum] = []
    for (index, entry) in entries.enumerated() {
      let path = "EncData.data[\(index)]"
      let entry = try strictObject(entry, path, ["compact_jwe", "tag"])
      guard let tag = entry["tag"]?.string, !tag.isEmpty, tag.utf8.count <= 256, !data.contains(where: { $0.tag == tag }) else {
        throw .badMember(path + ".tag")
      }
      guard let text = entry["compact_jwe"]?.string, let jwe = try? JWE.parse(text), jwe.algorithm == .direct else {
        throw .badMember(path + ".compact_jwe")
      }
      data.append(EncryptedDatum(tag: tag, jwe: jwe))
    }
    return data
  }
}

/// An object with exactly these members.
func strictObject(_ value: JSONValue?, _ path: String, _ names: [String]) throws(SecurityDomainError) -> JSONObject {
  guard let object = value?.object else { throw .badMember(path) }
  if let unknown = object.firstName(notIn: names) { throw .badMember(path.isEmpty ? String(unknown.prefix(64)) : path + "." + unknown.prefix(64)) }
  for name in names where object[name] == nil { throw .badMember(path.isEmpty ? name : path + "." + name) }
  return object
}

/// A parsed security-domain file: who can open it and what it holds, nothing decrypted.
package struct SecurityDomainFile: Sendable {
  /// What can be said of a file without any key.
  package struct Summary: Sendable, Equatable {
    /// How many custodians must come together.
    package let required: Int
    /// The certificate digests of the custodians, in file order.
    package let custodians: [String]
    package let tags: [String]
  }

  private struct Share: Sendable {
    let digest: String
    let jwe: JWE
  }

  package static let maxBytes = 1 << 20
  private let data: [EncryptedDatum]
  private let shares: [Share]
  package let required: Int

  /// Reads a file strictly: unknown members, other versions and repeated tags or custodians are refused.
  package static func parse(_ text: [UInt8]) throws(SecurityDomainError) -> SecurityDomainFile {
    let value: JSONValue
    do { value = try JSONValue.parse(text, limits: JSONLimits(maxBytes: maxBytes, maxDepth: 8, maxElements: 2000)) } catch {
      throw .badJSON(error)
    }
    let file = try strictObject(value, "", ["EncData", "SharedKeys", "version"])
    guard file["version"]?.int == 2 else { throw .badMember("version") }
    let shared = try strictObject(file["SharedKeys"], "SharedKeys", ["enc_shares", "key_algorithm", "required"])
    guard shared["key_algorithm"]?.string == DomainCipher.sharing else { throw .badMember("SharedKeys.key_algorithm") }
    guard let entries = shared["enc_shares"]?.array, DownloadRequest.custodianRange.contains(entries.count) else {
      throw .badMember("SharedKeys.enc_shares")
    }
    guard let required = shared["required"]?.int, required >= 2, required <= entries.count else {
      throw .badMember("SharedKeys.required")
    }
    var shares: [Share] = []
    for (index, entry) in entries.enumerated() {
      let path = "SharedKeys.enc_shares[\(index)]"
      let entry = try strictObject(entry, path, ["enc_key", "x5t_256"])
      guard let digest = entry["x5t_256"]?.string, (try? Base64URL.decode(digest))?.count == 32,
        !shares.contains(where: { $0.digest == digest })
      else { throw .badMember(path + ".x5t_256") }
      guard let text = entry["enc_key"]?.string, let jwe = try? JWE.parse(text), jwe.algorithm == .rsaOAEP256 else {
        throw .badMember(path + ".enc_key")
      }
      shares.append(Share(digest: digest, jwe: jwe))
    }
    return SecurityDomainFile(data: try EncryptedDatum.parse(file["EncData"]), shares: shares, required: required)
  }

  package var summary: Summary {
    Summary(required: required, custodians: shares.map(\.digest), tags: data.map(\.tag))
  }

  /// Recovers the partition key with the private keys of at least `required` custodians, in any order.
  ///
  /// Shares beyond the quorum are checked to agree with it.
  /// - Throws: `.quorumNotReached`, `.sharesInconsistent`, `.datumRejected`, `.notAHallmarkDomain`, `.identityMismatch`.
  /// - Complexity: at most one RSA decryption per key and share.
  package func recover(with keys: [RSADecryptionKey]) throws(SecurityDomainError) -> RecoveredDomain {
    try DomainCipher.domain(in: try open(with: keys).data)
  }

  /// Proves that these custodians can recover the domain, and forgets what was recovered.
  package func drill(with keys: [RSADecryptionKey]) throws(SecurityDomainError) -> Drill {
    let (data, opened) = try open(with: keys)
    let domain = try DomainCipher.domain(in: data)
    return Drill(
      hsmName: domain.hsmName, hsmID: domain.hsmID, created: domain.created, fingerprint: domain.fingerprint,
      required: required, sharesOpened: opened)
  }

  /// The outcome of a drill: nothing secret.
  package struct Drill: Sendable, Equatable {
    package let hsmName: String
    package let hsmID: String
    package let created: Instant
    /// The public name of the partition key, to compare with the running HSM's.
    package let fingerprint: String
    package let required: Int
    /// The digests of the custodians whose shares opened.
    package let sharesOpened: [String]
  }

  /// Decrypts everything; also for re-wrapping to a transfer key.
  func open(with keys: [RSADecryptionKey]) throws(SecurityDomainError) -> (data: [(tag: String, content: SecretBytes)], opened: [String]) {
    var opened: [(digest: String, share: SecretBytes)] = []
    for key in keys {
      for share in shares where !opened.contains(where: { $0.digest == share.digest }) {
        guard let content = try? share.jwe.decrypt(with: key) else { continue }
        opened.append((share.digest, content))
        break
      }
    }
    guard opened.count >= required else { throw .quorumNotReached(opened: opened.count, required: required) }
    let master: SecretBytes
    do { master = try ShamirGF257.combine(opened.map(\.share), threshold: required) } catch { throw .sharesInconsistent }
    guard master.count == DomainCipher.masterKeySize else { throw .sharesInconsistent }
    return (try DomainCipher.decrypt(data, master: master), opened.map(\.digest))
  }
}
