import Clocks
import Encodings
import JOSE
import Secrets
import SecurityDomain
import Testing

/// Keys made once for all tests: making an RSA key costs a tenth of a second.
enum Ceremony {
  static let clock = TimeSource.fixed(Instant(seconds: 1_772_437_272))
  static let pairs: [CustodianKey] = (0..<5).map { index in
    try! CustodianKey.generate(commonName: "custodian \(index)", entropy: .system, clock: clock)
  }
  static let custodians: [Custodian] = pairs.map { try! Custodian(certificate: $0.certificate) }
  static let keys: [RSADecryptionKey] = pairs.map { try! RSADecryptionKey(der: $0.privateKey) }
  static let transfer = try! TransferKey.generate(commonName: "hsm.example", bits: 2048, entropy: .system, clock: clock)

  static func file(_ partitionKey: SecretBytes, count: Int = 3, required: Int = 2) throws -> String {
    try SecurityDomainPackage.make(
      partitionKey: partitionKey, hsmName: "myorg-mhsm", hsmID: "id-1", custodians: Array(custodians[..<count]), required: required,
      entropy: .system, clock: clock)
  }

  static func parsed(_ text: String) throws -> SecurityDomainFile { try SecurityDomainFile.parse(Array(text.utf8)) }
  static func partitionKey() -> SecretBytes { SecretBytes(random: 32, entropy: Entropy.system.fill) }
}

struct SecurityDomainTests {
  let partitionKey = Ceremony.partitionKey()

  @Test("The file has exactly the members, order and constants of the real service")
  func shape() throws {
    let text = try Ceremony.file(partitionKey)
    let value = try JSONValue.parse(text)
    #expect(value.object?.names == ["EncData", "SharedKeys", "version"])
    #expect(value["EncData"]?.object?.names == ["data", "kdf"])
    #expect(value["EncData"]?["kdf"] == "sp108_kdf")
    #expect(value["SharedKeys"]?.object?.names == ["enc_shares", "key_algorithm", "required"])
    #expect(value["SharedKeys"]?["key_algorithm"] == "shamir_share")
    #expect(value["SharedKeys"]?["required"] == 2)
    #expect(value["version"] == 2)
    let data = try #require(value["EncData"]?["data"]?.array)
    #expect(data.compactMap { $0["tag"]?.string } == ["hsm_backup", "base_enclave_backup", "partition_enclave_backup"])
    for datum in data {
      let header = Base64URL.encode(#"{"alg":"dir","enc":"A256CBC-HS512","kid":"\#(datum["tag"]?.string ?? "")"}"#.utf8)
      #expect(datum.object?.names == ["compact_jwe", "tag"])
      #expect(datum["compact_jwe"]?.string?.hasPrefix(header + "..") == true)
    }
    let shares = try #require(value["SharedKeys"]?["enc_shares"]?.array)
    #expect(shares.compactMap { $0["x5t_256"]?.string } == Ceremony.custodians[..<3].map(\.digest))
    for share in shares {
      #expect(share.object?.names == ["enc_key", "x5t_256"])
      let parts = try #require(share["enc_key"]?.string).split(separator: ".").map { try Base64URL.decode(String($0)) }
      #expect(String(decoding: parts[0], as: UTF8.self) == #"{"alg":"RSA-OAEP-256","enc":"A256CBC-HS512","kid":"not used"}"#)
      #expect(parts.dropFirst().map(\.count) == [256, 16, 80, 32])
    }
    #expect(value.text(sortedKeys: true) == text)
  }

  @Test("Any quorum recovers the partition key and its identity; one fewer does not")
  func quorum() throws {
    let file = try Ceremony.parsed(try Ceremony.file(partitionKey, count: 5, required: 3))
    for mask in 0..<32 {
      let keys = (0..<5).filter { mask >> $0 & 1 == 1 }.reversed().map { Ceremony.keys[$0] }
      if keys.count >= 3 {
        let domain = try file.recover(with: keys)
        #expect(domain.partitionKey.isEqual(to: partitionKey))
        #expect(domain.hsmName == "myorg-mhsm" && domain.hsmID == "id-1" && domain.created == Ceremony.clock.now())
      } else {
        #expect(throws: SecurityDomainError.quorumNotReached(opened: keys.count, required: 3)) { try file.recover(with: keys) }
      }
    }
    #expect(throws: SecurityDomainError.quorumNotReached(opened: 1, required: 3)) {
      try file.recover(with: [Ceremony.keys[0], Ceremony.keys[0], Ceremony.keys[0]])
    }
  }

