/// SecurityDomain: the root key of an HSM, held by a quorum of custodians.
///
/// Activation packs the partition key for N custodians so that any M of them recover it, in the exact file format that
/// `az keyvault security-domain` reads; recovery goes through the same client and a transfer key of the new HSM. Here are the file, the
/// upload, their cryptography, the custodians' keys, and drills (proof that a quorum still recovers, without output).
///
/// The file itself is no secret: it says who the custodians are, and is useless without M of their keys. It has no trusted store; every
/// byte of it is authenticated under keys that only the quorum can derive.
///
/// Must never know: HTTP, files, who may activate (that is Access), how the partition key is kept on a node (that is Custody).
/// Allowed imports: JOSE, Secrets, Encodings, Clocks, Custody (vocabulary), Crypto, CryptoExtras, X509, SwiftASN1.

package import Encodings
package import JOSE
package import Secrets

/// Why a request, a file or a recovery was refused. Never carries key bytes.
package enum SecurityDomainError: Error, Equatable, Sendable {
  /// The text is no strict JSON.
  case badJSON(JSONError)
  /// A member is missing, unknown, or not what it must be; the text is its path, such as `SharedKeys.required`.
  case badMember(String)
  /// There must be 3 to 10 custodians.
  case badCustodianCount(Int)
  /// The quorum must be at least 2 and at most the number of custodians.
  case badQuorum(required: Int, custodians: Int)
  /// The certificate at this position cannot be used: not DER, not RSA, below 2048 bits.
  case badCertificate(index: Int, JOSEError)
  /// Two custodians have the same certificate or the same key.
  case duplicateCustodian(index: Int)
  /// A private key could not be read.
  case badPrivateKey(index: Int, JOSEError)
  /// Fewer of the shares opened under the given keys than the quorum needs.
  case quorumNotReached(opened: Int, required: Int)
  /// The shares opened but do not recover the key the file was made with.
  case sharesInconsistent
  /// This datum does not decrypt under the recovered key: the file was changed.
  case datumRejected(tag: String)
  /// The file has no datum `hsm_backup` written by Hallmark.
  case notAHallmarkDomain
  /// The recovered partition key does not match the identity it is packed with.
  case identityMismatch
  /// The upload is for another transfer key than this HSM's.
  case wrongTransferKey
  /// The wrapped key of the upload does not open.
  case wrappedKeyRejected
  /// Text of the document is longer than this many bytes.
  case tooLong(limit: Int)
  /// The partition key must have 32 bytes.
  case badPartitionKey
  /// A primitive failed.
  case cryptography(SecretsError)
  case jose(JOSEError)
  /// A certificate could not be made.
  case certificateNotMade
}
