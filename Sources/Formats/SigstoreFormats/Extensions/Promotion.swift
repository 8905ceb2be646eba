/// Which tested dev attestation a release signature stands on.
///
/// `tested` is the SHA-256 of the *signed bytes* (DSSE pre-authentication encoding) of the dev attestation's envelope: the same whichever way
/// the bundle around it was written. Who demands a promotion looks for that attestation, checks it under the dev channel's rules, and checks that
/// it is about the same artifact.
///
/// Where it stands: in in-toto statements of others' predicate types as the annotation `urn:hallmark:promoted-from:v1` of **every**
/// subject (cosign keeps and compares subject annotations); in a Merkle batch as the predicate member `promotedFrom`. Always the
/// text `sha256:HEX`, lower case. A message signature over a blob has no place for it.
package struct Promotion: Sendable, Hashable {
  /// The name of the subject annotation.
  package static let annotation = "urn:hallmark:promoted-from:v1"
  /// The member of our own predicates.
  package static let name = "promotedFrom"

  /// SHA-256, 32 bytes.
  package let tested: [UInt8]

  /// The text in statements.
  package var text: String { MessageDigest(algorithm: .sha256, bytes: tested).text }

  /// Nil unless `sha256:` and 64 lower-case hexadecimal digits.
  package init?(text: String) {
    guard let digest = MessageDigest(text: text), digest.algorithm == .sha256, digest.text == text else { return nil }
    tested = digest.bytes
  }

  /// Names a dev attestation by its envelope.
  package init(tested envelope: Envelope) {
    tested = envelope.signedDigest
  }
}

extension Envelope {
  /// SHA-256 of the signed bytes: how Hallmark names an attestation.
  package var signedDigest: [UInt8] { digest(.sha256).bytes }
}
