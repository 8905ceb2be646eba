internal import NotaryFormats
internal import X509

extension CertificateChain {
  /// The extensions that the purpose demands: the Notary Project profile for a chain that signs artifacts, what issuers need for an
  /// authority's.
  package func checkProfile() throws(IssuanceError) {
    switch purpose {
    case .signing:
      let chain: NotaryCertificateChain
      do { chain = try NotaryCertificateChain(der: der) } catch { throw .profile(subject: leaf.subject, why: error.description) }
      if let violation = NotaryCertificateProfile.violations(of: chain, at: nil).first {
        throw .profile(subject: leaf.subject, why: violation.description)
      }
    case .authority:
      for (index, certificate) in certificates.enumerated() { try Self.checkAuthority(certificate, below: index) }
    }
  }

  /// - Parameter below: how many authorities of the chain stand below this one.
  private static func checkAuthority(_ certificate: ChainCertificate, below: Int) throws(IssuanceError) {
    let extensions = certificate.parsed.extensions
    func refuse(_ why: String) -> IssuanceError { .noAuthority(subject: certificate.subject, why: why) }
    guard case .isCertificateAuthority(let length)? = try? extensions.basicConstraints else { throw refuse("its basicConstraints do not say cA") }
    guard extensions[oid: .X509ExtensionID.basicConstraints]?.critical == true else { throw refuse("its basicConstraints are not critical") }
    if let length, length < below { throw refuse("its path length \(length) is exceeded by this chain") }
    guard let usage = extensions[oid: .X509ExtensionID.keyUsage], let parsed = try? KeyUsage(usage) else { throw refuse("it has no keyUsage") }
    guard usage.critical, parsed.keyCertSign else { throw refuse("its keyUsage is not critical or has no keyCertSign") }
  }
}
