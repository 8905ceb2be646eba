import Issuance
import Outbound
import Signing
import Trust

/// Looks keys up at their services and finds their certificate chains: one connection per service for the whole run, and one token.
actor SignerSeats {
  private let settings: ConnectionSettings
  private let key: SigningKeyOptions
  private let needsChain: Bool
  private let meter: StepMeter
  private var connections: [String?: ServiceConnection] = [:]

  /// - Parameter needsChain: whether a Notary format was asked for; nothing is looked for otherwise.
  init(settings: ConnectionSettings, key: SigningKeyOptions, needsChain: Bool, meter: StepMeter) {
    self.settings = settings
    self.key = key
    self.needsChain = needsChain
    self.meter = meter
  }

  /// - Parameters:
  ///   - name: of the signer within the run.
  ///   - settings: for a service of its own, such as the standby's; nil for the run's.
  func seat(_ name: String, _ reference: KeyReference, settings own: ConnectionSettings? = nil) async throws -> SeatedSigner {
    let connection = try connection(own, store: reference.store)
    let path = settings.ledgerPath(key.ledger, address: connection.client.address)
    let service = RemoteSigning(client: connection.client, ledger: path.map { SigningLedger(file: $0) })
    let pinned = try await meter.measure(.key) { try await service.pin(reference) }
    let chain = needsChain ? try await meter.measure(.certificate) { try await self.chain(pinned, connection.client) } : []
    return SeatedSigner(Signer(name: name, key: pinned, scheme: key.algorithm, chain: chain), service: service)
  }

  /// The open connection to a service, made when first asked for.
  func connection(_ own: ConnectionSettings? = nil, store: String?) throws -> ServiceConnection {
    let place = store ?? own?.url
    if let open = connections[place] { return open }
    let meter = meter
    let made = try ServiceConnection(own ?? settings, store: store) { credential, _ in
      // A given token is recognised by its type and used as it is.
      credential is FixedTokenCredential ? credential : MeteredCredential(inner: credential, meter: meter)
    }
    connections[place] = made
    return made
  }

  func close() async {
    for connection in connections.values { await connection.close() }
    connections = [:]
  }

  /// The first chain of those named that is for this key, else the one that is kept for it.
  private func chain(_ pinned: PinnedKey, _ client: ManagedHSMClient) async throws -> [[UInt8]] {
    var refusal: CertificateHomeError?
    for file in key.certificateChain {
      do throws(CertificateHomeError) {
        return try await CertificateHome(settings: settings, client: client, file: file).chain(for: pinned).chain.certificates.map(\.der)
      } catch { refusal = refusal ?? error }
    }
    if let refusal { throw refusal }
    return try await CertificateHome(settings: settings, client: client).chain(for: pinned).chain.certificates.map(\.der)
  }
}

/// Measures how long tokens take.
struct MeteredCredential: Credential {
  let inner: any Credential
  let meter: StepMeter

  var name: String { inner.name }

  func token(_ request: TokenRequest) async throws(CredentialError) -> AccessToken {
    do { return try await meter.measure(.token) { try await inner.token(request) } } catch let error as CredentialError { throw error } catch {
      throw .unreachable("\(error)")
    }
  }
}
