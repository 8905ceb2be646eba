internal import Encodings

/// The COSE form: tagged COSE_Sign1 (RFC 9052 §4.2).
enum COSENotaryEnvelope {
  static func parse(_ bytes: [UInt8]) throws(NotaryError) -> NotaryEnvelope { throw .unknownEnvelopeType("cose") }
  static func protectedHeader(_ attributes: UnsignedNotaryEnvelope.Attributes, _ keySpec: NotaryKeySpec) throws(NotaryError) -> [UInt8] { [] }
  static func signedBytes(protected: [UInt8], payload: [UInt8]) -> [UInt8] { [] }
  static func sealed(_ envelope: UnsignedNotaryEnvelope, signature: [UInt8], chain: [[UInt8]], timestampToken: [UInt8]?) -> [UInt8] { [] }
}
