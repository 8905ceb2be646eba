/// The place where private keys are made and used. Declared here; SoftwareEngine is the first implementer.
///
/// - Trust: full. The engine is the only code that sees private key bytes; it seals them itself, so that none leave it.
/// - Concurrency: every call is synchronous and may come from any thread. Generating RSA takes 0.1 to several seconds.
/// - Idempotence: `load` may be called any number of times for one sealed key; `generate` makes a new key each time.
package protocol KeyEngine: Sendable {
  /// A short stable name that goes into audit records, such as `software`.
  var name: String { get }

  /// Makes a new key of `binding.spec`.
  func generate(_ binding: KeyBinding) throws(EngineFailure) -> EngineKey

  /// Takes over a key made elsewhere, after checking all of it.
  /// - Throws: `.material` with the fault; `.bindingBroken` if it is not of `binding.spec`.
  func take(_ material: borrowing ImportedKey, _ binding: KeyBinding) throws(EngineFailure) -> EngineKey

  /// Opens a sealed key for use.
  /// - Throws: `.bindingBroken` unless it was sealed for exactly this binding, or if it was changed.
  func load(_ sealed: [UInt8], _ binding: KeyBinding) throws(EngineFailure) -> any KeyHandle

  /// Random bytes from the engine's own generator.
  func random(_ count: Int) throws(EngineFailure) -> [UInt8]
}

/// A key ready for use. Frees and wipes its key when the last reference goes.
///
/// Calls are synchronous and thread safe, any number at once on one handle. The caller has checked attributes, key_ops,
/// algorithm and digest length before (`ReadyKey` does).
package protocol KeyHandle: AnyObject, Sendable {
  /// Whether the operation takes well under a millisecond, so that it may run on an event loop: EC does, RSA signing does not.
  func isCheap(_ operation: KeyOperation) -> Bool

  /// - Parameter digest: `algorithm.digestLengths` bytes, not hashed again.
  /// - Returns: `algorithm.signatureLength` bytes: RSA octets, or `r‖s` at fixed width (RFC 7518 §3.4).
  func sign(_ digest: [UInt8], _ algorithm: SignatureAlgorithm) throws(EngineFailure) -> [UInt8]

  /// - Returns: false for every signature that is not valid, whatever its length or form.
  func verify(_ signature: [UInt8], _ digest: [UInt8], _ algorithm: SignatureAlgorithm) throws(EngineFailure) -> Bool
}

/// What a sealed key is bound to; part of what its seal authenticates.
package struct KeyBinding: Hashable, Sendable {
  package let hsm: HSMIdentity
  package let identity: KeyIdentity
  package let spec: KeySpec
  package let exportable: Bool
  package let created: UnixTime

  package init(hsm: HSMIdentity, identity: KeyIdentity, spec: KeySpec, exportable: Bool, created: UnixTime) {
    self.hsm = hsm
    self.identity = identity
    self.spec = spec
    self.exportable = exportable
    self.created = created
  }
}

/// A key the engine made or took over.
package struct EngineKey: Sendable {
  package let publicKey: PublicKey
  /// Opens only with the same binding under the same partition key.
  package let sealed: [UInt8]

  package init(publicKey: PublicKey, sealed: [UInt8]) {
    self.publicKey = publicKey
    self.sealed = sealed
  }
}

/// Which HSM this is: a random id given once, at `init`; it survives host names and moves with a full restore.
package struct HSMIdentity: Hashable, Sendable, CustomStringConvertible {
  package let text: String

  /// - Returns: nil unless `text` has 1 to 64 characters of `0-9 a-z -`.
  package init?(_ text: String) {
    guard (1...64).contains(text.utf8.count),
      text.utf8.allSatisfy({ ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x7A) || $0 == 0x2D })
    else { return nil }
    self.text = text
  }
  package var description: String { text }
}

package enum EngineFailure: Error, Hashable, Sendable {
  case material(MaterialFault)
  /// The sealed key is not the one this binding belongs to, or somebody changed it.
  case bindingBroken
  case unsupported(KeySpec)
  case algorithmDoesNotFit
  /// The library refused; `step` is a fixed name of ours, `code` the library's error number.
  case libraryFailed(step: String, code: UInt64)
}

extension KeyBinding {
  /// The binding as bytes, one form per value: additional data for whatever seal an engine uses.
  package var bytes: [UInt8] {
    var writer = RowWriter()
    writer.text("hallmark sealed key v1")
    writer.text(hsm.text)
    writer.text(identity.name.folded)
    writer.text(identity.version.text)
    writer.spec(spec)
    writer.byte(exportable ? 1 : 0)
    writer.integer(created.seconds)
    return writer.bytes
  }
}
