package import Clocks
package import Encodings
package import Signing
package import SigstoreFormats
package import Trust

/// `SigningService` over the wire: any key of any service the client can reach.
package struct RemoteSigning: SigningService {
  private let client: ManagedHSMClient
  private let ledger: SigningLedger?
  private let clock: TimeSource

  /// - Parameter ledger: receives one record per attempt; nil where the service's own audit log is ours.
  package init(client: ManagedHSMClient, ledger: SigningLedger?, clock: TimeSource = .system) {
    self.client = client
    self.ledger = ledger
    self.clock = clock
  }

  /// - Cost: one GET.
  package func pin(_ reference: KeyReference) async throws -> PinnedKey {
    let path = "/keys/\(reference.name)/\(reference.version ?? "")"
    let answer = try await client.call("GET", path)
    return try Self.pinned(answer.body, url: client.address.url + path, wanted: reference)
  }

  /// Reads a KeyBundle.
  package static func pinned(_ body: JSONValue, url: String, wanted: KeyReference) throws(OutboundError) -> PinnedKey {
    guard let jwk = body["key"], let kid = jwk["kid"]?.string else { throw .badAnswer(url: url, why: "no key in it") }
    let parts = kid.split(separator: "/").map(String.init)
    guard parts.count >= 3, parts[parts.count - 3] == "keys", parts[parts.count - 2].lowercased() == wanted.name.lowercased(),
      let version = parts.last, KeyReference.isVersion(version), wanted.version == nil || wanted.version == version
    else { throw .badAnswer(url: url, why: "the key it holds (\(kid.prefix(300))) is not the one asked for") }
    let key: PublicKey
    do { key = try PublicKey(jwk: jwk) } catch { throw .badAnswer(url: url, why: error.description) }
    let attributes = body["attributes"]
    return PinnedKey(
      kid: kid, name: parts[parts.count - 2], version: version, publicKey: key, enabled: attributes?["enabled"]?.bool ?? true,
      operations: jwk["key_ops"]?.array?.compactMap(\.string), notBefore: attributes?["nbf"]?.int64,
      expires: attributes?["exp"]?.int64)
  }

  /// One `POST …/sign`, repeated after failures that allow it. Every attempt goes to the ledger; `attempts` of the result counts them.
  package func sign(_ digest: MessageDigest, scheme: SignatureScheme, key: PinnedKey) async throws -> SignedDigest {
    let path = "/keys/\(key.name)/\(key.version)/sign"
    let body: JSONValue = ["alg": .string(scheme.rawValue), "value": .string(Base64URL.encode(digest.bytes))]
    let answer: ManagedHSMClient.Answer
    do {
      answer = try await client.call("POST", path, body: body, replay: .harmless)
    } catch {
      let known = error.attempts
      try await record(known.isEmpty ? [RequestAttempt(failure: .dropped(error.description), milliseconds: 0)] : known, digest, scheme, key)
      guard case .badAnswer(let url, let why) = error else { throw error }
      throw OutboundError.badAnswer(url: url, why: "\(why); the service may have signed, its audit log tells")
    }
    try await record(answer.attempts, digest, scheme, key)
    guard let text = answer.body["value"]?.string, let signature = try? Base64URL.decode(text), let kid = answer.body["kid"]?.string else {
      throw OutboundError.badAnswer(url: client.address.url + path, why: "no value or no kid in it")
    }
    return SignedDigest(
      signature: signature, kid: kid, requestID: answer.requestID, attempts: answer.attempts.filter(\.mayHaveSigned).count)
  }

  private func record(
    _ attempts: [RequestAttempt], _ digest: MessageDigest, _ scheme: SignatureScheme, _ key: PinnedKey
  ) async throws {
    guard let ledger else { return }
    let claims = await client.ownClaims()
    let engine: JSONValue =
      switch client.address.home {
      case .managedHSM: "azure-managed-hsm"
      case .keyVault: "azure-key-vault"
      case .other: .null
      }
    for attempt in attempts {
      let allowed = attempt.status.map { (200..<300).contains($0) } ?? false
      let reason: JSONValue = attempt.failure.map { .string($0.description) } ?? .null
      try ledger.write([
        "schema": "hallmark.audit/v1", "sequence": .null, "time": .string(ISO8601.format(nanoseconds: clock.now().nanoseconds)),
        "node": "client", "requestId": attempt.requestID.map { .string($0) } ?? .null, "clientRequestId": .null,
        "principal": [
          "objectId": claims["oid"] ?? .null, "clientId": claims["appid"] ?? claims["azp"] ?? .null, "issuer": claims["iss"] ?? .null,
          "subject": claims["sub"] ?? .null, "claims": [:],
        ],
        "operation": "sign", "store": .string(client.address.host), "key": .string(key.name), "version": .string(key.version),
        "kid": .string(key.kid), "algorithm": .string(scheme.rawValue), "digest": .string(digest.text),
        "decision": allowed ? "allow" : "deny", "reason": reason, "assignment": .null, "engine": engine,
        "status": attempt.status.map { .integer($0) } ?? .null, "durationMs": .integer(attempt.milliseconds), "callerAddress": .null,
        "purpose": .null,
      ])
    }
  }
}

extension RequestAttempt {
  /// Whether the service may have performed this attempt: answered with success, or nothing came back after sending.
  package var mayHaveSigned: Bool {
    if let status { return (200..<300).contains(status) || status >= 500 || status == 408 }
    switch failure {
    case .dropped, .timedOut, .replyTooLarge: return true
    case .notConnected, .untrustedServer, nil: return false
    }
  }
}
