package import Clocks
import Encodings
import JOSE
package import Secrets

/// Makes security-domain files.
package enum SecurityDomainPackage {
  /// The tags of the real service. The first carries the partition key, the others describe the domain.
  static let keyTag = "hsm_backup"
  static let descriptiveTags = ["base_enclave_backup", "partition_enclave_backup"]

  /// Packs the partition key for the custodians: the JSON text that clients save verbatim.
  ///
  /// A fresh master key is shared byte-wise among the custodians (`ShamirGF257`), each share encrypted to one certificate; the data are
  /// encrypted under keys derived from the master key, one for each tag.
  ///
  /// - Parameter custodians: 3 to 10, in the order of the request; the shares are numbered in that order.
  /// - Complexity: one RSA encryption per custodian.
  package static func make(
    partitionKey: SecretBytes, hsmName: String, hsmID: String, custodians: [Custodian], required: Int,
    entropy: Entropy, clock: TimeSource
  ) throws(SecurityDomainError) -> String {
    let request = try DownloadRequest(custodians: custodians, required: required)
    let domain = RecoveredDomain(
      partitionKey: partitionKey, hsmName: hsmName, hsmID: hsmID, created: Instant(seconds: clock.now().seconds))
    let master = SecretBytes(random: DomainCipher.masterKeySize, entropy: entropy.fill)
    var plaintexts = [(keyTag, try DomainContent.encode(domain))]
    for tag in descriptiveTags { plaintexts.append((tag, description(domain, request))) }
    let data = try DomainCipher.encrypt(plaintexts, master: master, entropy: entropy)
    let shares: [SecretBytes]
    do {
      shares = try ShamirGF257.split(master, threshold: required, count: custodians.count, entropy: entropy.fill)
    } catch { throw .cryptography(error) }
    var encrypted: [JSONValue] = []
    for (custodian, share) in zip(custodians, shares) {
      do {
        let text = try JWE.encrypt(share, to: custodian.key, kid: custodian.kid, entropy: entropy.fill)
        encrypted.append(["enc_key": .string(text), "x5t_256": .string(custodian.digest)])
      } catch { throw .jose(error) }
    }
    let file: JSONValue = [
      "EncData": ["data": data, "kdf": .string(DomainCipher.kdf)],
      "SharedKeys": [
        "enc_shares": .array(encrypted), "key_algorithm": .string(DomainCipher.sharing), "required": .integer(required),
      ],
      "version": 2,
    ]
    return file.text()
  }

  private static func description(_ domain: RecoveredDomain, _ request: DownloadRequest) -> SecretBytes {
    let value: JSONValue = [
      "created": .string(ISO8601.format(seconds: domain.created.seconds)),
      "custodians": .array(request.custodians.map { .string($0.digest) }),
      "fingerprint": .string(domain.fingerprint),
      "format": "hallmark-security-domain/1",
      "hsm_id": .string(domain.hsmID),
      "hsm_name": .string(domain.hsmName),
      "required": .integer(request.required),
    ]
    var bytes = value.serialized()
    return SecretBytes(wiping: &bytes)
  }
}

/// The encryption of the data under a master key: SP 800-108 with the tag as label, then a `dir` JWE named after the tag.
enum DomainCipher {
  static let masterKeySize = 32
  static let kdf = "sp108_kdf"
  static let sharing = "shamir_share"

  static func encrypt(
    _ plaintexts: [(tag: String, content: SecretBytes)], master: SecretBytes, entropy: Entropy
  ) throws(SecurityDomainError) -> JSONValue {
    var data: [JSONValue] = []
    for (tag, content) in plaintexts {
      do {
        let text = try JWE.encrypt(content, directKey: key(tag, master), kid: tag, entropy: entropy.fill)
        data.append(["compact_jwe": .string(text), "tag": .string(tag)])
      } catch { throw .jose(error) }
    }
    return .array(data)
  }

  /// - Throws: `.datumRejected` naming the first that does not open.
  static func decrypt(_ data: [EncryptedDatum], master: SecretBytes) throws(SecurityDomainError) -> [(tag: String, content: SecretBytes)] {
    var result: [(tag: String, content: SecretBytes)] = []
    for datum in data {
      do { result.append((datum.tag, try datum.jwe.decrypt(directKey: key(datum.tag, master)))) } catch {
        throw .datumRejected(tag: datum.tag)
      }
    }
    return result
  }

  /// The partition key among decrypted data.
  static func domain(in data: [(tag: String, content: SecretBytes)]) throws(SecurityDomainError) -> RecoveredDomain {
    guard let content = data.first(where: { $0.tag == SecurityDomainPackage.keyTag })?.content else { throw .notAHallmarkDomain }
    return try DomainContent.decode(content)
  }

  private static func key(_ tag: String, _ master: SecretBytes) -> SecretBytes {
    SP800108.derive(key: master, label: Array(tag.utf8), bits: 512)
  }
}
