import Clocks
import Crypto
import CryptoExtras
import Encodings
import NotaryFormats
import SwiftASN1
import Testing
import Trust
import X509

@testable import Issuance

private let now = Instant(seconds: 1_780_272_000)

/// A key as an HSM offers it: a public key, and signatures over digests in fixed-width form.
private enum TestKey: Sendable {
  case p256(P256.Signing.PrivateKey)
  case p384(P384.Signing.PrivateKey)
  case p521(P521.Signing.PrivateKey)
  case rsa(_RSA.Signing.PrivateKey)

  var publicKey: Trust.PublicKey {
    get throws {
      switch self {
      case .p256(let key): try PublicKey(spki: Array(key.publicKey.derRepresentation))
      case .p384(let key): try PublicKey(spki: Array(key.publicKey.derRepresentation))
      case .p521(let key): try PublicKey(spki: Array(key.publicKey.derRepresentation))
      case .rsa(let key): try PublicKey(spki: Array(key.publicKey.derRepresentation))
      }
    }
  }

  func sign(_ document: UnsignedDocument) throws -> [UInt8] {
    switch self {
    case .p256(let key): Array(try key.signature(for: SHA256.hash(data: document.signedBytes)).rawRepresentation)
    case .p384(let key): Array(try key.signature(for: SHA384.hash(data: document.signedBytes)).rawRepresentation)
    case .p521(let key): Array(try key.signature(for: SHA512.hash(data: document.signedBytes)).rawRepresentation)
    case .rsa(let key):
      switch document.scheme {
      case .rs256: Array(try key.signature(for: SHA256.hash(data: document.signedBytes), padding: .insecurePKCS1v1_5).rawRepresentation)
      case .rs384: Array(try key.signature(for: SHA384.hash(data: document.signedBytes), padding: .insecurePKCS1v1_5).rawRepresentation)
      default: Array(try key.signature(for: SHA512.hash(data: document.signedBytes), padding: .insecurePKCS1v1_5).rawRepresentation)
      }
    }
  }

  func seal(_ document: UnsignedDocument) throws -> [UInt8] { try document.sealed(signature: sign(document)) }

  static let rsa2048 = try? TestKey.rsa(_RSA.Signing.PrivateKey(keySize: .bits2048))
  static let rsa3072 = try? TestKey.rsa(_RSA.Signing.PrivateKey(keySize: .bits3072))
  static func made(_ kind: String) throws -> TestKey {
    switch kind {
    case "P-256": .p256(P256.Signing.PrivateKey())
    case "P-384": .p384(P384.Signing.PrivateKey())
    case "P-521": .p521(P521.Signing.PrivateKey())
    case "RSA-3072": try #require(rsa3072)
    default: try #require(rsa2048)
    }
  }
  static let kinds = ["P-256", "P-384", "P-521", "RSA-2048", "RSA-3072"]
}

@Suite("Certificates for keys in an HSM")
struct IssuingTests {
  private func subject(_ name: String = "release signer") throws -> SubjectName { try SubjectName(parsing: "C=DE, ST=Berlin, O=Example, CN=\(name)") }

  private func template(
    _ key: TestKey, _ purpose: CertificateTemplate.Purpose = .signing, name: String = "release signer", days: Int = 365
  ) throws -> CertificateTemplate {
    var authority = false
    if case .authority = purpose { authority = true }
    return CertificateTemplate(
      subject: try subject(name), key: try key.publicKey, purpose: purpose, validity: try CertificateValidity(from: now, days: days, authority: authority))
  }

  private func root(_ key: TestKey, pathLength: Int? = nil, days: Int = 3650) throws -> CertificateAuthority {
    let der = try key.seal(try template(key, .authority(pathLength: pathLength), name: "root", days: days).selfSigned())
    return try CertificateAuthority(chain: CertificateChain(der: [der]), key: key.publicKey, at: now)
  }

  @Test("A self-signed leaf keeps the Notary profile for every kind of key", arguments: TestKey.kinds)
  func selfSigned(_ kind: String) throws {
    let key = try TestKey.made(kind)
    let chain = try CertificateChain(der: [key.seal(template(key).selfSigned())])
    try chain.checkSigning(at: now)
    try chain.check(key: key.publicKey)
    #expect(NotaryCertificateProfile.violations(of: try NotaryCertificateChain(der: chain.der), at: now.seconds).isEmpty)
    #expect(chain.leaf.subject == "C=DE, ST=Berlin, O=Example, CN=release signer")
    #expect(chain.leaf.notAfter - now.seconds == 365 * 86_400 && now.seconds - chain.leaf.notBefore == 300)
  }

