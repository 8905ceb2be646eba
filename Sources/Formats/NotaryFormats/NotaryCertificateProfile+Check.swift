internal import SwiftASN1
internal import X509

extension NotaryCertificateProfile {
  /// Every rule the chain breaks; none when it is acceptable.
  ///
  /// - Parameter time: seconds since the epoch at which every certificate must be valid; nil leaves validity out.
  /// - Complexity: one signature check for each certificate, one more for each that looks self-issued.
  package static func violations(of chain: NotaryCertificateChain, at time: Int64?) -> [Violation] {
    var found: [Violation] = []
    let last = chain.certificates.count - 1
    for (i, certificate) in chain.certificates.enumerated() {
      found += i == 0 ? leaf(certificate) : authority(certificate, position: i + 1)
      found += signatures(chain, i, isLast: i == last)
      guard let time else { continue }
      if time < certificate.notBefore { found.append(.notYetValid(position: i + 1, since: certificate.notBefore)) }
      if time > certificate.notAfter { found.append(.expired(position: i + 1, at: certificate.notAfter)) }
    }
    return found
  }

  private static func signatures(_ chain: NotaryCertificateChain, _ i: Int, isLast: Bool) -> [Violation] {
    let certificate = chain.certificates[i].parsed
    if certificate.signatureAlgorithm == .sha1WithRSAEncryption { return [.weakSignature(position: i + 1)] }
    let isSelfSigned =
      certificate.issuer == certificate.subject && certificate.publicKey.isValidSignature(certificate.signature, for: certificate)
    if isLast { return isSelfSigned ? [] : [.rootNotSelfSigned] }
    if isSelfSigned { return [.selfSignedInside(position: i + 1)] }
    let issuer = chain.certificates[i + 1].parsed
    guard certificate.issuer == issuer.subject, issuer.publicKey.isValidSignature(certificate.signature, for: certificate) else {
      return [.notIssuedByNext(position: i + 1)]
    }
    return []
  }

  private static func leaf(_ leaf: NotaryCertificateChain.Certificate) -> [Violation] {
    var found: [Violation] = []
    let extensions = leaf.parsed.extensions
    if leaf.keySpec == nil { found.append(.keyNotSupported) }
    do {
      if case .isCertificateAuthority? = try extensions.basicConstraints { found.append(.leafIsAuthority) }
    } catch { found.append(.unreadableExtension(position: 1, "basicConstraints")) }
    let usage = keyUsage(extensions, position: 1, &found)
    if let usage {
      if !usage.digitalSignature { found.append(.leafCannotSign) }
      let forbidden: [(Bool, String)] = [
        (usage.keyEncipherment, "keyEncipherment"), (usage.dataEncipherment, "dataEncipherment"), (usage.keyAgreement, "keyAgreement"),
        (usage.keyCertSign, "keyCertSign"), (usage.cRLSign, "cRLSign"), (usage.encipherOnly, "encipherOnly"),
        (usage.decipherOnly, "decipherOnly"),
      ]
      found += forbidden.filter(\.0).map { .leafUsageForbidden($0.1) }
    }
    let forbiddenPurposes: [(ExtendedKeyUsage.Usage, String)] = [
      (.any, "anyExtendedKeyUsage"), (.serverAuth, "serverAuth"), (.clientAuth, "clientAuth"), (.emailProtection, "emailProtection"),
      (.timeStamping, "timeStamping"), (.ocspSigning, "OCSPSigning"),
    ]
    do {
      let purposes = try extensions.extendedKeyUsage.map { Array($0) } ?? []
      found += forbiddenPurposes.filter { purposes.contains($0.0) }.map { .purposeForbidden($0.1) }
    } catch { found.append(.unreadableExtension(position: 1, "extendedKeyUsage")) }
    return found
  }

  /// - Parameter position: 2 is the issuer of the leaf, so at most `position - 2` CA certificates stand below.
  private static func authority(_ certificate: NotaryCertificateChain.Certificate, position: Int) -> [Violation] {
    var found: [Violation] = []
    let extensions = certificate.parsed.extensions
    do {
      switch try extensions.basicConstraints {
      case .isCertificateAuthority(let maxPathLength)?:
        if extensions[oid: .X509ExtensionID.basicConstraints]?.critical != true {
          found.append(.notAnAuthority(position: position, why: "basicConstraints is not critical"))
        }
        if let maxPathLength, maxPathLength < position - 2 { found.append(.pathTooLong(position: position)) }
      case .notCertificateAuthority?: found.append(.notAnAuthority(position: position, why: "basicConstraints says cA false"))
      case nil: found.append(.notAnAuthority(position: position, why: "basicConstraints is missing"))
      }
    } catch { found.append(.unreadableExtension(position: position, "basicConstraints")) }
    if let usage = keyUsage(extensions, position: position, &found), !usage.keyCertSign {
      found.append(.cannotSignCertificates(position: position))
    }
    return found
  }

  private static func keyUsage(
    _ extensions: Certificate.Extensions, position: Int, _ found: inout [Violation]
  ) -> KeyUsage? {
    guard let raw = extensions[oid: .X509ExtensionID.keyUsage] else {
      found.append(.keyUsageMissing(position: position))
      return nil
    }
    if !raw.critical { found.append(.keyUsageNotCritical(position: position)) }
    guard let usage = try? KeyUsage(raw) else {
      found.append(.unreadableExtension(position: position, "keyUsage"))
      return nil
    }
    return usage
  }
}