  @Test("A summary needs no key, a drill gives no key")
  func summaryAndDrill() throws {
    let file = try Ceremony.parsed(try Ceremony.file(partitionKey))
    #expect(file.summary.required == 2)
    #expect(file.summary.custodians == Ceremony.custodians[..<3].map(\.digest))
    #expect(file.summary.tags == ["hsm_backup", "base_enclave_backup", "partition_enclave_backup"])
    let drill = try file.drill(with: [Ceremony.keys[2], Ceremony.keys[0]])
    #expect(drill.fingerprint == PartitionKeyFingerprint.of(partitionKey))
    #expect(drill.fingerprint != PartitionKeyFingerprint.of(Ceremony.partitionKey()))
    #expect(drill.sharesOpened == [Ceremony.custodians[2].digest, Ceremony.custodians[0].digest])
    #expect(throws: SecurityDomainError.self) { try file.drill(with: [Ceremony.keys[4], Ceremony.keys[3]]) }
  }

  @Test("A datum or share exchanged with another file's is refused")
  func exchanged() throws {
    let keys = Array(Ceremony.keys[..<2])
    let one = try JSONValue.parse(try Ceremony.file(partitionKey)), two = try JSONValue.parse(try Ceremony.file(partitionKey))
    var mixed = try #require(one.object)
    mixed["EncData"] = two["EncData"]
    #expect(throws: SecurityDomainError.datumRejected(tag: "hsm_backup")) {
      try SecurityDomainFile.parse(JSONValue.object(mixed).serialized()).recover(with: keys)
    }
    var data = try #require(one["EncData"]?["data"]?.array)
    data.swapAt(0, 1)
    (data[0], data[1]) = (
      ["compact_jwe": data[0]["compact_jwe"] ?? nil, "tag": data[1]["tag"] ?? nil],
      ["compact_jwe": data[1]["compact_jwe"] ?? nil, "tag": data[0]["tag"] ?? nil]
    )
    mixed["EncData"] = ["data": .array(data), "kdf": "sp108_kdf"]
    #expect(throws: SecurityDomainError.datumRejected(tag: "hsm_backup")) {
      try SecurityDomainFile.parse(JSONValue.object(mixed).serialized()).recover(with: keys)
    }
  }

  @Test("The partition key must have 32 bytes")
  func keySize() {
    #expect(throws: SecurityDomainError.badPartitionKey) { try Ceremony.file(SecretBytes(random: 16, entropy: Entropy.system.fill)) }
  }
}

struct SecurityDomainParsingTests {
  static let good: JSONValue = try! JSONValue.parse(try! Ceremony.file(Ceremony.partitionKey()))

  /// Replaces, or with nil removes, the value at a path of names and indices.
  static func changed(_ value: JSONValue, _ path: ArraySlice<String>, _ new: JSONValue?) -> JSONValue {
    guard let first = path.first else { return new ?? nil }
    if var array = value.array, let index = Int(first) {
      if path.count == 1, new == nil { array.remove(at: index) } else { array[index] = changed(array[index], path.dropFirst(), new) }
      return .array(array)
    }
    var object = value.object ?? [:]
    object[first] = path.count == 1 ? new : changed(object[first] ?? nil, path.dropFirst(), new)
    return .object(object)
  }

