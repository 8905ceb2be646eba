import Clocks
import Encodings
import Testing
import Trust

@testable import Issuance

/// 2026-06-01.
private let now = Instant(seconds: 1_780_272_000)

@Suite("Certificate chains from elsewhere")
struct ChainTests {
  private func chain(_ names: String...) throws -> CertificateChain { try CertificateChain(der: names.map { try Vectors.der($0) }) }

  private func failure(_ names: [String]) throws -> IssuanceError? {
    let der = try names.map { try Vectors.der($0) }
    do throws(IssuanceError) { _ = try CertificateChain(der: der) } catch { return error }
    return nil
  }

  private func refusal(_ names: String...) throws -> String {
    let chain = try CertificateChain(der: names.map { try Vectors.der($0) })
    do throws(IssuanceError) { try chain.check(at: now) } catch { return error.description }
    return "accepted"
  }

  @Test("A chain of leaf, issuer and root is read and keeps every rule")
  func good() throws {
    let chain = try chain("leaf", "inter", "root")
    try chain.checkSigning(at: now)
    #expect(chain.purpose == .signing && chain.leaf.subject == "C=DE, ST=Berlin, O=Example, CN=signer")
    #expect(chain.root.issuer == "C=DE, ST=Berlin, O=Example, CN=root" && chain.certificates.count == 3)
    #expect(chain.expires == 2_082_758_400)
    try chain.check(key: PublicKey(spki: Base64.decode(Vectors.leafKey)))
  }

  @Test("PEM, DER one after the other, and a list of DER are the same chain")
  func forms() throws {
    let wanted = try chain("leaf", "inter", "root")
    #expect(try CertificateChain(bytes: Array(wanted.pem.utf8)) == wanted)
    #expect(try CertificateChain(bytes: wanted.der.flatMap { $0 }) == wanted)
    #expect(try CertificateChain(bytes: Array(("subject=/C=DE\n" + wanted.pem).utf8)) == wanted)
    #expect(try CertificateChain(bytes: Array(wanted.pem.utf8)).pem == wanted.pem)
  }

  @Test("A self-signed leaf is a chain of one; a self-signed authority may not sign artifacts but is a chain of its own purpose")
  func one() throws {
    try chain("selfSigned").checkSigning(at: now)
    let authority = try chain("selfSignedCA")
    #expect(authority.purpose == .authority)
    try authority.check(at: now)
    #expect { try authority.checkSigning(at: now) } throws: { ($0 as? IssuanceError)?.description.contains("may not sign artifacts") == true }
  }