  @Test("Root, intermediate and leaf of different kinds of key make a chain", arguments: TestKey.kinds)
  func threeLevels(_ kind: String) throws {
    let (rootKey, issuing, leaf) = (try TestKey.made("P-384"), try TestKey.made(kind), try TestKey.made("P-256"))
    let root = try root(rootKey)
    let middle = try rootKey.seal(template(issuing, .authority(pathLength: 0), name: "issuing", days: 1000).issued(by: root))
    let authority = try CertificateAuthority(chain: CertificateChain(der: [middle] + root.chain.der), key: issuing.publicKey, at: now)
    let chain = try CertificateChain(der: [issuing.seal(template(leaf).issued(by: authority))] + authority.chain.der)
    try chain.checkSigning(at: now)
    #expect(chain.certificates.map(\.isAuthority) == [false, true, true])
    #expect(NotaryCertificateProfile.violations(of: try NotaryCertificateChain(der: chain.der), at: now.seconds).isEmpty)
  }

  @Test("An issuer whose path length is 0 makes no further authority")
  func pathLength() throws {
    let key = try TestKey.made("P-256")
    let authority = try root(key, pathLength: 0)
    #expect(throws: IssuanceError.self) { try template(TestKey.made("P-256"), .authority(pathLength: 0), name: "below", days: 10).issued(by: authority) }
    _ = try template(TestKey.made("P-256"), days: 10).issued(by: authority)
  }

  @Test("A certificate does not outlive its issuer")
  func outlives() throws {
    let authority = try root(try TestKey.made("P-256"), days: 100)
    #expect { try template(TestKey.made("P-256"), days: 101).issued(by: authority) } throws: { error in
      guard case .outlivesIssuer = error as? IssuanceError else { return false }
      return true
    }
    _ = try template(TestKey.made("P-256"), days: 100).issued(by: authority)
  }

  @Test("A leaf, an expired root and another key's root issue nothing")
  func noAuthority() throws {
    let key = try TestKey.made("P-256")
    let leaf = try CertificateChain(der: [key.seal(template(key).selfSigned())])
    #expect(throws: IssuanceError.self) { try CertificateAuthority(chain: leaf, key: key.publicKey, at: now) }
    let root = try root(key, days: 1)
    #expect(throws: IssuanceError.self) { try CertificateAuthority(chain: root.chain, key: key.publicKey, at: now.advanced(bySeconds: 2 * 86_400)) }
    #expect(throws: IssuanceError.self) { try CertificateAuthority(chain: root.chain, key: TestKey.made("P-256").publicKey, at: now) }
  }

  @Test("A signature by another key, over other bytes, in DER or cut short is refused", arguments: TestKey.kinds)
  func signatures(_ kind: String) throws {
    let key = try TestKey.made(kind)
    let document = try template(key).selfSigned()
    let right = try key.sign(document)
    let other = try TestKey.made("P-256")
    var changed = right
    changed[changed.count - 1] ^= 1
    let elsewhere = try key.sign(template(key).selfSigned())
    for bad in [changed, elsewhere, Array(right.dropLast()), [], try other.sign(document)] {
      #expect(throws: IssuanceError.signatureRefused(key: try key.publicKey.fingerprintHex)) { try document.sealed(signature: bad) }
    }
    _ = try document.sealed(signature: right)
  }

  @Test("Renewal keeps subject and purpose, and changes serial and dates; a new version of the key is a new key")
  func renewal() throws {
    let (key, next) = (try TestKey.made("P-256"), try TestKey.made("P-384"))
    let old = try CertificateChain(der: [key.seal(template(key).selfSigned())])
    let later = now.advanced(bySeconds: 100 * 86_400)
    for renewed in [key, next] {
      let template = CertificateTemplate(renewing: old.leaf, key: try renewed.publicKey, validity: try CertificateValidity(from: later, days: 365))
      let chain = try CertificateChain(der: [renewed.seal(template.selfSigned())])
      try chain.checkSigning(at: later)
      try chain.check(key: renewed.publicKey)
      #expect(chain.leaf.subject == old.leaf.subject && chain.leaf.serial != old.leaf.serial && chain.expires > old.expires)
    }
    let authority = try root(key, pathLength: 1)
    let again = CertificateTemplate(renewing: authority.chain.leaf, key: try key.publicKey, validity: try CertificateValidity(from: now, days: 10, authority: true))
    #expect(again.purpose == .authority(pathLength: 1))
  }

  @Test("A request is PKCS#10 that another reader takes, signature included", arguments: TestKey.kinds)
  func request(_ kind: String) throws {
    let key = try TestKey.made(kind)
    let document = try CertificateRequest.unsigned(subject: try subject(), key: key.publicKey)
    let parsed = try CertificateSigningRequest(derEncoded: key.seal(document))
    #expect(parsed.publicKey.isValidSignature(parsed.signature, for: parsed))
    #expect(SubjectName(parsed.subject) == (try subject()))
  }

  @Test("secp256k1 keys have no certificates here")
  func p256K() throws {
    let key = try PublicKey(spki: Base64.decode(Vectors.p256KKey))
    #expect(throws: IssuanceError.keyNotSupported(kind: "EC P-256K")) { try CertificateRequest.unsigned(subject: try subject(), key: key) }
  }

  @Test("Days outside the limits are refused", arguments: [(0, false), (-1, false), (3651, false), (10_951, true), (Int.max, false)])
  func days(_ days: Int, authority: Bool) throws {
    #expect(throws: IssuanceError.self) { try CertificateValidity(from: now, days: days, authority: authority) }
  }

  @Test("Times beyond 2049 are written as GeneralizedTime and read back")
  func farFuture() throws {
    let key = try TestKey.made("P-256")
    let chain = try CertificateChain(der: [key.seal(template(key, .authority(pathLength: nil), name: "root", days: 10_950).selfSigned())])
    #expect(chain.expires == now.seconds + 10_950 * 86_400)
    #expect(chain.leaf.der.contains(0x18))
  }

  @Test("Serials are positive, 16 bytes, and what the entropy gave")
  func serial() throws {
    let key = try TestKey.made("P-256")
    for byte: UInt8 in [0x00, 0xFF] {
      var template = try template(key)
      template = CertificateTemplate(
        subject: template.subject, key: template.key, purpose: .signing, validity: template.validity,
        entropy: Entropy { [UInt8](repeating: byte, count: $0) })
      let chain = try CertificateChain(der: [key.seal(template.selfSigned())])
      #expect(chain.leaf.serial.utf8.count == 32 && (0x40...0x7F).contains(template.serial[0]))
    }
  }
}

