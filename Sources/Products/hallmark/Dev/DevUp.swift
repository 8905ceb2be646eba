import Access
import ArgumentParser
import Clocks
import Encodings
import Foundation
import Logging
import ManagedHSMService
import Telemetry

/// `hallmark dev up`: an activated authority in one command. What it writes is for tests: tokens and custodian keys lie in the folder.
struct DevUp: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "up", abstract: "Start an activated throw-away HSM on loopback and write D/env for scripts to source.",
    discussion: "On a folder that holds one already, the same HSM is started again, with its keys, and D/env gets fresh tokens.")

  @Option(help: "Folder; a new temporary one by default.") var dir: String?
  @Option(help: "TCP port; a free one by default.") var port: Int?
  @Option(help: "Name of the HSM.") var hsmName = "dev-hsm"
  @Option(help: "YAML with keys, roles and assignments to make.") var seed: String?
  @Flag(help: "Enforce Azure's limits on keys, versions and role assignments.") var strictLimits = false
  @Flag(help: "Stay in the foreground, for supervisors.") var foreground = false

  func run() async throws {
    let root = URL(fileURLWithPath: try dir ?? Self.temporaryFolder())
    try PrivateFile.makeFolder(root)
    let layout = DevLayout(root: root)
    if let running = layout.runningProcess() {
      throw HSMCreation.Failure(description: "an HSM of \(root.path) is running already (process \(running)); stop it with: hallmark dev down --dir \(root.path)")
    }
    Telemetry.bootstrap(format: .text, level: .notice)
    let isNew = !layout.folder.exists
    let principals = try isNew ? make(layout) : DevPrincipals.read(layout)
    let (description, _) = try HSMDescription.read(layout.folder.description)
    var flags: [String: String] = [:]
    if let port { flags["listen.port"] = String(port) }
    let configuration = try await ServerConfiguration.load(file: layout.folder.configuration, required: false, flags: flags, description: description)
    _ = try EmbeddedCA(folder: layout.folder.tls, clock: .system).material(
      dnsNames: ServeNames.all(host: configuration.publicHost), commonName: description.name)

    let hsm = try OpenedHSM(layout.folder, configuration: configuration)
    try HSMCreation.writeProfile(
      layout.administrator, description: description, authority: hsm.identity.authority, url: hsm.identity.url, administrator: principals.bootstrap,
      ca: layout.folder.tls.appending(path: "ca.pem"))
    let setup = DevSetup(hsm: hsm, layout: layout, principals: principals)
    if isNew { try await setup.activateAndAssign() }
    if let seed { try await setup.apply(DevSeed(file: URL(fileURLWithPath: seed))) }
    try setup.writeEnvironment()
    await hsm.close()

    if foreground {
      announce(layout, hsm.identity)
      try await ServerRun.run(layout.folder, configuration: configuration, pidFile: layout.pidFile)
    } else {
      var arguments = ["serve", "--dir", layout.folder.root.path, "--pid-file", layout.pidFile.path]
      if let port { arguments += ["--port", String(port)] }
      try await BackgroundServer.start(arguments, log: layout.log, pidFile: layout.pidFile)
      announce(layout, hsm.identity)
    }
  }

  private func make(_ layout: DevLayout) throws -> DevPrincipals {
    let name = hsmName.lowercased()
    guard let tenant = TenantID(Entropy.system.uuid()) else { throw HSMCreation.Failure(description: "no tenant id could be made") }
    let host = "\(name).managedhsm.localhost"
    let administrator = try HSMCreation.make(
      HSMCreation.Plan(
        name: hsmName, host: DevAddress.usable(host), port: port ?? FreePort.find(), tenant: tenant, retentionDays: 7, purgeProtection: false,
        strictLimits: strictLimits, administratorName: "bootstrap"),
      in: layout.folder, administratorFolder: layout.administrator)
    return try DevPrincipals.make(administrator: administrator, layout)
  }

  private func announce(_ layout: DevLayout, _ identity: ServiceIdentity) {
    print(
      """
      HSM \(identity.name) serves \(identity.url)
      Variables for scripts:  . \(layout.environment.path)
      Stop it with:           hallmark dev down --dir \(layout.root.path)
      """)
  }

  private static func temporaryFolder() throws -> String {
    var template = Array("\(FileManager.default.temporaryDirectory.path)/hallmark-dev.XXXXXX".utf8CString)
    guard let path = template.withUnsafeMutableBufferPointer({ $0.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) } }) else {
      throw HSMCreation.Failure(description: "no temporary folder could be made: \(String(cString: strerror(errno)))")
    }
    return path
  }
}

/// `hallmark dev down`: stops what `dev up` started in a folder. The folder stays.
struct DevDown: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "down", abstract: "Stop the HSM that `hallmark dev up` started in a folder.")

  @Option(help: "Folder given to, or made by, `hallmark dev up`.") var dir: String

  func run() async throws {
    let layout = DevLayout(root: URL(fileURLWithPath: dir))
    guard let process = layout.runningProcess() else {
      print("No HSM is running in \(layout.root.path).")
      return
    }
    kill(process, SIGTERM)
    let deadline = ContinuousClock.now + .seconds(30)
    while layout.runningProcess() == process {
      guard ContinuousClock.now < deadline else {
        throw HSMCreation.Failure(description: "process \(process) did not stop within 30 seconds; look into \(layout.log.path)")
      }
      try await Task.sleep(for: .milliseconds(20))
    }
    print("The HSM of \(layout.root.path) is stopped.")
  }
}

/// Where things are in the folder of `hallmark dev`.
struct DevLayout: Sendable {
  let root: URL
  var folder: HSMFolder { HSMFolder(root: root.appending(path: "hsm")) }
  var administrator: URL { root.appending(path: "admin") }
  var custodians: URL { root.appending(path: "custodians") }
  var domainFile: URL { root.appending(path: "security-domain.json") }
  var principals: URL { root.appending(path: "principals.json") }
  var environment: URL { root.appending(path: "env") }
  var pidFile: URL { root.appending(path: "hallmark.pid") }
  var log: URL { root.appending(path: "server.log") }

  /// The process in the pid file, if it is alive and ours.
  func runningProcess() -> pid_t? {
    guard let text = try? String(contentsOf: pidFile, encoding: .utf8), let process = pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)),
      kill(process, 0) == 0
    else { return nil }
    #if os(Linux)
      // A recycled number belongs to another program.
      guard let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/exe"),
        let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"),
        URL(fileURLWithPath: program).lastPathComponent.replacing(" (deleted)", with: "") == URL(fileURLWithPath: own).lastPathComponent
      else { return nil }
    #endif
    return process
  }
}

/// Whether a name of `*.localhost` leads to this machine. Where no resolver does that, plain loopback must do.
enum DevAddress {
  static func usable(_ host: String) -> String {
    var result: UnsafeMutablePointer<addrinfo>?
    defer { if let result { freeaddrinfo(result) } }
    if getaddrinfo(host, nil, nil, &result) == 0 { return host }
    FileHandle.standardError.write(
      Data("warning: \(host) does not resolve here (install libnss-myhostname, or name it in /etc/hosts); using 127.0.0.1, so `az --hsm-name` will not find it\n".utf8))
    return "127.0.0.1"
  }
}
