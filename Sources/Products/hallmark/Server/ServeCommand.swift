import ArgumentParser
import Audit
import Clocks
import Custody
import Foundation
import Logging
import ManagedHSMService
import NIOCore
import NIOPosix
import NIOSSL
import ServiceLifecycle
import SoftwareEngine
import Telemetry
import UnixSignals

/// `hallmark serve`: the data plane and the token authority of one HSM, and the admission webhook where one is configured.
struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "serve", abstract: "Serve an HSM that `hallmark init` made, the admission webhook, or both.",
    discussion: "Without --dir only the admission webhook is served, as --config says; a cluster needs no HSM in it.")

  @Option(help: "Folder of the HSM.") var dir: String?
  @Option(help: "Configuration file; default hallmark.yaml in the folder.") var config: String?
  @Option(help: "TCP port, over the configuration.") var port: Int?
  @Option(help: "File to write the process id to once the server answers.") var pidFile: String?

  func run() async throws {
    guard let dir else { return try await webhookOnly() }
    let folder = HSMFolder(root: URL(fileURLWithPath: dir))
    guard folder.exists else { throw HSMCreation.Failure(description: "\(folder.root.path) holds no HSM; make one with: hallmark init --dir \(dir) …") }
    let (description, _) = try HSMDescription.read(folder.description)
    var flags: [String: String] = [:]
    if let port { flags["listen.port"] = String(port) }
    let configuration = try await ServerConfiguration.load(
      file: config.map { URL(fileURLWithPath: $0) } ?? folder.configuration, required: config != nil, flags: flags, description: description)
    Telemetry.bootstrap(format: LogFormat(rawValue: configuration.logFormat) ?? .text, level: Logger.Level(rawValue: configuration.logLevel) ?? .info)
    try await ServerRun.run(folder, configuration: configuration, pidFile: pidFile.map { URL(fileURLWithPath: $0) })
  }

  private func webhookOnly() async throws {
    guard let config else {
      throw ValidationError("name the HSM with --dir, or a configuration with admission.trust with --config")
    }
    let reader = try await ServerConfiguration.reader(file: URL(fileURLWithPath: config), required: true, flags: [:])
    guard let admission = try AdmissionConfiguration.read(reader) else {
      throw ServerConfiguration.Invalid(description: "\(config) sets no admission.trust, and without --dir there is nothing else to serve")
    }
    let (level, format) = try ServerConfiguration.logging(reader)
    Telemetry.bootstrap(format: LogFormat(rawValue: format) ?? .text, level: Logger.Level(rawValue: level) ?? .info)
    let log = Logger(label: "hallmark")
    let run = try AdmissionRun(admission, serverTLS: nil, log: log)
    let process = try ServerRun.writePID(pidFile.map { URL(fileURLWithPath: $0) })
    try await ServiceGroup(services: run.services, gracefulShutdownSignals: [.sigterm, .sigint], logger: log).run()
    await run.close()
    process()
  }
}

/// One life of the server: from opening the folder to the last reply.
enum ServerRun {
  static func run(_ folder: HSMFolder, configuration: ServerConfiguration, pidFile: URL?) async throws {
    let log = Logger(label: "hallmark")
    let hardening = ProcessHardening.apply()
    let hsm = try OpenedHSM(folder, configuration: configuration)
    for line in hardening.shortcomings { log.warning("memory protection: \(line)") }
    if hsm.description.seal == .file {
      log.warning("the partition key is sealed by nothing but the mode of its file: whoever reads \(folder.partitionKey.path) and store.sqlite has every key. For development only")
    }
    let tls = try tlsConfiguration(folder, hsm: hsm, configuration: configuration)
    let admission = try configuration.admission.map { try AdmissionRun($0, serverTLS: tls, log: log) }
    let listener = try await Listener.bind(
      ListenerConfiguration(
        hosts: configuration.addresses, port: configuration.port, bodyLimit: configuration.bodyBytes, idleSeconds: configuration.idleSeconds,
        drainSeconds: configuration.drainSeconds), tls: try dataPlane(tls), responder: hsm.service, group: .singleton)
    hsm.service.observe(listener)
    await record(.serverStart, hsm)
    let forgetProcess = try writePID(pidFile)
    log.notice(
      "serving",
      metadata: ["url": "\(hsm.identity.url)", "authority": "\(hsm.identity.authority)/\(hsm.identity.tenant)", "activated": "\(hsm.activation.isActive)"])
    let group = ServiceGroup(
      services: [ServeUntilStopped(listener: listener, hsm: hsm), DuePurges(hsm: hsm, log: log)] + (admission?.services ?? []),
      gracefulShutdownSignals: [.sigterm, .sigint], logger: log)
    try await group.run()
    await record(.serverStop, hsm)
    await hsm.close()
    await admission?.close()
    forgetProcess()
    log.notice("stopped")
  }

