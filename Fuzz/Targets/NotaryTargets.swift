import Encodings
import NotaryFormats

enum NotaryTargets {
  /// Law: what is read, is written in one form, which reads back as the same; and that form is a fixed point.
  static func cbor(_ bytes: UnsafeRawBufferPointer) {
    guard let value = try? CBORValue.parse(bytes) else { return }
    let written = value.serialized()
    // The order of maps may change, so bytes are compared, not values.
    precondition((try? CBORValue.parse(written, limits: CBORLimits(maxBytes: bytes.count)))?.serialized() == written)
    precondition(written.count == bytes.count)
  }

  /// Law: an envelope that is read has a signature of its algorithm's length, at least one certificate, and an expiry after its time.
  private static func envelope(_ bytes: UnsafeRawBufferPointer, _ format: NotaryEnvelope.Format) {
    guard let envelope = try? NotaryEnvelope.parse(Array(bytes), format: format) else { return }
    precondition(envelope.signature.count == envelope.keySpec.signatureByteCount)
    precondition(!envelope.certificateChain.isEmpty && envelope.certificateChain.count <= NotaryEnvelope.Limits.chainLength)
    if let expiry = envelope.expiry { precondition(expiry > envelope.signingTime) }
    _ = try? envelope.artifact()
    // What was read can be written again, and says the same over the same bytes.
    var attributes = UnsignedNotaryEnvelope.Attributes(
      signingScheme: envelope.signingScheme, signingTime: envelope.signingTime, expiry: envelope.expiry,
      verificationPlugin: envelope.verificationPlugin)
    attributes.contentType = envelope.contentType
    guard let unsigned = try? UnsignedNotaryEnvelope(payload: envelope.payload, format: format, keySpec: envelope.keySpec, attributes: attributes),
      let sealed = try? unsigned.sealed(signature: envelope.signature, chain: envelope.certificateChain),
      let again = try? NotaryEnvelope.parse(sealed, format: format)
    else { return }
    precondition(again.signedBytes == unsigned.signedBytes && again.payload == envelope.payload)
    precondition(again.signingTime == envelope.signingTime && again.expiry == envelope.expiry)
  }

  static func jws(_ bytes: UnsafeRawBufferPointer) { envelope(bytes, .jws) }

  static func cose(_ bytes: UnsafeRawBufferPointer) { envelope(bytes, .cose) }

  /// The first two bytes are the length of the first certificate, the rest is the second.
  ///
  /// Law: the profile answers for whatever could be read, and never calls a chain good whose last certificate is not its own issuer.
  static func chain(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count > 2 else { return }
    let length = min(Int(bytes[0]) << 8 | Int(bytes[1]), bytes.count - 2)
    let rest = Array(bytes.dropFirst(2))
    let parts = [Array(rest.prefix(length)), Array(rest.dropFirst(length))].filter { !$0.isEmpty }
    guard let chain = try? NotaryCertificateChain(der: parts) else { return }
    if NotaryCertificateProfile.violations(of: chain, at: 1_800_000_000).isEmpty {
      precondition(chain.keySpec != nil && chain.root.subject == chain.root.issuer)
    }
  }

  /// The first byte chooses the command.
  static func plugin(_ bytes: UnsafeRawBufferPointer) {
    guard let first = bytes.first else { return }
    let command = NotaryPlugin.Command.allCases[Int(first) % NotaryPlugin.Command.allCases.count]
    _ = try? NotaryPlugin.Request.parse(command, bytes.dropFirst())
  }

  /// Law: a policy that is accepted is written as one that is accepted and means the same.
  static func policy(_ bytes: UnsafeRawBufferPointer) {
    guard let policy = try? NotationTrustPolicy.parse(bytes) else { return }
    precondition((try? NotationTrustPolicy.parse(policy.serialized())) == policy)
  }

  /// Law: a name that is read, is written so that it reads back.
  static func name(_ bytes: UnsafeRawBufferPointer) {
    guard let name = try? NotaryDistinguishedName(parsing: text(bytes)) else { return }
    precondition((try? NotaryDistinguishedName(parsing: name.description)) == name && name.isSubset(of: name))
  }
}
