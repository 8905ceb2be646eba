package import Crypto
package import CryptoExtras
package import Encodings
import FoundationEssentials
import Secrets

/// Something that signs JWS texts with one key and one algorithm. Calls are synchronous and may come from several threads at once.
package protocol JWSSigner: Sendable {
  var algorithm: JWSAlgorithm { get }
  /// The header members beside `alg`: `kid`, `x5c`, `x5t`, `typ` as fit.
  var header: JSONObject { get }
  /// The signature in its JOSE form over exactly these bytes (they are hashed here).
  func signature(over input: [UInt8]) throws(JOSEError) -> [UInt8]
}

/// ES256 with a key of swift-crypto.
package struct P256JWSSigner: JWSSigner {
  private let key: P256.Signing.PrivateKey
  package let header: JSONObject
  package var algorithm: JWSAlgorithm { .es256 }

  /// - Parameter header: defaults to `kid` = the thumbprint of the key.
  package init(_ key: P256.Signing.PrivateKey, header: JSONObject? = nil) {
    self.key = key
    self.header = header ?? ["kid": .string(JWK(key.publicKey).thumbprint ?? "")]
  }

  /// Reads a PEM private key (PKCS#8 or SEC 1).
  package init(pem: String, header: JSONObject? = nil) throws(JOSEError) {
    do { self.init(try P256.Signing.PrivateKey(pemRepresentation: pem), header: header) } catch { throw .badKey("EC") }
  }

  package var publicKey: JWK { JWK(key.publicKey) }

  package func signature(over input: [UInt8]) throws(JOSEError) -> [UInt8] {
    do { return Array(try key.signature(for: input).rawRepresentation) } catch { throw .signingFailed(String(describing: error)) }
  }
}

/// RS256 or PS256 with a key of swift-crypto, for client assertions.
package struct RSAJWSSigner: JWSSigner {
  private let key: _RSA.Signing.PrivateKey
  package let algorithm: JWSAlgorithm
  package let header: JSONObject

  /// - Throws: `.algorithmRefused` unless the algorithm is RS256 or PS256.
  package init(
    _ key: _RSA.Signing.PrivateKey, algorithm: JWSAlgorithm = .rs256, header: JSONObject = [:]
  ) throws(JOSEError) {
    guard algorithm == .rs256 || algorithm == .ps256 else { throw .algorithmRefused(algorithm.rawValue) }
    self.key = key
    self.algorithm = algorithm
    self.header = header
  }

  /// Reads a PEM private key (PKCS#8 or PKCS#1).
  package init(pem: String, algorithm: JWSAlgorithm = .rs256, header: JSONObject = [:]) throws(JOSEError) {
    let key: _RSA.Signing.PrivateKey
    do { key = try _RSA.Signing.PrivateKey(pemRepresentation: pem) } catch { throw .badKey("RSA") }
    try self.init(key, algorithm: algorithm, header: header)
  }

  package func signature(over input: [UInt8]) throws(JOSEError) -> [UInt8] {
    let padding: _RSA.Signing.Padding = algorithm == .ps256 ? .PSS : .insecurePKCS1v1_5
    do { return Array(try key.signature(for: SHA256.hash(data: input), padding: padding).rawRepresentation) } catch {
      throw .signingFailed(String(describing: error))
    }
  }
}

extension JSONObject {
  /// The header members of an assertion made with a certificate: `x5t`, `x5t#S256` and, when asked, the chain as `x5c` (leaf first).
  package static func certificateHeader(chain: [[UInt8]], includeChain: Bool = true) -> JSONObject {
    var header: JSONObject = ["typ": "JWT"]
    if let leaf = chain.first {
      header["x5t"] = .string(CertificateThumbprint.sha1(leaf))
      header["x5t#S256"] = .string(CertificateThumbprint.sha256(leaf))
    }
    if includeChain { header["x5c"] = .array(chain.map { .string(Base64.encode($0)) }) }
    return header
  }
}

extension JWK {
  package init(_ key: P256.Signing.PublicKey) {
    let raw = Array(key.rawRepresentation)
    self.init(.ec(.p256, x: Array(raw[..<32]), y: Array(raw[32...])))
  }

  package init(_ key: _RSA.Signing.PublicKey) throws(JOSEError) {
    do {
      let numbers = try key.getKeyPrimitives()
      self.init(.rsa(n: Array(numbers.modulus.drop { $0 == 0 }), e: Array(numbers.publicExponent.drop { $0 == 0 })))
    } catch { throw .badKey("RSA") }
  }
}
