import ArgumentParser
import Clocks
import Encodings
import Issuance
import Outbound
import Signing
import SigstoreFormats
import Trust

/// Certificates for keys that stay in the HSM.
struct CertsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "certs", abstract: "Certificates of HSM keys: request, issue, import, list, renew.",
    discussion: """
      An HSM keeps keys, not certificates; Notation and code signing need both. Chains are kept per key version: in the Hallmark service that \
      holds the key, or in a local folder (HALLMARK_CERTIFICATES, else $XDG_DATA_HOME/hallmark/certificates) for any HSM or vault.
      """,
    subcommands: [
      CertsRequestCommand.self, CertsImportCommand.self, CertsIssueCommand.self, CertsListCommand.self, CertsRenewCommand.self,
      CertsShowCommand.self, CertsRemoveCommand.self,
    ])
}

/// Where a chain is kept, as `--home` says it.
enum HomeChoice: String, ExpressibleByArgument, CaseIterable {
  case service
  case local

  var place: CertificateHome.Place { self == .service ? .service : .local }
}

/// What every certs command has.
struct CertsOptions: ParsableArguments {
  @Option(help: "Where chains are kept: service or local; default: the service when it is Hallmark, else the local folder.")
  var home: HomeChoice?

  @OptionGroup var connection: ConnectionOptions
  @OptionGroup var output: OutputOptions

  /// Runs a body with the key pinned.
  func run(_ what: String, key: String, _ body: (CertificateWork, PinnedKey) async throws -> Void) async throws {
    try await Console.run(what) {
      let reference = try KeyReference(parsing: key)
      try await connection.connect(to: reference.store) { connection in
        let work = CertificateWork(options: self, client: connection.client)
        do { try await body(work, try await work.signing.pin(reference)) } catch { throw CertificateFailure.explained(error, what) }
      }
    }
  }
}

/// What the certs commands do with one service.
struct CertificateWork {
  let options: CertsOptions
  let client: ManagedHSMClient
  let home: CertificateHome
  let signing: RemoteSigning
  let now: Instant

  init(options: CertsOptions, client: ManagedHSMClient) {
    self.options = options
    self.client = client
    let settings = options.connection.settings
    home = CertificateHome(settings: settings, client: client)
    let ledger = settings.ledgerPath(nil, address: client.address)
    signing = RemoteSigning(client: client, ledger: ledger.map { SigningLedger(file: $0) })
    now = TimeSource.system.now()
  }

  /// Has the HSM sign a document. One sign operation.
  func seal(_ document: UnsignedDocument, with key: PinnedKey) async throws -> [UInt8] {
    if let operations = key.operations, !operations.contains("sign") {
      throw CommandFailure("cannot use key \(key.name)", why: "its operations do not include sign", next: "hallmark keys set-attributes \(key.name) --ops sign,verify", code: Exit.no)
    }
    var stream = DigestStream([document.scheme.hash])
    stream.update(document.signedBytes)
    guard let digest = stream.finish()[document.scheme.hash] else { throw SigningError.digestMissing(artifact: "the certificate", hash: document.scheme.hash.rawValue) }
    let made = try await signing.sign(digest, scheme: document.scheme, key: key)
    return try document.sealed(signature: made.signature)
  }

  /// A CA by its key, with the chain kept for it.
  func authority(_ text: String) async throws -> (key: PinnedKey, authority: CertificateAuthority) {
    let reference = try KeyReference(parsing: text)
    guard reference.store == nil || reference.store == client.address.url else {
      throw CommandFailure.usage("cannot use CA key \(text)", why: "it is in another service than the key; make a request and have it issued there", next: "hallmark certs request")
    }
    let key = try await signing.pin(reference)
    let found = try await home.chain(for: key)
    return (key, try CertificateAuthority(chain: found.chain, key: key.publicKey, at: now))
  }

  /// Checks and keeps a chain, and says so.
  func keep(_ chain: CertificateChain, for key: PinnedKey, _ did: String) async throws {
    try chain.check(key: key.publicKey)
    try chain.check(at: now)
    let location = try await home.keep(chain, for: key, at: options.home?.place)
    switch options.output.format {
    case .json: Console.print(.object(CertificateOutput.object(chain, key: key.kid, location: location, now: now)))
    case .text: Console.print("\(did)\n" + CertificateOutput.text(chain, key: key.kid, location: location, now: now))
    }
  }
}

/// Errors of certificates as people need them.
enum CertificateFailure {
  static func explained(_ error: any Error, _ what: String) -> any Error {
    switch error {
    case let error as IssuanceError: return explained(error, what, place: nil)
    case let error as CertificateHomeError:
      switch error {
      case .remote(let cause): return cause
      case .none: return CommandFailure(what, why: error.description, code: Exit.no)
      case .chain(let location, let cause): return explained(cause, what, place: location)
      case .unreadable, .notWritten, .noServiceStore, .fileIsReadOnly, .badKey: return CommandFailure.usage(what, why: error.description)
      }
    default: return error
    }
  }

  private static func explained(_ error: IssuanceError, _ what: String, place: String?) -> CommandFailure {
    let why = (place.map { "\($0): " } ?? "") + error.description
    switch error {
    case .badSubject, .badValidity, .notCertificates, .tooManyCertificates, .certificateTooLong, .badCertificate, .keyNotSupported:
      return .usage(what, why: why)
    case .signatureRefused: return CommandFailure(what, why: why, next: "check that --url leads to the right service", code: Exit.remote)
    case .wrongOrder, .badSignature, .rootMissing, .otherKey, .profile, .notYetValid, .expired, .noAuthority, .outlivesIssuer:
      return CommandFailure(what, why: why, code: Exit.no)
    }
  }
}
