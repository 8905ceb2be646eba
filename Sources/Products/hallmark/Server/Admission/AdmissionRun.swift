import Clocks
import ConsoleService
import Encodings
import Estate
import Foundation
import Logging
import NIOSSL
import Outbound
import ServiceLifecycle
import Synchronization
import Trust

/// The admission webhook as a part of `hallmark serve`.
struct AdmissionRun {
  let services: [any Service]
  private let transport: HTTPTransport

  /// - Parameter serverTLS: the certificate of the data plane's listener, used when admission has none of its own.
  init(_ configuration: AdmissionConfiguration, serverTLS: TLSConfiguration?, log: Logger) throws {
    guard let tls = try Self.tls(configuration) ?? serverTLS else {
      throw ServerConfiguration.Invalid(description: "admission.certificateFile and admission.keyFile are missing: API servers call webhooks over TLS only")
    }
    let environment = ProcessInfo.processInfo.environment
    let connection = ConnectionSettings(environment: environment)
    var registries = RegistrySettings(lockFolder: connection.stateFolder + "/locks")
    registries.plainHTTPOnLoopback = configuration.plainHTTPOnLoopback
    registries.plainHTTPHosts = Set(configuration.plainHTTPHosts.map { $0.lowercased() })
    transport = try HTTPTransport(extraAuthorities: configuration.registryCA)
    var retries = RetryPolicy()
    retries.budget = .seconds(configuration.settings.timeoutSeconds)
    retries.longestRetryAfter = .seconds(configuration.settings.timeoutSeconds)
    let client = try RegistryClient(
      transport: transport, settings: registries, environment: environment, dockerConfig: configuration.registryCredentials,
      azure: try connection.azureIdentity(exchange: RetryingExchange(transport)), policy: retries)
    let policy = AdmissionPolicyFiles(configuration)
    _ = try policy.read()  // a policy that cannot be read must stop the start, not the first pod
    let webhook = AdmissionWebhook(
      settings: configuration.settings, source: RegistryFacts(client: client), verifier: Verification.verifier, policy: { try policy.read() })
    let listener = AdmissionListener(webhook: webhook, log: log)
    services = try configuration.addresses.map {
      try listener.service(at: AdmissionAddress(host: $0, port: configuration.port, tls: tls))
    }
    log.notice("admission", metadata: ["url": "https://\(configuration.addresses.first ?? ""):\(configuration.port)/admission/validate"])
  }

  func close() async { await transport.shutdown() }

  private static func tls(_ configuration: AdmissionConfiguration) throws -> TLSConfiguration? {
    guard let certificate = configuration.certificateFile, let key = configuration.keyFile else { return nil }
    var tls = TLSConfiguration.makeServerConfiguration(
      certificateChain: try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) },
      privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem)))
    tls.minimumTLSVersion = .tlsv12
    return tls
  }
}

/// The files admission holds to. A file is read again when it changed; one that became unreadable makes images unknown, not trusted by an old copy.
final class AdmissionPolicyFiles: Sendable {
  private struct Stamp: Equatable {
    var path: String
    var modified: Date?
    var size: UInt64?
    var inode: UInt64?

    init(_ path: String) {
      self.path = path
      let attributes = try? FileManager.default.attributesOfItem(atPath: path)
      modified = attributes?[.modificationDate] as? Date
      size = (attributes?[.size] as? NSNumber)?.uint64Value
      inode = (attributes?[.systemFileNumber] as? NSNumber)?.uint64Value
    }
  }

  private let configuration: AdmissionConfiguration
  private let kept = Mutex<(stamps: [Stamp], policy: AdmissionPolicy)?>(nil)

  init(_ configuration: AdmissionConfiguration) { self.configuration = configuration }

  /// - Throws: `ServerConfiguration.Invalid` with the file and what is wrong in it.
  func read() throws -> AdmissionPolicy {
    do { return try current() } catch let failure as CommandFailure {
      throw ServerConfiguration.Invalid(description: "\(failure.what): \(failure.why)")
    }
  }

  private func current() throws -> AdmissionPolicy {
    let stamps = [configuration.trust, configuration.inventory, configuration.intent].compactMap { $0 }.map(Stamp.init)
    if let kept = kept.withLock({ $0 }), kept.stamps == stamps { return kept.policy }
    var trust = try Verification.trustFile(LocalFile.bytes(configuration.trust, maxBytes: 4 << 20))
    let inventory = try configuration.inventory.map { try EstateDocuments.snapshot($0) }
    if let path = configuration.intent {
      trust.revocations += try EstateDocuments.register(path).trustRevocations(keys: inventory?.keys ?? [])
    }
    var indexes: [String: [String]] = [:]
    for artifact in inventory?.artifacts ?? [] {
      for member in artifact.closure where member != artifact.digest { indexes[member, default: []].append(artifact.digest) }
    }
    let policy = AdmissionPolicy(trust: trust, indexes: indexes)
    kept.withLock { $0 = (stamps, policy) }
    return policy
  }
}
