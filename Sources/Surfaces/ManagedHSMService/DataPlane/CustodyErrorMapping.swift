import Custody
import ManagedHSMWire

extension WireError {
  /// The wire's answer for each refusal of Custody. One row per case; codes the live service was seen to use where it was seen.
  init(_ error: CustodyError, identity: ServiceIdentity) {
    switch error {
    case .unsupportedSpec(.rsaSize(let bits)): self = .badParameter("Property 'key_size' \(bits) is not supported for RSA keys: use 2048, 3072 or 4096")
    case .unsupportedSpec(.octSize(let bits)): self = .badParameter("Property 'key_size' \(bits) is not supported for oct keys: use 128, 192 or 256")
    case .unsupportedSpec(.publicExponent(let value)): self = .badParameter("Property 'public_exponent' \(value) is not supported: use an odd number from 3")
    case .invalidMaterial(let fault): self = .badParameter("The key cannot be imported: \(fault.text)")
    case .tooManyTags(let count, let limit): self = .badParameter("A key has at most \(limit) tags; the request has \(count)")
    case .tagTooLong(let limit): self = .badParameter("Names and values of tags have at most \(limit) characters")
    case .importMustStandAlone: self = .badParameter("Key operation 'import' makes an exchange key: it needs an RSA key and excludes every other operation")
    case .exportableIsFixed: self = .badParameter("Cannot modify the exportable state of a key")
    case .exportableNeedsReleasePolicy: self = .badParameter("An exportable key needs a release policy")
    case .invalidRandomCount(let count, let allowed):
      self = .badParameter("Property 'count' is \(count); it must be from \(allowed.lowerBound) to \(allowed.upperBound)")
    case .invalidRotationPolicy(_, let fault): self = .badParameter("The rotation policy is not valid: \(fault.text)")
    case .algorithmDoesNotFit(let key, let algorithm, let spec):
      self = .badParameter("Algorithm '\(algorithm.rawValue)' cannot be used with key \(identity.kid(key.path)), which is \(spec)")
    case .wrongDigestLength(_, let algorithm, let given, let allowed):
      let wanted = allowed.lowerBound == allowed.upperBound ? "\(allowed.lowerBound)" : "\(allowed.lowerBound) to \(allowed.upperBound)"
      self = .badParameter("Algorithm '\(algorithm.rawValue)' takes a digest of \(wanted) bytes; the request has \(given)")
    case .keyNotFound(let name, let version):
      self = .keyNotFound(identity.kid("keys/\(name.text)\(version.map { "/\($0.text)" } ?? "")"))
    case .deletedKeyNotFound(let name): self = .keyNotFound(identity.kid("deletedkeys/\(name.text)"))
    case .nameIsDeleted(let name):
      self = WireError(
        409, "Conflict", "Key \(name.text) is currently in a deleted but recoverable state, and its name cannot be reused; recover or purge it first",
        inner: "ObjectIsDeletedButRecoverable")
    case .keyDisabled(let key):
      self = WireError(403, "Forbidden", "Operation is not allowed on a disabled key: \(identity.kid(key.path))", inner: "KeyDisabled")
    case .notYetValid(let key, let from):
      self = WireError(403, "Forbidden", "Key \(identity.kid(key.path)) is not valid before \(from.seconds) (nbf)", inner: "KeyNotYetValid")
    case .expired(let key, let at):
      self = WireError(403, "Forbidden", "Key \(identity.kid(key.path)) expired at \(at.seconds) (exp)", inner: "KeyExpired")
    case .operationNotInKeyOps(let key, let operation):
      self = WireError(403, "Forbidden", "Operation '\(operation.rawValue)' is not permitted by the key_ops of key \(identity.kid(key.path))", inner: "KeyOperationForbidden")
    case .purgeProtected(let name, let until):
      self = WireError(403, "Forbidden", "Key \(name.text) cannot be purged before \(until.seconds): purge protection is enabled", inner: "ForbiddenByPolicy")
    case .tooManyKeys(let limit): self = WireError(403, "QuotaExceeded", "A managed HSM holds at most \(limit) keys")
    case .tooManyVersions(let name, let limit): self = WireError(403, "QuotaExceeded", "Key \(name.text) already has \(limit) versions, the most a key can have")
    case .permitDoesNotFit: self = WireError(500, "InternalError", "The request was not performed: its permission does not fit the operation")
    case .rowTampered:
      self = WireError(500, "IntegrityFailure", "The stored key was changed outside this service; it is refused. An administrator must restore it")
    case .changedMeanwhile(let name): self = WireError(409, "Conflict", "Key \(name.text) was changed by another request at the same time; try again")
    case .engine, .engineMissing: self = WireError(500, "InternalError", "The key engine could not perform the operation")
    case .store: self = WireError(503, "ServiceUnavailable", "The key store did not answer; try again", retryAfter: 1)
    }
  }
}

extension MaterialFault {
  fileprivate var text: String {
    switch self {
    case .rsaModulusSize(let bits): "an RSA modulus of \(bits) bits is not supported: use 2048, 3072 or 4096"
    case .rsaExponent: "the RSA public exponent is not an odd number from 3"
    case .rsaInconsistent: "the RSA members do not belong together"
    case .rsaMemberTooLong: "an RSA member is longer than the modulus allows"
    case .curvePointInvalid: "the point is not on the curve"
    case .curveScalarInvalid: "the private value does not belong to the public point"
    case .octSize(let bytes): "a symmetric key of \(bytes) bytes is not supported"
    }
  }
}

extension RotationPolicyFault {
  fileprivate var text: String {
    switch self {
    case .expiryTooShort(let days): "expiryTime must be at least P\(days)D"
    case .rotationTooSoon(let days): "rotation must come at least \(days) days after creation"
    case .expiryMissing: "timeBeforeExpiry needs an expiryTime"
    }
  }
}
