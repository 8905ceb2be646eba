import Issuance

enum CertificateTargets {
  /// Law: a chain that is read is written as PEM and as DER that read as the same chain.
  static func chain(_ bytes: UnsafeRawBufferPointer) {
    guard let chain = try? CertificateChain(bytes: Array(bytes)) else { return }
    precondition((1...CertificateChain.maxCertificates).contains(chain.certificates.count))
    precondition((try? CertificateChain(bytes: Array(chain.pem.utf8))) == chain && (try? CertificateChain(der: chain.der)) == chain)
    try? chain.checkProfile()
  }

  /// Law: a subject that is read is written as a text that reads as the same subject.
  static func subject(_ bytes: UnsafeRawBufferPointer) {
    guard let subject = try? SubjectName(parsing: text(bytes)) else { return }
    precondition((try? SubjectName(parsing: subject.text)) == subject)
  }
}