@Suite("Subjects")
struct SubjectTests {
  @Test("Order, spaces, case of keys and S for ST do not matter; escapes are taken and given back", arguments: [
    ("C=DE,ST=Berlin,O=Example,CN=signer", "C=DE, ST=Berlin, O=Example, CN=signer"),
    (" cn = signer ; o=Example;  s=Berlin ; c=DE", "CN=signer, O=Example, ST=Berlin, C=DE"),
    ("C=DE, ST=Berlin, O=Example\\, Inc\\; A\\+B, OU=x, OU=y, CN=a\\=b\\\\c", "C=DE, ST=Berlin, O=Example\\, Inc\\; A\\+B, OU=x, OU=y, CN=a\\=b\\\\c"),
    ("C=DE, ST=Île-de-France, O=Größe, L=Köln, CN=signer, E=a@b.example", "C=DE, ST=Île-de-France, O=Größe, L=Köln, CN=signer, E=a@b.example"),
  ])
  func good(_ text: String, _ wanted: String) throws {
    let name = try SubjectName(parsing: text)
    #expect(name.text == wanted)
    #expect(try SubjectName(parsing: name.text) == name)
  }

  @Test("What lacks C, ST, O or CN, or is no name, is refused with the reason", arguments: [
    ("ST=Berlin, O=Example, CN=x", "C is missing"), ("C=DE, O=Example, CN=x", "ST is missing"), ("C=DE, ST=B, CN=x", "O is missing"),
    ("C=DE, ST=B, O=E", "CN is missing"), ("C=DE, ST=B, O=E, CN=", "CN must have"), ("C=de, ST=B, O=E, CN=x", "two capital letters"),
    ("C=DEU, ST=B, O=E, CN=x", "C must have 1 to 2"), ("C=DE, ST=B, O=E, CN=x, CN=y", "CN is there twice"), ("C=DE, ST=B, O=E, XX=1, CN=x", "none of C, ST"),
    ("C=DE, ST=B, O=E+OU=x, CN=x", "joined by +"), ("C=DE, ST=B, O=E, CN=x\\", "ends with"), ("C=DE, ST=B, O=E, CN=\\x", "is no escape"),
    ("", "has no ="), ("signer", "has no ="), ("C=DE, ST=B, O=E, CN=x,", "has no ="), ("C=DE, ST=B, O=E, CN=a\u{0}b", "control characters"),
    ("C=DE, ST=B, O=E, CN=x, E=ä@b", "not allowed"),
  ])
  func bad(_ text: String, _ why: String) {
    #expect { try SubjectName(parsing: text) } throws: { ($0 as? IssuanceError)?.description.contains(why) == true }
  }

  @Test("Too long names and too many attributes are refused")
  func bounds() {
    #expect(throws: IssuanceError.self) { try SubjectName(parsing: "C=DE, ST=B, O=E, CN=" + String(repeating: "x", count: 65)) }
    #expect(throws: IssuanceError.self) { try SubjectName(parsing: String(repeating: "OU=x,", count: 300) + "C=DE") }
    #expect(throws: IssuanceError.self) { try SubjectName(parsing: String(repeating: "OU=x,", count: 17) + "C=DE, ST=B, O=E, CN=x") }
  }
}
