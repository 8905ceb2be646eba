internal import Foundation
internal import OCI

/// Asks a Docker credential helper: `docker-credential-X get`, the host on its standard input, an answer in JSON on its standard output.
struct CredentialHelper: Sendable {
  static let deadlineSeconds = 60

  let name: String
  let environment: [String: String]

  /// - Parameter key: what the helper knows the registry by.
  /// - Returns: nil when the helper knows no credentials for it.
  /// - Throws: `.credential` when it cannot be run, answers nonsense, or not in time. Its words are not shown: they may quote secrets.
  func entry(_ key: String, registry: String) async throws(RegistryError) -> DockerConfiguration.Entry? {
    let program = "docker-credential-\(name)"
    guard let path = Self.find(program, environment["PATH"] ?? "/usr/bin:/bin") else {
      throw .credential(registry: registry, why: "the Docker configuration names the helper \(program), which is not in PATH")
    }
    let (output, status) = try await run(path, input: "\(key)\n", program, registry)
    guard status == 0 else {
      // The one refusal every helper words the same way (docker-credential-helpers, errors).
      let said = String(decoding: output.prefix(200), as: UTF8.self)
      if said.contains("credentials not found") { return nil }
      throw .credential(registry: registry, why: "\(program) get exited \(status)")
    }
    do throws(OCIError) {
      let entry = try CredentialHelperAnswer.parse(output)
      return entry.username == "" && entry.password == "" ? nil : entry
    } catch { throw .credential(registry: registry, why: "\(program): \(error.description)") }
  }

  private static func find(_ program: String, _ searchPath: String) -> String? {
    for folder in searchPath.split(separator: ":") where folder.hasPrefix("/") {
      let path = "\(folder)/\(program)"
      if FileManager.default.isExecutableFile(atPath: path) { return path }
    }
    return nil
  }

  private func run(_ path: String, input: String, _ program: String, _ registry: String) async throws(RegistryError) -> ([UInt8], Int32) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = ["get"]
    process.environment = environment
    let output = Pipe()
    let entry = Pipe()
    process.standardOutput = output
    process.standardInput = entry
    process.standardError = FileHandle.nullDevice
    do { try process.run() } catch { throw .credential(registry: registry, why: "\(program) cannot be started") }
    // Shorter than a pipe's buffer: the write does not wait for the helper.
    try? entry.fileHandleForWriting.write(contentsOf: Data(input.utf8))
    try? entry.fileHandleForWriting.close()
    let watch = DispatchWorkItem { if process.isRunning { process.terminate() } }
    DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(Self.deadlineSeconds), execute: watch)
    let bytes = await withCheckedContinuation { continuation in
      DispatchQueue.global().async {
        let data = (try? output.fileHandleForReading.read(upToCount: CredentialHelperAnswer.maxBytes + 1)) ?? Data()
        if data.count > CredentialHelperAnswer.maxBytes { process.terminate() }
        process.waitUntilExit()
        continuation.resume(returning: Array(data))
      }
    }
    watch.cancel()
    guard bytes.count <= CredentialHelperAnswer.maxBytes else { throw .credential(registry: registry, why: "\(program) wrote too much") }
    return (bytes, process.terminationStatus)
  }
}
