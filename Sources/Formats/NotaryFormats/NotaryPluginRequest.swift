internal import Encodings

extension NotaryPlugin.Request {
  private typealias Failure = NotaryPlugin.Failure

  /// Reads the document that came with a command. Fuzz entry point.
  ///
  /// - Throws: `VALIDATION_ERROR`, or `UNSUPPORTED_CONTRACT_VERSION` for another contract than 1.0.
  package static func parse(
    _ command: NotaryPlugin.Command, _ bytes: some Sequence<UInt8>
  ) throws(NotaryPlugin.Failure) -> NotaryPlugin.Request {
    let value: JSONValue
    do { value = try JSONValue.parse(bytes, limits: NotaryPlugin.limits) } catch {
      throw Failure(.validation, "the request is not an acceptable JSON document: \(error.description)")
    }
    if command != .metadata, let version = value["contractVersion"]?.string, version != NotaryPlugin.contractVersion {
      throw Failure(.unsupportedContractVersion, "contract version \(version.prefix(32)) is not spoken here, only \(NotaryPlugin.contractVersion)")
    }
    do throws(NotaryError) {
      let root = try NotaryMembers(value, path: "request")
      let configuration = try self.configuration(root)
      if command != .metadata { _ = try root.string("contractVersion", maxBytes: 32) }
      return switch command {
      case .metadata: .metadata(configuration)
      case .describeKey: .describeKey(keyID: try root.string("keyId", maxBytes: 2048), configuration)
      case .generateSignature: .generateSignature(try generateSignature(root, configuration))
      case .generateEnvelope: .generateEnvelope(try generateEnvelope(root, configuration))
      case .verifySignature: .verifySignature(try verifySignature(root, configuration))
      }
    } catch {
      throw Failure(.validation, error.description)
    }
  }

  private static func configuration(_ root: NotaryMembers) throws(NotaryError) -> NotaryPlugin.Configuration {
    guard let value = root.object["pluginConfig"], !value.isNull else { return NotaryPlugin.Configuration() }
    var values: [String: String] = [:]
    for member in try NotaryMembers(value, path: root.at("pluginConfig")).object.members {
      guard let text = member.value.string, text.utf8.count <= 4096, values.count < 100 else {
        throw .badMember(path: "\(root.at("pluginConfig")).\(member.name.prefix(80))", wanted: "a string of at most 4096 bytes")
      }
      values[member.name] = text
    }
    return NotaryPlugin.Configuration(values)
  }

  private static func generateSignature(
    _ root: NotaryMembers, _ configuration: NotaryPlugin.Configuration
  ) throws(NotaryError) -> NotaryPlugin.GenerateSignature {
    let name = try root.string("keySpec", maxBytes: 32)
    guard let spec = NotaryKeySpec(rawValue: name) else {
      throw .badMember(path: root.at("keySpec"), wanted: NotaryKeySpec.allCases.map(\.rawValue).joined(separator: ", "))
    }
    guard try root.string("hashAlgorithm", maxBytes: 32) == spec.hashAlgorithm else {
      throw .badMember(path: root.at("hashAlgorithm"), wanted: "\(spec.hashAlgorithm) for key spec \(spec.rawValue)")
    }
    return NotaryPlugin.GenerateSignature(
      keyID: try root.string("keyId", maxBytes: 2048), keySpec: spec,
      payload: try root.base64("payload", maxBytes: NotaryPlugin.maxRequestBytes), configuration: configuration)
  }