  static let changes: [(String, JSONValue?, SecurityDomainError)] = [
    ("version", 1, .badMember("version")), ("version", "2", .badMember("version")), ("version", nil, .badMember("version")),
    ("extra", 1, .badMember("extra")), ("EncData", nil, .badMember("EncData")), ("EncData", [], .badMember("EncData")),
    ("EncData/kdf", "other", .badMember("EncData.kdf")), ("EncData/more", 1, .badMember("EncData.more")),
    ("EncData/data", [], .badMember("EncData.data")), ("EncData/data/0/tag", "base_enclave_backup", .badMember("EncData.data[1].tag")),
    ("EncData/data/0/tag", "", .badMember("EncData.data[0].tag")), ("EncData/data/0/compact_jwe", "a.b", .badMember("EncData.data[0].compact_jwe")),
    ("SharedKeys/key_algorithm", "xor", .badMember("SharedKeys.key_algorithm")), ("SharedKeys/required", 1, .badMember("SharedKeys.required")),
    ("SharedKeys/required", 4, .badMember("SharedKeys.required")), ("SharedKeys/required", "2", .badMember("SharedKeys.required")),
    ("SharedKeys/required", nil, .badMember("SharedKeys.required")), ("SharedKeys/enc_shares", [], .badMember("SharedKeys.enc_shares")),
    ("SharedKeys/enc_shares/0", nil, .badMember("SharedKeys.enc_shares")),
    ("SharedKeys/enc_shares/1/x5t_256", "AAAA", .badMember("SharedKeys.enc_shares[1].x5t_256")),
    ("SharedKeys/enc_shares/1/enc_key", 5, .badMember("SharedKeys.enc_shares[1].enc_key")),
    ("SharedKeys/enc_shares/1/more", 5, .badMember("SharedKeys.enc_shares[1].more")),
  ]

  @Test("Every departure from the format is refused by its path")
  func strict() throws {
    #expect(Self.changes.count == 22)
    for (path, new, error) in Self.changes {
      let text = Self.changed(Self.good, path.split(separator: "/").map(String.init)[...], new).serialized()
      #expect(throws: error, "\(path)") { try SecurityDomainFile.parse(text) }
    }
    #expect(throws: Never.self) { try SecurityDomainFile.parse(Self.good.serialized(pretty: true)) }
  }

  @Test("A repeated custodian and a share that is no RSA text are refused")
  func shares() throws {
    let first = Self.good["SharedKeys"]?["enc_shares"]?[0]?["x5t_256"]
    let repeated = Self.changed(Self.good, ["SharedKeys", "enc_shares", "1", "x5t_256"], first)
    #expect(throws: SecurityDomainError.badMember("SharedKeys.enc_shares[1].x5t_256")) { try SecurityDomainFile.parse(repeated.serialized()) }
    let direct = Self.changed(Self.good, ["SharedKeys", "enc_shares", "0", "enc_key"], Self.good["EncData"]?["data"]?[0]?["compact_jwe"])
    #expect(throws: SecurityDomainError.badMember("SharedKeys.enc_shares[0].enc_key")) { try SecurityDomainFile.parse(direct.serialized()) }
  }

  @Test("Broken JSON, duplicates and oversize are refused")
  func json() {
    #expect(throws: SecurityDomainError.badJSON(JSONError(.empty, at: 0))) { try SecurityDomainFile.parse([]) }
    #expect(throws: SecurityDomainError.badJSON(JSONError(.duplicateMember, at: 13))) {
      try SecurityDomainFile.parse(Array(#"{"version":2,"version":2}"#.utf8))
    }
    #expect(throws: SecurityDomainError.self) { try SecurityDomainFile.parse([UInt8](repeating: 0x20, count: 2 << 20)) }
  }
}

struct DownloadRequestTests {
  private func certificate(_ index: Int) -> JSONValue { ["x5c": [.string(Base64.encode(Ceremony.pairs[index].certificate))]] }

  @Test("Only x5c is believed; wrong digests, numbers and types beside it do not matter")
  func onlyX5C() throws {
    var entries = (0..<3).map { certificate($0) }
    entries[0] = [
      "alg": "RSA-OAEP-256", "e": "AQAB", "n": "AAAA", "kty": "RSA-HSM", "key_ops": [""], "x5t": "wrong", "x5t#S256": 7,
      "x5c": [.string(Base64.encode(Ceremony.pairs[0].certificate))], "kid": "client's",
    ]
    let request = try DownloadRequest.parse(["certificates": .array(entries), "required": 2])
    #expect(request.required == 2)
    #expect(request.custodians.map(\.digest) == Ceremony.custodians[..<3].map(\.digest))
    #expect(request.custodians.map(\.kid) == ["client's", "not used", "not used"])
  }

