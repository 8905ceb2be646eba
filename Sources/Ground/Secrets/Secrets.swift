/// Secrets: bytes that wipe themselves, and the few ways they may be used.
///
/// `SecretBytes` (locked, undumpable, wiped memory), `constantTimeEqual`, `Seal` (AES-256-GCM boxes), `RowMAC` (HMAC over named
/// fields), HKDF subkeys, the SP 800-108 counter KDF, `ShamirGF257` sharing, and `Passphrase` (scrypt) boxes. Primitives are those of
/// swift-crypto; nothing here implements one.
///
/// Must never know: what a secret is for, where it is stored, who may use it, what time it is.
/// Allowed imports: Encodings, Crypto, CryptoExtras, FoundationEssentials (the byte type of swift-crypto's interface).

/// Why a secret could not be made or opened. Never carries secret bytes.
package enum SecretsError: Error, Equatable, Sendable {
  /// The sealed bytes do not begin with a version this code writes, or are too short to be a box.
  case notABox
  /// The box was sealed under another key, for another context, or was changed.
  case authenticationFailed
  /// The key for this operation must have this many bytes.
  case wrongKeySize(expected: Int)
  /// The cost parameters in a passphrase box are outside what this code accepts.
  case unreasonableCost
  /// Sharing needs 2 ≤ threshold ≤ count ≤ 126 and a secret that is not empty.
  case badQuorum(threshold: Int, count: Int)
  /// A share is malformed: odd length, a value above 256, number 0, or differing numbers within one share.
  case malformedShare(index: Int)
  /// The same share was given twice.
  case duplicateShare(number: Int)
  /// There are fewer shares than the threshold.
  case tooFewShares(needed: Int, given: Int)
  /// The shares do not come from one sharing.
  case inconsistentShares
  /// The underlying library refused: its error's text, which names no input.
  case library(String)
}