  private static func generateEnvelope(
    _ root: NotaryMembers, _ configuration: NotaryPlugin.Configuration
  ) throws(NotaryError) -> NotaryPlugin.GenerateEnvelope {
    let type = try root.string("signatureEnvelopeType", maxBytes: 255)
    guard let format = NotaryEnvelope.Format(mediaType: type) else { throw .unknownEnvelopeType(type) }
    var expiry: Int64?
    // Go leaves the member out when it is zero; a plain 0 means the same.
    if let value = root.object["expiryDurationInSeconds"], value.int64 != 0 {
      guard let seconds = value.int64, (1...100 * 366 * 86_400).contains(seconds) else {
        throw .badMember(path: root.at("expiryDurationInSeconds"), wanted: "whole seconds up to a hundred years")
      }
      expiry = seconds
    }
    return NotaryPlugin.GenerateEnvelope(
      keyID: try root.string("keyId", maxBytes: 2048), payloadType: try root.string("payloadType", maxBytes: 255), format: format,
      payload: try root.base64("payload", maxBytes: NotaryPayload.limits.maxBytes), expirySeconds: expiry, configuration: configuration)
  }

  private static func verifySignature(
    _ root: NotaryMembers, _ configuration: NotaryPlugin.Configuration
  ) throws(NotaryError) -> NotaryPlugin.VerifySignature {
    let signature = try root.object("signature")
    let critical = try signature.object("criticalAttributes")
    let policy = try root.object("trustPolicy")
    let schemeName = try critical.string("signingScheme", maxBytes: 255)
    guard let scheme = NotaryEnvelope.SigningScheme(rawValue: schemeName) else {
      throw .badMember(path: critical.at("signingScheme"), wanted: "notary.x509 or notary.x509.signingAuthority")
    }
    var extended: [String: JSONValue] = [:]
    if let value = critical.object["extendedAttributes"], !value.isNull {
      for member in try NotaryMembers(value, path: critical.at("extendedAttributes")).object.members { extended[member.name] = member.value }
    }
    var chain: [[UInt8]] = []
    for (i, entry) in try signature.array("certificateChain", limit: NotaryEnvelope.Limits.chainLength).enumerated() {
      guard let text = entry.string, let der = NotaryMembers.base64(text, maxBytes: NotaryEnvelope.Limits.certificateBytes) else {
        throw .badMember(path: "\(signature.at("certificateChain"))[\(i)]", wanted: "a certificate in base64")
      }
      chain.append(der)
    }
    var checks: [NotaryPlugin.Capability] = []
    for name in try strings(policy, "signatureVerification") {
      guard let check = NotaryPlugin.Capability(rawValue: name) else {
        throw .badMember(path: policy.at("signatureVerification"), wanted: "capabilities of a verifier, not \(name.prefix(80))")
      }
      checks.append(check)
    }
    return NotaryPlugin.VerifySignature(
      contentType: try critical.string("contentType", maxBytes: 255), signingScheme: scheme, expiry: try time(critical, "expiry"),
      authenticSigningTime: try time(critical, "authenticSigningTime"), extendedAttributes: extended,
      unprocessedAttributes: try strings(signature, "unprocessedAttributes"), certificateChain: chain,
      trustedIdentities: try strings(policy, "trustedIdentities"), checks: checks, configuration: configuration)
  }

  /// Go writes the year 1 for a time that is not set; years our clock cannot count are as good as none.
  private static func time(_ members: NotaryMembers, _ name: String) throws(NotaryError) -> Int64? {
    guard let text = try members.optionalString(name, maxBytes: 64), !text.hasPrefix("0001-01-01T00:00:00") else { return nil }
    guard let time = try? ISO8601.parse(text) else { throw .badMember(path: members.at(name), wanted: "an RFC 3339 time") }
    return time / 1_000_000_000
  }

  /// An absent list and `null` are empty: Go writes nil slices so.
  private static func strings(_ members: NotaryMembers, _ name: String) throws(NotaryError) -> [String] {
    guard let value = members.object[name], !value.isNull else { return [] }
    var result: [String] = []
    for (i, value) in try members.array(name, limit: 1000).enumerated() {
      guard let text = value.string, text.utf8.count <= NotaryDistinguishedName.maxBytes else {
        throw .badMember(path: "\(members.at(name))[\(i)]", wanted: "a string of at most \(NotaryDistinguishedName.maxBytes) bytes")
      }
      result.append(text)
    }
    return result
  }
}