  @Test("Counts and quorums outside of the rules are refused")
  func rules() {
    func parse(_ indices: [Int], _ required: JSONValue) throws(SecurityDomainError) {
      _ = try DownloadRequest.parse(["certificates": .array(indices.map { certificate($0) }), "required": required])
    }
    #expect(throws: SecurityDomainError.badCustodianCount(2)) { try parse([0, 1], 2) }
    #expect(throws: SecurityDomainError.badCustodianCount(0)) { try parse([], 2) }
    #expect(throws: SecurityDomainError.badCustodianCount(11)) { try parse([Int](repeating: 0, count: 11), 2) }
    #expect(throws: SecurityDomainError.badQuorum(required: 1, custodians: 3)) { try parse([0, 1, 2], 1) }
    #expect(throws: SecurityDomainError.badQuorum(required: 4, custodians: 3)) { try parse([0, 1, 2], 4) }
    #expect(throws: SecurityDomainError.badQuorum(required: -2, custodians: 3)) { try parse([0, 1, 2], -2) }
    #expect(throws: SecurityDomainError.badMember("required")) { try parse([0, 1, 2], "2") }
    #expect(throws: SecurityDomainError.badMember("required")) { try parse([0, 1, 2], nil) }
    #expect(throws: SecurityDomainError.duplicateCustodian(index: 2)) { try parse([0, 1, 0], 2) }
    #expect(throws: SecurityDomainError.badMember("certificates")) { try DownloadRequest.parse(["required": 2]) }
    #expect(throws: SecurityDomainError.self) { try DownloadRequest.parse(Array("{".utf8)) }
  }

  /// A P-256 certificate made with `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256`, and an RSA-1024 one likewise.
  @Test("Certificates that are not DER, not RSA or too small are refused by their place")
  func certificates() {
    func parse(_ entry: JSONValue) throws(SecurityDomainError) {
      _ = try DownloadRequest.parse(["certificates": [certificate(0), entry, certificate(1)], "required": 2])
    }
    for entry: JSONValue in [["x5c": []], ["x5c": "AAAA"], ["x5c": [7]], ["x5c": ["!"]], [:], 7] {
      #expect(throws: SecurityDomainError.badMember("certificates[1].x5c")) { try parse(entry) }
    }
    #expect(throws: SecurityDomainError.badCertificate(index: 1, .badCertificate)) { try parse(["x5c": ["AAAA"]]) }
    #expect(throws: SecurityDomainError.badCertificate(index: 1, .unsupportedKey("certificate"))) { try parse(["x5c": [.string(ForeignCertificates.p256)]]) }
    #expect(throws: SecurityDomainError.badCertificate(index: 1, .badCertificate)) { try parse(["x5c": [.string(ForeignCertificates.rsa1024)]]) }
  }
}

struct RecoveryTests {
  let partitionKey = Ceremony.partitionKey()

  private func upload(to certificate: [UInt8]? = nil) throws -> String {
    let file = try Ceremony.parsed(try Ceremony.file(partitionKey))
    return try RecoveryUpload.rewrap(
      file, with: Array(Ceremony.keys[1...2]), to: certificate ?? Ceremony.transfer.certificate, entropy: .system)
  }

  @Test("A quorum re-wraps to the transfer key and the new HSM recovers the same key and identity")
  func recovery() throws {
    let text = try upload()
    #expect(try JSONValue.parse(text).object?.names == ["EncData", "WrappedKey"])
    let domain = try RecoveryUpload.parse(Array(text.utf8)).open(with: Ceremony.transfer)
    #expect(domain.partitionKey.isEqual(to: partitionKey))
    #expect(domain.hsmName == "myorg-mhsm")
    // Python writes spaces.
    let spaced = try JSONValue.parse(text).serialized(pretty: true)
    #expect(try RecoveryUpload.parse(spaced).open(with: Ceremony.transfer).fingerprint == PartitionKeyFingerprint.of(partitionKey))
  }

  @Test("An upload for another transfer key is refused before anything is decrypted")
  func wrongTransferKey() throws {
    let foreign = try RecoveryUpload.parse(Array(try upload(to: Ceremony.pairs[0].certificate).utf8))
    #expect(throws: SecurityDomainError.wrongTransferKey) { try foreign.open(with: Ceremony.transfer) }
    var relabelled = try #require(try JSONValue.parse(try upload(to: Ceremony.pairs[0].certificate)).object)
    relabelled["WrappedKey"] = ["enc_key": relabelled["WrappedKey"]?["enc_key"] ?? nil, "x5t_256": .string(Ceremony.transfer.digest)]
    let lying = try RecoveryUpload.parse(JSONValue.object(relabelled).serialized())
    #expect(throws: SecurityDomainError.wrappedKeyRejected) { try lying.open(with: Ceremony.transfer) }
  }

