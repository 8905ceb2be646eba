import Clocks
import Crypto
import Foundation
import NIOSSL
import SwiftASN1
import X509

/// The certificate authority that a first start makes for itself, so that TLS is never off and never somebody else's.
///
/// Files of `tls/`: `ca.pem` (give it to clients), `ca.key.pem`, `server.pem`, `server.key.pem`, keys 0600. The server certificate lives
/// 397 days and is made anew at a start that finds less than 30 days left, or other names than wanted.
struct EmbeddedCA {
  let folder: URL
  let clock: TimeSource

  private static let caLifetime: TimeInterval = 10 * 365 * 86_400
  private static let serverLifetime: TimeInterval = 397 * 86_400
  private static let renewBefore: TimeInterval = 30 * 86_400

  var caFile: URL { folder.appending(path: "ca.pem") }
  private var caKeyFile: URL { folder.appending(path: "ca.key.pem") }
  private var serverFile: URL { folder.appending(path: "server.pem") }
  private var serverKeyFile: URL { folder.appending(path: "server.key.pem") }

  private var now: Date { Date(timeIntervalSince1970: Double(clock.now().nanoseconds) / 1e9) }

  /// Makes what is missing or nearly expired, and returns the server's chain and key.
  func material(dnsNames: [String], commonName: String) throws -> (chain: [NIOSSLCertificateSource], key: NIOSSLPrivateKeySource) {
    try PrivateFile.makeFolder(folder)
    let (ca, caKey) = try authority(commonName: commonName)
    if try !isServerUsable(dnsNames: dnsNames, issuer: ca) { try makeServer(dnsNames: dnsNames, ca: ca, caKey: caKey) }
    let chain = try NIOSSLCertificate.fromPEMFile(serverFile.path).map(NIOSSLCertificateSource.certificate)
    let key = try NIOSSLPrivateKey(file: serverKeyFile.path, format: .pem)
    return (chain, .privateKey(key))
  }

  private func authority(commonName: String) throws -> (Certificate, P256.Signing.PrivateKey) {
    if FileManager.default.fileExists(atPath: caFile.path) {
      let certificate = try Certificate(pemEncoded: String(contentsOf: caFile, encoding: .utf8))
      let key = try P256.Signing.PrivateKey(pemRepresentation: String(contentsOf: caKeyFile, encoding: .utf8))
      return (certificate, key)
    }
    let key = P256.Signing.PrivateKey()
    let name = try DistinguishedName { CommonName("\(commonName) embedded CA") }
    let certificate = try Certificate(
      version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: .init(key.publicKey), notValidBefore: now.addingTimeInterval(-300),
      notValidAfter: now.addingTimeInterval(Self.caLifetime), issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
      extensions: try Certificate.Extensions {
        Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
        Critical(KeyUsage(keyCertSign: true, cRLSign: true))
        SubjectKeyIdentifier(hash: .init(key.publicKey))
      }, issuerPrivateKey: .init(key))
    try PrivateFile.write(Data(key.pemRepresentation.utf8), to: caKeyFile)
    try PrivateFile.write(Data(certificate.serializeAsPEM().pemString.utf8 + [0x0A]), to: caFile, mode: 0o644)
    return (certificate, key)
  }

  private func isServerUsable(dnsNames: [String], issuer: Certificate) throws -> Bool {
    guard FileManager.default.fileExists(atPath: serverFile.path), FileManager.default.fileExists(atPath: serverKeyFile.path) else { return false }
    let certificate = try Certificate(pemEncoded: String(contentsOf: serverFile, encoding: .utf8))
    guard certificate.issuer == issuer.subject, certificate.notValidAfter.timeIntervalSince(now) > Self.renewBefore else { return false }
    let names = try certificate.extensions.subjectAlternativeNames?.compactMap { name -> String? in
      if case .dnsName(let text) = name { text } else { nil }
    }
    return Set(names ?? []).isSuperset(of: dnsNames)
  }

  private func makeServer(dnsNames: [String], ca: Certificate, caKey: P256.Signing.PrivateKey) throws {
    let key = P256.Signing.PrivateKey()
    var names: [GeneralName] = dnsNames.map { .dnsName($0) }
    names.append(.ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1])))
    names.append(.ipAddress(ASN1OctetString(contentBytes: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])))
    let certificate = try Certificate(
      version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: .init(key.publicKey), notValidBefore: now.addingTimeInterval(-300),
      notValidAfter: min(now.addingTimeInterval(Self.serverLifetime), ca.notValidAfter), issuer: ca.subject,
      subject: try DistinguishedName { CommonName(dnsNames[0].utf8.count <= 64 ? dnsNames[0] : "hallmark") },
      signatureAlgorithm: .ecdsaWithSHA256,
      extensions: try Certificate.Extensions {
        Critical(BasicConstraints.notCertificateAuthority)
        Critical(KeyUsage(digitalSignature: true))
        try ExtendedKeyUsage([.serverAuth])
        SubjectAlternativeNames(names)
        SubjectKeyIdentifier(hash: .init(key.publicKey))
        AuthorityKeyIdentifier(keyIdentifier: SubjectKeyIdentifier(hash: .init(caKey.publicKey)).keyIdentifier)
      }, issuerPrivateKey: .init(caKey))
    try PrivateFile.write(Data(key.pemRepresentation.utf8), to: serverKeyFile)
    try PrivateFile.write(Data(certificate.serializeAsPEM().pemString.utf8 + [0x0A]), to: serverFile, mode: 0o644)
  }
}