  /// - Returns: what removes the file again; a stale one is told by its dead process.
  static func writePID(_ file: URL?) throws -> () -> Void {
    guard let file else { return {} }
    try PrivateFile.write(Data("\(ProcessInfo.processInfo.processIdentifier)\n".utf8), to: file)
    return { try? FileManager.default.removeItem(at: file) }
  }

  private static func record(_ operation: AuditOperation, _ hsm: OpenedHSM) async {
    let entry = AuditEntry(
      time: TimeSource.system.now(), requestID: nil, principal: nil, operation: operation, store: hsm.description.name, decision: .allow,
      reason: "version \(Version.text)", status: 0, durationMilliseconds: 0)
    // A failing trail shows at the first request, which it refuses.
    _ = try? await hsm.trail.record(entry, reply: ())
  }

  private static func tlsConfiguration(_ folder: HSMFolder, hsm: OpenedHSM, configuration: ServerConfiguration) throws -> TLSConfiguration {
    let chain: [NIOSSLCertificateSource]
    let key: NIOSSLPrivateKeySource
    if let certificateFile = configuration.certificateFile, let keyFile = configuration.keyFile {
      chain = try NIOSSLCertificate.fromPEMFile(certificateFile).map { .certificate($0) }
      key = .privateKey(try NIOSSLPrivateKey(file: keyFile, format: .pem))
    } else {
      (chain, key) = try EmbeddedCA(folder: folder.tls, clock: .system).material(
        dnsNames: ServeNames.all(host: configuration.publicHost), commonName: hsm.description.name)
    }
    var tls = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: key)
    tls.minimumTLSVersion = .tlsv12
    return tls
  }

  private static func dataPlane(_ configuration: TLSConfiguration) throws -> NIOSSLContext {
    var tls = configuration
    tls.applicationProtocols = ["h2", "http/1.1"]
    // How long a closing connection waits for its peer's goodbye; a peer that sends none costs only this.
    tls.shutdownTimeout = .milliseconds(500)
    return try NIOSSLContext(configuration: tls)
  }
}

/// Serves until told to stop, then answers what was accepted.
private struct ServeUntilStopped: Service {
  let listener: Listener
  let hsm: OpenedHSM

  func run() async throws {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await hsm.lanes.run() }
      group.addTask {
        try? await gracefulShutdown()  // cancelled: the same end
        await listener.shutDown()
        hsm.lanes.finishNetwork()
      }
      await group.waitForAll()
    }
  }
}

/// Destroys deleted keys whose days have passed, hourly.
private struct DuePurges: Service {
  let hsm: OpenedHSM
  let log: Logger

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        do {
          for name in try hsm.keyring.purgeDue() {
            let entry = AuditEntry(
              time: TimeSource.system.now(), requestID: nil, principal: nil, operation: .keyPurge, store: hsm.description.name, key: name.text,
              decision: .allow, reason: "the recovery period ended", status: 0, durationMilliseconds: 0)
            _ = try await hsm.trail.record(entry, reply: ())
          }
        } catch { log.error("purging due keys failed: \(error)") }
        guard (try? await Task.sleep(for: .seconds(3600))) != nil else { return }
      }
    }
  }
}
