import Clocks
import Encodings
import Issuance
import NotaryFormats
import Signing

/// An envelope of scheme `notary.x509.signingAuthority`: this process states the time, and the key's chain says who states it.
struct AuthorityEnvelope: Sendable {
  /// Signed attributes of our own, present when verification by `notation-hallmark` is demanded.
  enum Attribute {
    /// Identifier of the key version that signed.
    static let key = "hallmark.key"
    /// `release` or `dev`.
    static let channel = "hallmark.channel"
  }

  /// The clock of this machine may differ from the service's by this many seconds; beyond it no time is stated.
  static let tolerance: Int64 = 300
  /// Manifest annotation with the id under which the service's audit log has the signing.
  static let requestAnnotation = "hallmark.request-id"
  /// Manifest annotation with the number of sign operations, when an answer was lost and there may have been several.
  static let attemptsAnnotation = "hallmark.sign-attempts"

  private let wanted: NotaryPlugin.GenerateEnvelope
  private let session: KeySession
  private let face: Face
  private let clock: TimeSource

  init(_ wanted: NotaryPlugin.GenerateEnvelope, session: KeySession, face: Face, clock: TimeSource) {
    self.wanted = wanted
    self.session = session
    self.face = face
    self.clock = clock
  }

  func sealed() async throws -> (bytes: [UInt8], annotations: [(name: String, value: String)]) {
    guard wanted.payloadType == NotaryPayload.mediaType else {
      throw NotaryPlugin.Failure(.validation, "payload type \(wanted.payloadType.prefix(120)) is not signed here, only \(NotaryPayload.mediaType)")
    }
    // Only what can be read is signed: a signing authority knows what it vouches for.
    _ = try NotaryPayload.parse(wanted.payload)
    let key = try await session.key()
    let now = clock.now().seconds
    if let service = key.serviceTime, abs(service - now) > Self.tolerance {
      throw NotaryPlugin.Failure(
        .error, "the clock of this machine says \(ISO8601.format(seconds: now)), that of the service \(ISO8601.format(seconds: service)): no signing time is stated with clocks so far apart; set the clock")
    }
    var attributes = UnsignedNotaryEnvelope.Attributes(signingScheme: .signingAuthority, signingTime: now)
    attributes.expiry = wanted.expirySeconds.map { now + $0 }
    let demands = session.settings.demandsVerifier
    if demands {
      attributes.verificationPlugin = .init(name: "hallmark", minimumVersion: Face.version)
      attributes.extended.append(.init(name: .text(Attribute.key), value: .string(key.pinned.kid), isCritical: true))
    }
    if let channel = session.settings.channel {
      attributes.extended.append(.init(name: .text(Attribute.channel), value: .string(channel), isCritical: demands))
    }
    let unsigned = try UnsignedNotaryEnvelope(
      payload: wanted.payload, format: wanted.format, keySpec: key.spec, attributes: attributes,
      signingAgent: "notation-\(face.name)/\(Face.version)")
    let made = try await session.sign(unsigned.signedBytes, key)
    let bytes = try unsigned.sealed(signature: made.signature, chain: made.chain.der)
    var annotations: [(name: String, value: String)] = []
    if let requestID = made.requestID { annotations.append((Self.requestAnnotation, requestID)) }
    if made.attempts > 1 { annotations.append((Self.attemptsAnnotation, String(made.attempts))) }
    return (bytes, annotations)
  }
}
