internal import Encodings

/// The JWS form: flattened JSON serialization (RFC 7515 §7.2.2), exactly four members.
enum JWSNotaryEnvelope {
  static func parse(_ bytes: [UInt8]) throws(NotaryError) -> NotaryEnvelope { throw .unknownEnvelopeType("jws") }
  static func protectedHeader(_ attributes: UnsignedNotaryEnvelope.Attributes, _ keySpec: NotaryKeySpec) throws(NotaryError) -> [UInt8] { [] }
  static func signedBytes(protected: [UInt8], payload: [UInt8]) -> [UInt8] {
    var output: [UInt8] = []
    Base64URL.append(protected, to: &output)
    output.append(UInt8(ascii: "."))
    Base64URL.append(payload, to: &output)
    return output
  }
  static func sealed(_ envelope: UnsignedNotaryEnvelope, signature: [UInt8], chain: [[UInt8]], timestampToken: [UInt8]?) -> [UInt8] { [] }
}
