internal import Encodings

extension NotaryCertificateProfile.Violation {
  var text: String {
    switch self {
    case .keyNotSupported: "the leaf's key is none of RSA-2048, RSA-3072, RSA-4096, EC P-256, P-384, P-521"
    case .leafIsAuthority: "the leaf is a CA certificate (basicConstraints cA is true), which may not sign artifacts"
    case .keyUsageMissing(let n): "certificate \(n) has no keyUsage extension"
    case .keyUsageNotCritical(let n): "keyUsage of certificate \(n) is not critical"
    case .leafCannotSign: "keyUsage of the leaf lacks digitalSignature"
    case .leafUsageForbidden(let usage): "keyUsage of the leaf allows \(usage), which a signing certificate may not"
    case .purposeForbidden(let purpose): "extendedKeyUsage of the leaf names \(purpose), which a signing certificate may not; codeSigning is right"
    case .notAnAuthority(let n, let why): "certificate \(n) is no CA certificate: \(why)"
    case .pathTooLong(let n): "the path length that certificate \(n) allows is exceeded"
    case .cannotSignCertificates(let n): "keyUsage of CA certificate \(n) lacks keyCertSign"
    case .weakSignature(let n): "certificate \(n) is signed with SHA-1"
    case .notIssuedByNext(let n): "certificate \(n) is not issued by the next one in the chain (order: leaf, intermediates, root)"
    case .rootNotSelfSigned: "the last certificate is not self-signed: the root must be included"
    case .selfSignedInside(let n): "certificate \(n) is self-signed but not the last one"
    case .notYetValid(let n, let since): "certificate \(n) is valid from \(ISO8601.format(seconds: since)) only"
    case .expired(let n, let at): "certificate \(n) expired at \(ISO8601.format(seconds: at))"
    case .unreadableExtension(let n, let name): "extension \(name) of certificate \(n) cannot be read"
    }
  }
}
