package import Clocks
internal import SigstoreFormats
package import Trust

/// One signature that was made and checked.
package struct CompletedSignature: Sendable, Hashable {
  package var call: SigningCall
  /// DER for EC, octets for RSA.
  package var signature: [UInt8]
  /// Whether it was checked against the pinned key; false only where no verifier for the kind of key is at hand.
  package var isChecked: Bool
  /// The service's own id of the request: the exact join to its log.
  package var requestID: String?
  /// More than 1 means that the service may have signed more than once.
  package var attempts: Int
  package var milliseconds: Int64
}

/// Where sign calls are made: every call once, however many documents and jobs wait for it, and nothing leaves unchecked.
///
/// Holds each signature until it is thrown away: some 200 bytes a call.
package actor SigningDesk {
  private enum State {
    case asked([CheckedContinuation<CompletedSignature, any Error>])
    case made(CompletedSignature)
  }

  private let verifier: any SignatureVerifier
  private let meter: StepMeter
  private let clock: TimeSource
  private var states: [SigningCall: State] = [:]
  /// Sign calls performed; those that failed count as well.
  package private(set) var performed = 0

  package init(verifier: any SignatureVerifier, meter: StepMeter, clock: TimeSource = .system) {
    self.verifier = verifier
    self.meter = meter
    self.clock = clock
  }

  /// The signature of this call: made now, or the one that was made or asked for before.
  ///
  /// A signature of a kind that the verifier does not support passes, marked as not checked. A failed call is forgotten: whoever waited for it
  /// gets the same error, whoever comes later asks the service again.
  /// - Throws: what the service threw, or `SigningError`.
  package func signature(_ call: SigningCall, by seated: SeatedSigner) async throws -> CompletedSignature {
    switch states[call] {
    case .made(let signature): return signature
    case .asked: return try await withCheckedThrowingContinuation { wait($0, for: call) }
    case nil: break
    }
    states[call] = .asked([])
    do {
      let made = try await perform(call, seated)
      finish(call, .success(made))
      return made
    } catch {
      finish(call, .failure(error))
      throw error
    }
  }

  private func wait(_ continuation: CheckedContinuation<CompletedSignature, any Error>, for call: SigningCall) {
    switch states[call] {
    case .asked(let others): states[call] = .asked(others + [continuation])
    case .made(let signature): continuation.resume(returning: signature)
    case nil: continuation.resume(throwing: CancellationError())
    }
  }

  private func finish(_ call: SigningCall, _ result: Result<CompletedSignature, any Error>) {
    guard case .asked(let waiting) = states[call] else { return }
    states[call] = (try? result.get()).map { .made($0) }
    for continuation in waiting { continuation.resume(with: result) }
  }

  private func perform(_ call: SigningCall, _ seated: SeatedSigner) async throws -> CompletedSignature {
    performed += 1
    let start = clock.now()
    let answer = try await meter.measure(.hsm) {
      try await seated.service.sign(call.digest, scheme: call.scheme, key: seated.signer.key)
    }
    let (signature, isChecked) = try checked(answer, call, seated.signer.key)
    return CompletedSignature(
      call: call, signature: signature, isChecked: isChecked, requestID: answer.requestID, attempts: answer.attempts,
      milliseconds: (clock.now().nanoseconds - start.nanoseconds) / 1_000_000)
  }

  private func checked(
    _ answer: SignedDigest, _ call: SigningCall, _ key: PinnedKey
  ) throws(SigningError) -> (signature: [UInt8], isChecked: Bool) {
    // Services name the key by their own public authority, which may be another host than the one we reached: compare name and version.
    guard answer.kid.hasSuffix("/keys/\(key.name)/\(key.version)") else { throw .wrongKeyVersion(wanted: key.kid, got: answer.kid) }
    var signature = answer.signature
    if case .ec(let curve) = key.publicKey.kind {
      guard let der = ECDSASignatureForm.der(raw: signature, fieldBytes: curve.fieldBytes) else {
        throw .signatureDoesNotVerify(key: key.kid, why: "wrong length \(signature.count)")
      }
      signature = der
    }
    switch verifier.check(signature, over: call.digest, scheme: call.scheme, key: key.publicKey) {
    case .valid: return (signature, true)
    case .invalid: throw .signatureDoesNotVerify(key: key.kid, why: "\(call.scheme.rawValue) check failed")
    case .unsupported: return (signature, false)
    }
  }
}