  @Test("Data that no quorum of a Hallmark domain could produce are refused")
  func forged() throws {
    // Whoever knows the transfer certificate can encrypt to it; the plaintext must still prove itself.
    let master = SecretBytes(random: 32, entropy: Entropy.system.fill)
    let contentKey = SP800108.derive(key: master, label: Array("hsm_backup".utf8), bits: 512)
    var junk = Array("HMSD".utf8) + [1, 0, 1, 0x61, 0, 1, 0x62] + [UInt8](repeating: 0, count: 8 + 32 + 32)
    let transferKey = try RSAEncryptionKey(certificate: Ceremony.transfer.certificate)
    func upload(_ plaintext: SecretBytes, tag: String = "hsm_backup") throws -> RecoveryUpload {
      let datum = try JWE.encrypt(plaintext, directKey: contentKey, kid: tag, entropy: Entropy.system.fill)
      let wrapped = try JWE.encrypt(master, to: transferKey, kid: "not used", entropy: Entropy.system.fill)
      let value: JSONValue = [
        "EncData": ["data": [["compact_jwe": .string(datum), "tag": .string(tag)]], "kdf": "sp108_kdf"],
        "WrappedKey": ["enc_key": .string(wrapped), "x5t_256": .string(Ceremony.transfer.digest)],
      ]
      return try RecoveryUpload.parse(value.serialized())
    }
    #expect(throws: SecurityDomainError.identityMismatch) { try upload(SecretBytes(wiping: &junk)).open(with: Ceremony.transfer) }
    for text in ["", "HMSD", "HMSD\u{1}\u{0}", "something else"] {
      var bytes = Array(text.utf8)
      let plaintext = SecretBytes(wiping: &bytes)
      #expect(throws: SecurityDomainError.notAHallmarkDomain) { try upload(plaintext).open(with: Ceremony.transfer) }
    }
    #expect(throws: SecurityDomainError.datumRejected(tag: "other")) { try upload(master, tag: "other").open(with: Ceremony.transfer) }
  }

  @Test("Malformed uploads are refused", arguments: ["", "{}", "[]", #"{"EncData":{},"WrappedKey":{}}"#, #"{"WrappedKey":{"enc_key":"x","x5t_256":"AAAA"},"EncData":{}}"#])
  func malformed(text: String) {
    #expect(throws: SecurityDomainError.self) { try RecoveryUpload.parse(Array(text.utf8)) }
  }

  @Test("The transfer key is a JWK text with the certificate in standard base64")
  func transferKey() throws {
    let jwk = try JSONValue.parse(Ceremony.transfer.jwkText)
    #expect(Set(jwk.object?.names ?? []) == ["kty", "kid", "key_ops", "n", "e", "x5c", "x5t", "x5t#S256"])
    #expect(jwk["kty"] == "RSA" && jwk["kid"] == "not used" && jwk["key_ops"] == ["wrapKey", "verify", "encrypt"])
    #expect(try Base64.decode(jwk["x5c"]?[0]?.string ?? "") == Ceremony.transfer.certificate)
    #expect(jwk["x5t#S256"]?.string == CertificateThumbprint.sha256(Ceremony.transfer.certificate))
    #expect(try JWK.parse(try #require(jwk.object), accepting: .publicOnly).modulusBits == 2048)
  }

  @Test("A custodian's PEM texts read back")
  func pem() throws {
    let pair = Ceremony.pairs[0]
    #expect(try PEM.parse(pair.certificatePEM).map(\.bytes) == [pair.certificate])
    let text = pair.privateKeyPEM.withUnsafeBytes { Array($0) }
    #expect(try RSADecryptionKey(pem: text).jwk.thumbprint == Ceremony.keys[0].jwk.thumbprint)
    #expect(throws: SecurityDomainError.jose(.keySizeRefused(bits: 1024))) {
      try CustodianKey.generate(commonName: "x", bits: 1024, entropy: .system, clock: Ceremony.clock)
    }
  }
}
