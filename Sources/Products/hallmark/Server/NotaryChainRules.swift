import Clocks
import Custody
import Encodings
import Issuance
import Trust

/// What a chain must be before the service keeps it: in order, every signature right, its leaf for exactly the key version, valid now,
/// and with the extensions that signing (the Notary Project profile) or issuing certificates needs.
struct NotaryChainRules: ChainRules {
  func accept(_ bytes: [UInt8], for key: KeyVersion, at now: Int64) throws(ChainRefusal) -> [[UInt8]] {
    do {
      let chain = try CertificateChain(bytes: bytes)
      try chain.check(key: try publicKey(key))
      try chain.check(at: Instant(seconds: now))
      return chain.der
    } catch let error as IssuanceError {
      throw ChainRefusal(error.description)
    } catch let error as TrustError {
      throw ChainRefusal(error.description)
    } catch { throw ChainRefusal("it cannot be checked") }
  }

  private func publicKey(_ key: KeyVersion) throws -> Trust.PublicKey {
    func text(_ bytes: [UInt8]) -> JSONValue { .string(Base64URL.encode(bytes)) }
    switch key.publicKey {
    case .rsa(let modulus, let exponent): return try Trust.PublicKey(jwk: ["kty": "RSA", "n": text(modulus), "e": text(exponent)])
    case .ec(let curve, let x, let y):
      return try Trust.PublicKey(jwk: ["kty": "EC", "crv": .string(curve.rawValue), "x": text(x), "y": text(y)])
    case .oct: throw IssuanceError.keyNotSupported(kind: "oct")
    }
  }
}
