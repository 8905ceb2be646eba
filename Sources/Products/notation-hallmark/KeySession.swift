import Clocks
import Encodings
import Foundation
import Issuance
import NotaryFormats
import Outbound
import Signing
import SigstoreFormats
import Trust

/// One key of one service for the length of this process: a key id without version is resolved once and stays with what it was.
struct KeySession: Sendable {
  /// A key that makes Notary signatures.
  struct NotaryKey: Sendable {
    let pinned: PinnedKey
    let spec: NotaryKeySpec
    let scheme: SignatureScheme
    /// What the service's clock said, seconds since the epoch; nil when it did not.
    let serviceTime: Int64?
  }

  struct Made: Sendable {
    let signature: [UInt8]
    let chain: CertificateChain
    let requestID: String?
    /// Requests that may have been performed; more than 1 after an answer was lost.
    let attempts: Int
  }

  let settings: PluginSettings
  private let reference: KeyReference
  private let connection: ServiceConnection
  private let clock: TimeSource

  init(keyID: String, settings: PluginSettings, clock: TimeSource) throws {
    self.settings = settings
    self.clock = clock
    reference = try KeyReference(parsing: keyID)
    let connected = settings.connection
    let off = connected.environment["HALLMARK_NO_CACHE"].map { !$0.isEmpty && $0 != "0" } ?? false
    connection = try ServiceConnection(connected, store: reference.store) { credential, address in
      if off || credential is FixedTokenCredential { return credential }
      return TokenFileCache(
        credential, cache: PrivateCache(folder: connected.cacheFolder), identity: Self.identity(connected, address), clock: clock)
    }
  }

  func close() async { await connection.close() }

  /// Reads the key.
  ///
  /// - Throws: `VALIDATION_ERROR` for kinds that make no Notary signatures, before their numbers are looked at.
  /// - Cost: one GET.
  func key() async throws -> NotaryKey {
    let path = "/keys/\(reference.name)/\(reference.version ?? "")"
    let answer = try await connection.client.call("GET", path)
    let jwk = answer.body["key"]
    let kind = [jwk?["kty"]?.string, jwk?["crv"]?.string].compactMap(\.self).joined(separator: " ")
    func refuse(_ what: String) -> NotaryPlugin.Failure {
      NotaryPlugin.Failure(
        .validation, "\(what); Notary signatures need RSA 2048, 3072 or 4096, or EC P-256, P-384 or P-521")
    }
    if jwk?["kty"]?.string?.hasPrefix("oct") == true { throw refuse("key \(reference.name) is a symmetric key (\(kind))") }
    if ["P-256K", "SECP256K1"].contains(jwk?["crv"]?.string) { throw refuse("key \(reference.name) is on P-256K, which no Notary verifier knows") }
    let pinned = try RemoteSigning.pinned(answer.body, url: connection.client.address.url + path, wanted: reference)
    guard let spec = NotaryKeySpec(pinned.publicKey.kind), let scheme = SignatureScheme(rawValue: spec.jwsAlgorithm) else {
      throw refuse("key \(reference.name) is \(pinned.publicKey.kindText)")
    }
    return NotaryKey(pinned: pinned, spec: spec, scheme: scheme, serviceTime: answer.header("date").flatMap(Self.seconds))
  }

  /// Signs the bytes with the key, after the chain was found and checked: the leaf is the key's, the profile holds, everything is valid now.
  ///
  /// - Cost: one sign operation; the chain costs at most one GET.
  func sign(_ bytes: [UInt8], _ key: NotaryKey) async throws -> Made {
    let now = clock.now()
    try Self.checkUsable(key.pinned, now: now.seconds)
    let chain = try await chain(for: key)
    var stream = DigestStream([key.scheme.hash])
    stream.update(bytes)
    guard let digest = stream.finish()[key.scheme.hash] else { throw SigningError.digestMissing(artifact: "payload", hash: key.scheme.hash.rawValue) }
    let made = try await service.sign(digest, scheme: key.scheme, key: key.pinned)
    guard made.kid.hasSuffix("/keys/\(key.pinned.name)/\(key.pinned.version)") else {
      throw SigningError.wrongKeyVersion(wanted: key.pinned.kid, got: made.kid)
    }
    try check(made.signature, digest, key)
    return Made(signature: made.signature, chain: chain, requestID: made.requestID, attempts: made.attempts)
  }

  /// The chain of this key version.
  func chain(for key: NotaryKey) async throws -> CertificateChain {
    let home = CertificateHome(settings: settings.connection, client: connection.client, file: settings.chainFile)
    let chain = try await home.chain(for: key.pinned).chain
    try chain.checkSigning(at: clock.now())
    return chain
  }

  private var service: RemoteSigning {
    let environment = settings.connection.environment
    let ledger = settings.connection.ledgerPath(environment["HALLMARK_LEDGER"], address: connection.client.address).map { SigningLedger(file: $0) }
    return RemoteSigning(client: connection.client, ledger: ledger, clock: clock)
  }

  /// A signature leaves only when it verifies and has the length verifiers want.
  private func check(_ signature: [UInt8], _ digest: MessageDigest, _ key: NotaryKey) throws {
    guard signature.count == key.spec.signatureByteCount else {
      throw SigningError.signatureDoesNotVerify(key: key.pinned.kid, why: "\(signature.count) bytes where \(key.spec.signatureByteCount) are wanted")
    }
    let form = key.spec.isECDSA ? ECDSASignatureForm.der(raw: signature, fieldBytes: signature.count / 2) : signature
    guard let form, CryptoSignatureVerifier().check(form, over: digest, scheme: key.scheme, key: key.pinned.publicKey) == .valid else {
      throw SigningError.signatureDoesNotVerify(key: key.pinned.kid, why: "\(key.scheme.rawValue) check failed")
    }
  }

  private static func checkUsable(_ key: PinnedKey, now: Int64) throws(SigningError) {
    func refuse(_ why: String) -> SigningError { .keyNotUsable(key: key.kid, why: why) }
    guard key.enabled else { throw refuse("this version is disabled") }
    if let operations = key.operations, !operations.contains("sign") { throw refuse("sign is not among its key_ops") }
    if let start = key.notBefore, now < start { throw refuse("it may be used from \(ISO8601.format(seconds: start)) only") }
    if let end = key.expires, now >= end { throw refuse("it expired at \(ISO8601.format(seconds: end))") }
  }

  /// An HTTP date (RFC 9110 §5.6.7, the preferred form).
  private static func seconds(_ text: String) -> Int64? {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(secondsFromGMT: 0)
    formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss zzz"
    return formatter.date(from: text).map { Int64($0.timeIntervalSince1970) }
  }

  /// Everything that decides whose token a credential gets.
  private static func identity(_ settings: ConnectionSettings, _ address: ServiceAddress) -> [String] {
    let names = [
      "HALLMARK_AUTHORITY", "HALLMARK_TENANT", "HALLMARK_CLIENT_ID", "HALLMARK_PROFILE", "HALLMARK_CA", "AZURE_AUTHORITY_HOST", "AZURE_TENANT_ID",
      "AZURE_CLIENT_ID", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_CONFIG_DIR", "IDENTITY_ENDPOINT", "IDENTITY_HEADER",
      "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    ]
    return [address.netloc, settings.credential.rawValue] + names.map { settings.environment[$0] ?? "" }
  }
}

extension NotaryKeySpec {
  init?(_ kind: PublicKey.Kind) {
    switch kind {
    case .rsa(let bits): self.init(rsaBits: bits)
    case .ec(let curve): self.init(curve: curve.rawValue)
    }
  }
}
