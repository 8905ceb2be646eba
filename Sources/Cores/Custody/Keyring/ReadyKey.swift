package import Access
import Clocks

/// A key loaded and ready to sign: everything a request needs, in one object.
///
/// Immutable. It shows the key as it was when it was fetched, so fetch one per request (`Keyring.ready`) and do not keep it.
package final class ReadyKey: Sendable {
  package let identity: KeyIdentity
  /// `keys/<name>/<version>`: the `kid` without its host.
  package let path: String
  package let spec: KeySpec
  package let operations: KeyOperations
  package let attributes: KeyAttributes
  package let engine: String
  private let scope: Scope
  private let handle: any KeyHandle
  private let time: TimeSource

  init?(_ record: VersionRecord, handle: any KeyHandle, time: TimeSource) {
    identity = record.version.identity
    path = record.version.identity.path
    spec = record.version.spec
    operations = record.version.operations
    attributes = record.version.attributes
    engine = record.engine
    guard let scope = Scope.key(named: record.version.identity.name.text) else { return nil }
    self.scope = scope
    self.handle = handle
    self.time = time
  }

  /// Whether the operation is quick enough for an event loop: EC is, RSA signing belongs on the pool.
  package func isCheap(_ operation: KeyOperation) -> Bool { handle.isCheap(operation) }

  /// Signs one digest.
  ///
  /// - Parameter digest: exactly `algorithm.digest.length` bytes (RSNULL: up to the modulus less 11); not hashed again.
  /// - Returns: raw `r‖s` for EC (RFC 7518 §3.4), modulus-sized octets for RSA.
  /// - Throws: a refusal before the engine is touched, or `.engine`.
  /// - Complexity: one engine call, no I/O.
  package func sign(_ algorithm: SignatureAlgorithm, digest: [UInt8], permit: Permit) throws(CustodyError) -> [UInt8] {
    try admit(.sign, .keysSign, algorithm, digest.count, permit)
    do { return try handle.sign(digest, algorithm) } catch { throw .engine(error) }
  }

  /// Checks one signature. Works outside `nbf`…`exp`, not on a disabled key.
  /// - Returns: false for a signature that is not valid, whatever its length.
  package func verify(
    _ algorithm: SignatureAlgorithm, signature: [UInt8], digest: [UInt8], permit: Permit
  ) throws(CustodyError) -> Bool {
    try admit(.verify, .keysVerify, algorithm, digest.count, permit)
    do { return try handle.verify(signature, digest, algorithm) } catch { throw .engine(error) }
  }

  private func admit(
    _ operation: KeyOperation, _ action: DataAction, _ algorithm: SignatureAlgorithm, _ digestLength: Int, _ permit: Permit
  ) throws(CustodyError) {
    guard permit.allows(action, at: scope) else {
      throw .permitDoesNotFit(wanted: "\(action.text) on \(scope.text)", given: "\(permit.action.text) on \(permit.scope.text)")
    }
    try admit(operation)
    guard algorithm.fits(spec) else { throw .algorithmDoesNotFit(identity, algorithm, spec) }
    let allowed = algorithm.digestLengths(for: spec)
    guard allowed.contains(digestLength) else {
      throw .wrongDigestLength(identity, algorithm, given: digestLength, allowed: allowed)
    }
  }

  /// Whether the key's own state allows the operation now: enabled, inside its window, listed in `key_ops`.
  func admit(_ operation: KeyOperation) throws(CustodyError) {
    guard attributes.enabled else { throw .keyDisabled(identity) }
    if !operation.worksOutsideWindow && (attributes.notBefore != nil || attributes.expires != nil) {
      let now = UnixTime(seconds: time.now().seconds)
      if let notBefore = attributes.notBefore, now < notBefore { throw .notYetValid(identity, notBefore: notBefore) }
      if let expires = attributes.expires, now >= expires { throw .expired(identity, expires: expires) }
    }
    guard operations.contains(operation) else { throw .operationNotInKeyOps(identity, operation) }
  }
}
