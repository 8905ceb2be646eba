import Crypto
import CryptoExtras
import NotaryFormats
import Testing
import X509

@Suite("The certificate profile")
struct CertificateProfileTests {
  typealias Violation = NotaryCertificateProfile.Violation
  static let now: Int64 = 1_800_000_000

  static func violations(_ der: [[UInt8]], at time: Int64? = now) throws -> [Violation] {
    NotaryCertificateProfile.violations(of: try NotaryCertificateChain(der: der), at: time)
  }

  static func violations(
    leaf: (inout CertificatePlan) -> Void = { _ in }, root: (inout CertificatePlan) -> Void = { _ in }
  ) throws -> [Violation] {
    var leafPlan = CertificatePlan()
    var rootPlan = CertificatePlan.authority("root")
    leaf(&leafPlan)
    root(&rootPlan)
    return try violations(CertificatePlan.chain([leafPlan, rootPlan]))
  }

  @Test("A leaf under a root, one under two authorities, and a self-signed leaf alone are accepted")
  func accepted() throws {
    #expect(try Self.violations() == [])
    #expect(try Self.violations(CertificatePlan.chain([CertificatePlan(), .authority("issuing", pathLength: 0), .authority("root", pathLength: 1)])) == [])
    #expect(try Self.violations([CertificatePlan().certificate()]) == [])
    #expect(try Self.violations(leaf: { $0.constraints = nil }) == [])
    #expect(try Self.violations(leaf: { $0.purposes = [] }) == [])
    #expect(try Self.violations(leaf: { $0.usage = KeyUsage(digitalSignature: true, nonRepudiation: true) }) == [])
  }

  @Test("A leaf that is an authority, or a self-signed authority alone, may not sign")
  func authorityLeaf() throws {
    #expect(try Self.violations(leaf: { $0.constraints = .isCertificateAuthority(maxPathLength: nil) }) == [.leafIsAuthority])
    let alone = try Self.violations([CertificatePlan.authority("root").certificate()])
    #expect(alone.contains(.leafIsAuthority) && alone.contains(.leafCannotSign) && alone.contains(.leafUsageForbidden("keyCertSign")))
  }

  @Test("Every use but digitalSignature and nonRepudiation is forbidden to a leaf")
  func forbiddenUses() throws {
    let uses: [(KeyUsage, String)] = [
      (KeyUsage(digitalSignature: true, keyEncipherment: true), "keyEncipherment"), (KeyUsage(digitalSignature: true, dataEncipherment: true), "dataEncipherment"),
      (KeyUsage(digitalSignature: true, keyAgreement: true), "keyAgreement"), (KeyUsage(digitalSignature: true, keyCertSign: true), "keyCertSign"),
      (KeyUsage(digitalSignature: true, cRLSign: true), "cRLSign"), (KeyUsage(digitalSignature: true, encipherOnly: true), "encipherOnly"),
      (KeyUsage(digitalSignature: true, decipherOnly: true), "decipherOnly"),
    ]
    for (usage, name) in uses { #expect(try Self.violations(leaf: { $0.usage = usage }) == [.leafUsageForbidden(name)], "\(name)") }
  }

  @Test("keyUsage of a leaf must be there, critical, and allow signing")
  func usage() throws {
    #expect(try Self.violations(leaf: { $0.usage = nil }) == [.keyUsageMissing(position: 1)])
    #expect(try Self.violations(leaf: { $0.usageCritical = false }) == [.keyUsageNotCritical(position: 1)])
    #expect(try Self.violations(leaf: { $0.usage = KeyUsage(nonRepudiation: true) }) == [.leafCannotSign])
  }

  @Test("Purposes of other protocols are forbidden, also beside code signing")
  func purposes() throws {
    let forbidden: [(ExtendedKeyUsage.Usage, String)] = [
      (.any, "anyExtendedKeyUsage"), (.serverAuth, "serverAuth"), (.clientAuth, "clientAuth"), (.emailProtection, "emailProtection"),
      (.timeStamping, "timeStamping"), (.ocspSigning, "OCSPSigning"),
    ]
    for (purpose, name) in forbidden {
      #expect(try Self.violations(leaf: { $0.purposes = [.codeSigning, purpose] }) == [.purposeForbidden(name)], "\(name)")
    }
  }

  @Test("An authority needs critical basicConstraints and critical keyUsage with keyCertSign")
  func authorities() throws {
    #expect(try Self.violations(root: { $0.constraints = nil }) == [.notAnAuthority(position: 2, why: "basicConstraints is missing")])
    #expect(
      try Self.violations(root: { $0.constraints = .notCertificateAuthority }) == [.notAnAuthority(position: 2, why: "basicConstraints says cA false")])
    #expect(try Self.violations(root: { $0.constraintsCritical = false }) == [.notAnAuthority(position: 2, why: "basicConstraints is not critical")])
    #expect(try Self.violations(root: { $0.usage = nil }) == [.keyUsageMissing(position: 2)])
    #expect(try Self.violations(root: { $0.usageCritical = false }) == [.keyUsageNotCritical(position: 2)])
    #expect(try Self.violations(root: { $0.usage = KeyUsage(cRLSign: true) }) == [.cannotSignCertificates(position: 2)])
  }