  @Test("The leaf of another key is named with both fingerprints")
  func otherKey() throws {
    let stranger = try PublicKey(spki: Base64.decode(Vectors.strangerKey))
    #expect { try chain("leaf", "inter", "root").check(key: stranger) } throws: { error in
      guard case .otherKey(let have, let wanted) = error as? IssuanceError else { return false }
      return wanted == stranger.fingerprintHex && have != wanted
    }
  }

  @Test("What is not from leaf to root, complete, is refused with the place")
  func order() throws {
    func isWrongOrder(_ error: IssuanceError?, at wanted: Int) -> Bool {
      guard case .wrongOrder(let position, _, _) = error else { return false }
      return position == wanted
    }
    #expect(isWrongOrder(try failure(["root", "inter", "leaf"]), at: 1))
    #expect(isWrongOrder(try failure(["inter", "leaf", "root"]), at: 1))
    #expect(isWrongOrder(try failure(["leaf", "root"]), at: 1))
    #expect(isWrongOrder(try failure(["leaf", "inter", "selfSigned"]), at: 2))
    #expect(isWrongOrder(try failure(["selfSigned", "root"]), at: 1))
    #expect(try failure(["leaf", "inter"]) == .rootMissing(issuer: "C=DE, ST=Berlin, O=Example, CN=root"))
    #expect(try failure(["leaf"]) == .rootMissing(issuer: "C=DE, ST=Berlin, O=Example, CN=issuing"))
    #expect(try failure(["leaf", "inter", "root", "root"]) == .badCertificate(position: 4, why: "it is there twice"))
    #expect(try failure([]) == .notCertificates(why: "it is empty"))
  }

  @Test("A root that only shares its name with the issuer is refused: the signature is another's")
  func sameName() throws {
    #expect(try failure(["leaf", "inter", "sameNameRoot"]) == .badSignature(position: 2, issuer: "C=DE, ST=Berlin, O=Example, CN=root"))
  }

  @Test("Every byte changed in the leaf's signature is noticed")
  func signature() throws {
    var der = try Vectors.der("leaf")
    der[der.count - 3] ^= 1
    let rest = [try Vectors.der("inter"), try Vectors.der("root")]
    #expect(throws: IssuanceError.badSignature(position: 1, issuer: "C=DE, ST=Berlin, O=Example, CN=issuing")) { try CertificateChain(der: [der] + rest) }
  }

  @Test("A purpose that is not signing is refused with the rule that it breaks")
  func purposes() throws {
    #expect(try refusal("leafServerAuth", "inter", "root").contains("serverAuth"))
    #expect(try refusal("leafNoUsage", "inter", "root").contains("no keyUsage"))
    #expect(try refusal("leafUsageNotCritical", "inter", "root").contains("not critical"))
    #expect(try refusal("leafEncipherment", "inter", "root").contains("keyEncipherment"))
    #expect(try refusal("leaf", "interNoCA", "root").contains("no CA certificate"))
    #expect(try refusal("leaf", "interBelowLimit", "interLimit", "root").contains("path length"))
    #expect(try refusal("leaf", "inter", "root") == "accepted")
  }

  @Test("An authority's chain that exceeds a path length, or has an issuer that is none, is refused")
  func authorities() throws {
    try chain("inter", "root").check(at: now)
    #expect(try refusal("interBelowLimit", "interLimit", "root").contains("path length 0 is exceeded"))
    #expect(try chain("interNoCA", "root").purpose == .signing)
  }

  @Test("Expired and not yet valid certificates are refused with the time")
  func time() throws {
    #expect(try refusal("leafExpired", "inter", "root").contains("expired at 2026-02-01T00:00:00Z"))
    #expect(try refusal("leafFuture", "inter", "root").contains("valid only from 2035-01-01T00:00:00Z"))
    let chain = try chain("leaf", "inter", "root")
    #expect(throws: IssuanceError.self) { try chain.check(at: Instant(seconds: chain.expires + 1)) }
    try chain.check(at: Instant(seconds: chain.expires))
  }

  @Test("PSS certificates and secp256k1 keys are refused as what is not known here")
  func unsupported() throws {
    for name in ["pss", "p256k"] {
      guard case .badCertificate(position: 1, let why) = try failure([name]) else {
        Issue.record("\(name) was taken")
        continue
      }
      #expect(why.contains("RSA PKCS#1 v1.5"))
    }
  }

  @Test("More than 16 certificates are refused before any is read, as list, PEM and DER")
  func tooMany() throws {
    let junk = [UInt8]([0x30, 0x00])
    #expect(throws: IssuanceError.tooManyCertificates(limit: 16)) { try CertificateChain(der: [[UInt8]](repeating: junk, count: 17)) }
    #expect(throws: IssuanceError.tooManyCertificates(limit: 16)) { try CertificateChain(bytes: [UInt8]([[UInt8]](repeating: junk, count: 17).joined())) }
    let pem = String(repeating: PEM.encode(junk, label: "CERTIFICATE"), count: 17)
    #expect(throws: IssuanceError.tooManyCertificates(limit: 16)) { try CertificateChain(bytes: Array(pem.utf8)) }
  }

  @Test("A certificate longer than 64 KiB and a text longer than 2 MiB are refused")
  func tooLong() throws {
    let length = (64 << 10) + 1
    let long: [UInt8] = [0x30, 0x83, UInt8(length >> 16), UInt8(length >> 8 & 255), UInt8(length & 255)] + [UInt8](repeating: 0, count: length)
    #expect(throws: IssuanceError.certificateTooLong(position: 1, bytes: length + 5, limit: 64 << 10)) { try CertificateChain(der: [long]) }
    #expect(throws: IssuanceError.certificateTooLong(position: 1, bytes: length + 5, limit: 64 << 10)) { try CertificateChain(bytes: long) }
    #expect(throws: IssuanceError.self) { try CertificateChain(bytes: [UInt8](repeating: 0x20, count: CertificateChain.maxTextBytes + 1)) }
  }

  @Test("A DER chain cut anywhere is refused, never misread")
  func truncated() throws {
    let bytes = try chain("leaf", "inter", "root").der.flatMap { $0 }
    for count in stride(from: 0, to: bytes.count, by: 7) {
      #expect(throws: IssuanceError.self) { try CertificateChain(bytes: Array(bytes.prefix(count))) }
    }
  }

  @Test("A file with a private key in it is refused by the block's name; so are texts without blocks and broken base64", arguments: [
    "", "hello", "-----BEGIN CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
    "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
  ])
  func notCertificates(_ text: String) throws {
    #expect { try CertificateChain(bytes: Array(text.utf8)) } throws: { error in
      guard case .notCertificates = error as? IssuanceError else { return false }
      return true
    }
  }

  @Test("A certificate followed by other bytes is not a certificate")
  func trailing() throws {
    #expect(throws: IssuanceError.self) { try CertificateChain(der: [try Vectors.der("selfSigned") + [0]]) }
  }

  @Test("The warning says good, soon with the days left, or expired")
  func expiry() throws {
    let chain = try chain("leaf", "inter", "root")
    #expect(CertificateExpiry(of: chain, at: now) == .good && CertificateExpiry(of: chain, at: now).warning == nil)
    let soon = CertificateExpiry(of: chain, at: Instant(seconds: chain.expires - 3 * 86_400 - 60))
    #expect(soon == .soon(days: 3, subject: chain.leaf.subject) && soon.warning?.contains("3 days") == true)
    #expect(CertificateExpiry(of: chain, at: Instant(seconds: chain.expires + 1)).warning?.contains("has expired") == true)
    #expect(CertificateExpiry(of: chain, at: Instant(seconds: chain.expires - 31 * 86_400), warnWithin: 31) == .good)
  }

  @Test("Chains with bytes changed, doubled or cut out are refused or read, and never read as another leaf", arguments: 0..<8)
  func mutations(_ seed: Int) throws {
    let good = try chain("leaf", "inter", "root")
    let bytes = good.der.flatMap { $0 }
    var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
    func next(_ limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % limit
    }
    var refused = 0
    for _ in 0..<400 {
      var changed = bytes
      for _ in 0...next(3) {
        let place = next(changed.count)
        switch next(4) {
        case 0: changed.remove(at: place)
        case 1: changed.insert(changed[place], at: place)
        case 2: changed[place] = [0x00, 0x30, 0x80, 0xFF][next(4)]
        default: changed[place] ^= 1 << UInt8(next(8))
        }
      }
      guard let read = try? CertificateChain(bytes: changed) else {
        refused += 1
        continue
      }
      // Only what no signature covers can have changed.
      #expect(read.leaf.key == good.leaf.key && read.leaf.subject == good.leaf.subject && read.expires == good.expires)
    }
    #expect(refused > 390, "seed \(seed)")
  }
}
