package import Trust

/// A key that signs, pinned to one version, and what belongs to it. A job has one or several: each makes its own documents.
package struct Signer: Sendable, Hashable {
  /// `primary`, `standby`, …: distinct within a job; names the signer in results, ledgers and file names.
  package var name: String
  package var key: PinnedKey
  /// The user's choice of algorithm for Sigstore formats; nil: the key decides.
  package var scheme: SignatureScheme?
  /// DER certificates, leaf first, root last, for Notary formats; empty when there is none.
  package var chain: [[UInt8]]

  package init(name: String = "primary", key: PinnedKey, scheme: SignatureScheme? = nil, chain: [[UInt8]] = []) {
    self.name = name
    self.key = key
    self.scheme = scheme
    self.chain = chain
  }
}

/// A signer and the service that holds its key.
package struct SeatedSigner: Sendable {
  package var signer: Signer
  package var service: any SigningService

  package init(_ signer: Signer, service: any SigningService) {
    self.signer = signer
    self.service = service
  }
}

/// Says which signers a job uses, and who steps in when one cannot be reached. Asked again for every job of a batch, so that a switch made
/// during one job holds for the next.
package protocol SignerChooser: Sendable {
  /// The signers of the next job: one, or several for dual signing.
  func signers() async throws -> [SeatedSigner]

  /// The signer that takes the place of one whose sign call failed, or nil: then the failure stands. What was signed under `signer` and not
  /// yet placed is dropped; the whole job is planned again. Called at most once for each signer and job.
  func replacement(for signer: Signer, after failure: any Error) async -> Substitution?
}

/// That one signer stood in for another: recorded in the result of every job it touched.
package struct Substitution: Sendable {
  package var seated: SeatedSigner
  /// The proof and the permission, for people and for the record.
  package var why: String

  package init(_ seated: SeatedSigner, why: String) {
    self.seated = seated
    self.why = why
  }
}

/// Always the same signers and no stand-in.
package struct FixedSigners: SignerChooser {
  private let seated: [SeatedSigner]

  package init(_ seated: [SeatedSigner]) { self.seated = seated }

  package func signers() async throws -> [SeatedSigner] { seated }
  package func replacement(for signer: Signer, after failure: any Error) async -> Substitution? { nil }
}
