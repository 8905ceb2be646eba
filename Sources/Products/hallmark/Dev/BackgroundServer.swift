import Foundation
import Glibc

/// Starts `hallmark serve` in a session of its own, and waits until it wrote its pid file or ended.
enum BackgroundServer {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// POSIX_SPAWN_SETSID of <spawn.h>, which the C module shows only to GNU sources.
  private static let newSession: Int16 = 0x80

  /// Nothing of the parent may live on in the server: a pipe of the caller kept open would make the caller wait for ever.
  private static func keepDescriptorsHere() {
    for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? [] {
      guard let descriptor = Int32(name), descriptor > 2 else { continue }
      _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }
  }

  static func start(_ arguments: [String], log: URL, pidFile: URL) async throws {
    try? FileManager.default.removeItem(at: pidFile)  // absent is as good
    guard let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") else {
      throw Failure(description: "the path of this program could not be found")
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawnattr_setflags(&attributes, Self.newSession)
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, log.path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    keepDescriptorsHere()
    var argv: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
    argv.append(nil)
    defer { for pointer in argv { free(pointer) } }
    var process = pid_t()
    let status = posix_spawn(&process, program, &actions, &attributes, argv, environ)
    guard status == 0 else { throw Failure(description: "the server could not be started: \(String(cString: strerror(status)))") }
    let deadline = ContinuousClock.now + .seconds(30)
    while !FileManager.default.fileExists(atPath: pidFile.path) {
      var ended: Int32 = 0
      if waitpid(process, &ended, WNOHANG) == process {
        let tail = (try? String(contentsOf: log, encoding: .utf8))?.split(separator: "\n").suffix(5).joined(separator: "\n") ?? ""
        throw Failure(description: "the server ended at its start:\n\(tail)")
      }
      guard ContinuousClock.now < deadline else {
        kill(process, SIGTERM)
        throw Failure(description: "the server did not answer within 30 seconds; see \(log.path)")
      }
      try await Task.sleep(for: .milliseconds(5))
    }
  }
}
