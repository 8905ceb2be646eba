import Clocks
import Encodings
import Foundation
import Outbound
import Synchronization
import Testing

/// What short processes keep for each other: private files only, for a bounded time.
@Suite("Token files")
struct TokenFileCacheTests {
  /// Gives a new token each time: `token1`, `token2`…
  final class Issuer: Credential {
    let name: String
    let lifetime: Int64?
    let now: Int64
    private let count = Mutex(0)

    init(name: String = "issuer", lifetime: Int64? = 3600, now: Int64 = 1000) {
      self.name = name
      self.lifetime = lifetime
      self.now = now
    }

    func token(_ request: TokenRequest) async throws(CredentialError) -> AccessToken {
      let number = count.withLock { $0 += 1; return $0 }
      return try AccessToken("token\(number)", expires: lifetime.map { now + $0 })
    }
  }

  let folder = FileManager.default.temporaryDirectory.appending(path: "token-files-\(UUID().uuidString)/hallmark").path
  let request = TokenRequest(scope: "https://h.example/.default", tenant: "t")

  private func cache(_ issuer: Issuer, at now: Int64 = 1000, identity: [String] = ["h"]) -> TokenFileCache {
    TokenFileCache(issuer, cache: PrivateCache(folder: folder), identity: identity, clock: .fixed(Instant(seconds: now)))
  }

  private func files() -> [String] { (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] }

  private func mode(_ path: String) throws -> Int {
    try #require(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
  }

  @Test("The next process takes the token of the one before, from a file nobody else can read")
  func kept() async throws {
    let issuer = Issuer()
    #expect(try await cache(issuer).token(request).headerValue == "Bearer token1")
    #expect(try await cache(issuer).token(request).headerValue == "Bearer token1")
    let file = try #require(files().first)
    #expect(files().count == 1)
    #expect(try mode(folder) == 0o700)
    #expect(try mode("\(folder)/\(file)") == 0o600)
  }

  @Test("Asked again within one process, the token was refused: a new one is got and kept")
  func refusedOnce() async throws {
    let issuer = Issuer()
    let process = cache(issuer)
    _ = try await process.token(request)
    #expect(try await process.token(request).headerValue == "Bearer token2")
    #expect(try await cache(issuer).token(request).headerValue == "Bearer token2")
  }

  @Test("A token is used neither shortly before its expiry, nor after ten minutes, nor when the clock went back", arguments: [
    (3600, 1599, true), (3600, 1600, false), (3600, 999, false), (300, 1119, true), (300, 1120, false), (300, 5000, false),
  ] as [(Int64, Int64, Bool)])
  func life(_ lifetime: Int64, _ later: Int64, _ isUsed: Bool) async throws {
    let issuer = Issuer(lifetime: lifetime)
    _ = try await cache(issuer).token(request)
    #expect(try await cache(issuer, at: later).token(request).headerValue == (isUsed ? "Bearer token1" : "Bearer token2"))
  }

  @Test("Tokens without an expiry, or with one that is too close, are not kept", arguments: [nil, 180, 10, -5] as [Int64?])
  func notKept(_ lifetime: Int64?) async throws {
    let issuer = Issuer(lifetime: lifetime)
    _ = try await cache(issuer).token(request)
    #expect(files().isEmpty)
    #expect(try await cache(issuer).token(request).headerValue == "Bearer token2")
  }

  @Test("Whoever asks for something else, somewhere else or as somebody else gets a token of their own")
  func separated() async throws {
    let issuer = Issuer()
    _ = try await cache(issuer).token(request)
    var answers: Set<String> = []
    for (other, identity) in [
      (TokenRequest(scope: "https://g.example/.default", tenant: "t"), ["h"]), (TokenRequest(scope: request.scope, tenant: "u"), ["h"]),
      (TokenRequest(scope: request.scope), ["h"]), (request, ["g"]), (request, ["h", ""]), (request, []),
    ] {
      answers.insert(try await cache(issuer, identity: identity).token(other).headerValue)
    }
    answers.insert(try await cache(Issuer(name: "somebody else")).token(request).headerValue)
    // The last issuer counts from one again.
    #expect(answers == ["Bearer token1", "Bearer token2", "Bearer token3", "Bearer token4", "Bearer token5", "Bearer token6", "Bearer token7"])
    #expect(files().count == 8)
  }

  @Test("A claims challenge is never answered from a file")
  func claims() async throws {
    let issuer = Issuer()
    _ = try await cache(issuer).token(request)
    var challenged = request
    challenged.claims = "{}"
    #expect(try await cache(issuer).token(challenged).headerValue == "Bearer token2")
    #expect(try await cache(issuer).token(challenged).headerValue == "Bearer token3")
  }

  @Test("A file that others could have written or read is not used", arguments: ["mode", "link", "hard link", "folder", "empty", "garbage", "too large"])
  func doubtful(_ spoil: String) async throws {
    let issuer = Issuer()
    _ = try await cache(issuer).token(request)
    let path = "\(folder)/\(try #require(files().first))"
    let files = FileManager.default
    switch spoil {
    case "mode": try files.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
    case "folder": try files.setAttributes([.posixPermissions: 0o750], ofItemAtPath: folder)
    case "link":
      try files.moveItem(atPath: path, toPath: "\(folder)/elsewhere")
      try files.createSymbolicLink(atPath: path, withDestinationPath: "\(folder)/elsewhere")
    case "hard link": try files.linkItem(atPath: path, toPath: "\(folder)/second")
    default:
      let text = spoil == "empty" ? "" : spoil == "garbage" ? "{\"token\":" : String(repeating: " ", count: 70_000)
      let handle = try #require(FileHandle(forWritingAtPath: path))
      try handle.truncate(atOffset: 0)
      try handle.write(contentsOf: Data(text.utf8))
    }
    #expect(try await cache(issuer).token(request).headerValue == "Bearer token2")
  }

  @Test("A folder that cannot be made costs nothing but the cache")
  func noFolder() async throws {
    let cache = TokenFileCache(Issuer(), cache: PrivateCache(folder: "/dev/null/hallmark"), identity: [], clock: .fixed(Instant(seconds: 1000)))
    #expect(try await cache.token(request).headerValue == "Bearer token1")
  }

  @Test("A link in the folder's place is not followed")
  func linkedFolder() async throws {
    let real = FileManager.default.temporaryDirectory.appending(path: "token-target-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: real, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    try FileManager.default.createDirectory(atPath: (folder as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(atPath: folder, withDestinationPath: real)
    _ = try await cache(Issuer()).token(request)
    #expect(try FileManager.default.contentsOfDirectory(atPath: real).isEmpty)
  }
}
