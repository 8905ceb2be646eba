package import Encodings

/// The signature algorithms of RFC 7518 §3.1 and RFC 8037 that Hallmark verifies. There is no `none` and nothing symmetric.
package enum JWSAlgorithm: String, Sendable, CaseIterable, Hashable {
  case rs256 = "RS256"
  case rs384 = "RS384"
  case rs512 = "RS512"
  case ps256 = "PS256"
  case ps384 = "PS384"
  case ps512 = "PS512"
  case es256 = "ES256"
  case es384 = "ES384"
  case es512 = "ES512"
  case edDSA = "EdDSA"
}

/// A JWS in compact form (RFC 7515 §7.1), taken apart but **not verified**: nothing in it may be believed before `verify` returned.
package struct JWS: Sendable {
  package let header: JSONObject
  package let algorithm: JWSAlgorithm
  package let kid: String?
  package let payload: [UInt8]
  package let signature: [UInt8]
  /// The ASCII bytes the signature covers: `header.payload`.
  package let signingInput: [UInt8]

  /// The largest text accepted.
  package static let maxBytes = 64 << 10

  /// Takes a compact text apart.
  ///
  /// - Throws: `.algorithmRefused` for `none` and anything unknown, `.criticalHeader` for any `crit`.
  package static func parse(_ text: some Sequence<UInt8>, maxBytes: Int = JWS.maxBytes) throws(JOSEError) -> JWS {
    let bytes = Array(text)
    guard bytes.count <= maxBytes else { throw .tooLong(limit: maxBytes) }
    let parts = bytes.split(separator: UInt8(ascii: "."), maxSplits: 3, omittingEmptySubsequences: false)
    guard parts.count == 3 else { throw .wrongNumberOfParts }
    let header = try objectPart(parts[0], "header")
    guard header["crit"] == nil else { throw .criticalHeader }
    guard let name = header["alg"] else { throw .missing("alg") }
    guard let name = name.string else { throw .badMember("alg") }
    guard let algorithm = JWSAlgorithm(rawValue: name) else { throw .algorithmRefused(name == "none" ? "none" : "unknown") }
    if let kid = header["kid"], kid.string == nil { throw .badMember("kid") }
    return JWS(
      header: header, algorithm: algorithm, kid: header["kid"]?.string, payload: try strictBase64URL(parts[1], "payload"),
      signature: try strictBase64URL(parts[2], "signature"), signingInput: Array(bytes[..<parts[1].endIndex]))
  }

  package static func parse(_ text: String, maxBytes: Int = JWS.maxBytes) throws(JOSEError) -> JWS {
    try parse(text.utf8, maxBytes: maxBytes)
  }

  /// Proves the signature.
  ///
  /// - Parameter allowed: what the caller takes; the key's type narrows it, so that no text can choose a weaker algorithm.
  /// - Throws: `.algorithmRefused`, `.badSignature`.
  package func verify(
    with key: VerificationKey, allowing allowed: Set<JWSAlgorithm> = Set(JWSAlgorithm.allCases)
  ) throws(JOSEError) {
    guard allowed.contains(algorithm), key.algorithms.contains(algorithm) else { throw .algorithmRefused(algorithm.rawValue) }
    guard key.isValid(signature, over: signingInput, algorithm) else { throw .badSignature }
  }

  /// Signs a payload and returns the compact text. `alg` comes first in the header, then the signer's members, then `extra`.
  package static func compact(
    _ payload: [UInt8], by signer: some JWSSigner, extra: JSONObject = [:]
  ) throws(JOSEError) -> String {
    var header: JSONObject = ["alg": .string(signer.algorithm.rawValue)]
    for member in signer.header.members + extra.members { header[member.name] = member.value }
    header["alg"] = .string(signer.algorithm.rawValue)
    var text: [UInt8] = []
    Base64URL.append(JSONValue.object(header).serialized(), to: &text)
    text.append(UInt8(ascii: "."))
    Base64URL.append(payload, to: &text)
    let signature = try signer.signature(over: text)
    text.append(UInt8(ascii: "."))
    Base64URL.append(signature, to: &text)
    return String(decoding: text, as: UTF8.self)
  }
}