  @Test("Path lengths are honoured")
  func pathLength() throws {
    let chain = try CertificatePlan.chain([CertificatePlan(), .authority("issuing"), .authority("root", pathLength: 0)])
    #expect(try Self.violations(chain) == [.pathTooLong(position: 3)])
  }

  @Test("The root must be there, at the end, and be the one that issued")
  func order() throws {
    let (leaf, issuing, root) = (CertificatePlan(), CertificatePlan.authority("issuing"), CertificatePlan.authority("root"))
    let chain = try CertificatePlan.chain([leaf, issuing, root])
    #expect(try Self.violations([chain[0]]) == [.rootNotSelfSigned])
    #expect(try Self.violations([chain[0], chain[1]]) == [.rootNotSelfSigned])
    #expect(try Self.violations([chain[0], chain[2]]) == [.notIssuedByNext(position: 1)])
    #expect(try Self.violations([chain[0], chain[2], chain[1]]).contains(.selfSignedInside(position: 2)))
    #expect(try Self.violations(chain + [root.certificate()]).contains(.selfSignedInside(position: 3)))
    #expect(try Self.violations([leaf.certificate(), root.certificate()]) == [.selfSignedInside(position: 1)])
    let impostor = try CertificatePlan.authority("root").certificate()
    #expect(try Self.violations([chain[0], chain[1], impostor]) == [.notIssuedByNext(position: 2)])
  }

  @Test("Every certificate must be valid at the time in question; no time leaves it out")
  func validity() throws {
    let chain = try CertificatePlan.chain([CertificatePlan(notAfter: 1_750_000_000), .authority("root")])
    #expect(try Self.violations(chain) == [.expired(position: 1, at: 1_750_000_000)])
    #expect(try Self.violations(chain, at: 1_750_000_000) == [])
    #expect(try Self.violations(chain, at: nil) == [])
    #expect(try Self.violations(root: { $0.notBefore = 1_850_000_000 }) == [.notYetValid(position: 2, since: 1_850_000_000)])
  }

  @Test("A key that makes no Notary signatures is refused as a leaf")
  func kinds() throws {
    let rsa2560 = try _RSA.Signing.PrivateKey(keySize: .init(bitCount: 2560))
    #expect(try Self.violations(leaf: { $0.publicKey = .init(rsa2560.publicKey) }) == [.keyNotSupported])
    #expect(try Self.violations(leaf: { $0.publicKey = .init(Curve25519.Signing.PrivateKey().publicKey) }) == [.keyNotSupported])
    #expect(try Self.violations(leaf: { $0.publicKey = .init(P521.Signing.PrivateKey().publicKey) }) == [])
  }

  @Test("Chains that are empty, too long or no certificates are not read")
  func unreadable() throws {
    let leaf = try CertificatePlan().certificate()
    for der: [[UInt8]] in [[], [[]], [[0x30, 0]], [Array(leaf.dropLast())], [leaf + [0]], Array(repeating: leaf, count: 17)] {
      #expect(throws: NotaryError.self) { try NotaryCertificateChain(der: der) }
    }
    #expect(throws: NotaryError.self) { try NotaryCertificateChain(der: [[UInt8](repeating: 0x30, count: 70_000)]) }
    for text in ["", "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n"] {
      #expect(throws: NotaryError.self) { try NotaryCertificateChain(pem: text.utf8) }
    }
  }

  @Test("Every violation explains itself, and no two alike")
  func texts() {
    let all: [Violation] = [
      .keyNotSupported, .leafIsAuthority, .keyUsageMissing(position: 1), .keyUsageNotCritical(position: 1), .leafCannotSign, .leafUsageForbidden("x"),
      .purposeForbidden("x"), .notAnAuthority(position: 2, why: "x"), .pathTooLong(position: 2), .cannotSignCertificates(position: 2),
      .weakSignature(position: 1), .notIssuedByNext(position: 1), .rootNotSelfSigned, .selfSignedInside(position: 1), .notYetValid(position: 1, since: 0),
      .expired(position: 1, at: 0), .unreadableExtension(position: 1, "x"),
    ]
    #expect(Set(all.map(\.description)).count == all.count)
  }
}
