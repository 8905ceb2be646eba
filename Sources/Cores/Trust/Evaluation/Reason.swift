package import Encodings

/// Why a signature was judged as it was: a stable code and what to tell people.
package struct Reason: Sendable, Hashable {
  package enum Code: String, Sendable, Hashable, CaseIterable {
    // MARK: yes
    /// The signature is good and the key is trusted.
    case verified
    /// What the rule demands is there.
    case requirementMet
    /// The signature is good but no signature of the artifact as such: an attestation of a type that the rule does not count.
    case notASignature
    /// A dev key endorsed by a trusted key.
    case endorsed

    // MARK: the evidence
    /// Nothing was found to judge.
    case noSignature
    /// Not a document of any known form, or a malformed one.
    case unreadable
    /// A JSON object has a member twice.
    case duplicateMember
    /// It is there, but could not be fetched.
    case unavailable
    /// The evidence is of a kind that is not judged yet: certificate identities, logs, timestamps.
    case kindNotJudged
    /// A signature over the manifest's bytes as a file, which is no image signature.
    case wrongKindForImage
    /// The envelope's payload is no in-toto statement.
    case wrongPayloadType

    // MARK: the artifact
    /// The bundle or signature names a different digest.
    case digestMismatch
    /// The digest this key signs was not computed.
    case digestUnknown
    /// The statement is about other artifacts: an attestation replayed.
    case subjectMismatch
    /// The signature is for an artifact of another media type.
    case mediaTypeMismatch
    /// The signature is for an artifact of another size.
    case sizeMismatch
    /// The signature names another repository.
    case repositoryMismatch
    /// The artifact is not a leaf of the signed batch.
    case notInBatch

    // MARK: the signature
    /// No trusted key made this signature over this artifact.
    case noTrustedKeyMatches
    /// The key that the signature names is trusted, but the signature is not one over this artifact.
    case signatureMismatch
    /// The envelope names a key that did not sign this payload: one of the two was swapped.
    case payloadMismatch
    /// An ECDSA signature in the encoding of another format.
    case wrongEncoding
    /// No verifier for this kind of key is at hand.
    case schemeUnsupported
    /// The trust file pins a fingerprint and nobody supplied the key's bytes.
    case keyBytesMissing

    // MARK: trust
    /// The key verifies the signature, but it was revoked.
    case keyRevoked
    /// A certificate of the chain was revoked.
    case certificateRevoked
    /// The key's window of trust has not begun or has ended.
    case outsideWindow
    /// The key's window has ended and nothing proves that the signature is older.
    case timeUnproven
    /// The time the signature states lies in the future.
    case timeInFuture
    /// The signer set a date after which the signature is void, and it has passed.
    case signatureExpired
    /// A signature of the dev channel where release is demanded.
    case channelForbids
    /// A dev key's endorsement is not good, not by a trusted key, or not valid now.
    case endorsementRefused

    // MARK: certificates
    /// The chain breaks a rule that has to do with what its certificates are for.
    case certificatePurpose
    /// A certificate is not valid at the time that counts.
    case certificateExpired
    /// The chain is not one: order, signatures, keys.
    case badChain
    /// No certificate of the chain is in a named root.
    case untrustedRoot
    /// A root of the other kind knows the chain.
    case wrongRootKind
    /// The certificate's subject is not among those allowed.
    case identityNotAllowed
    /// A critical attribute that nobody here understands.
    case unknownCriticalAttribute
    /// The signer demands a verification plugin.
    case pluginRequired

    // MARK: the rule
    /// No rule covers this artifact.
    case noRule
    /// The good signatures are not those the rule demands.
    case requirementNotMet
    /// An attestation that the rule demands is not there.
    case attestationMissing
    /// The release signature names no good dev attestation of the same bytes.
    case promotionMissing
    /// The rule is not enforced yet: the artifact is let through all the same.
    case notEnforced
  }

  package var code: Code
  package var text: String

  package init(_ code: Code, _ text: String) {
    self.code = code
    self.text = text
  }

  package var json: JSONValue { ["code": .string(code.rawValue), "text": .string(text)] }
}
