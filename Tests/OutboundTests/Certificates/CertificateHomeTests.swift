import Clocks
import Crypto
import Encodings
import Foundation
import Issuance
import Outbound
import Signing
import Testing
import Trust

/// A key version with its self-signed chain. The private half is in this process: here it stands for the HSM.
private struct KeyWithChain {
  let pinned: PinnedKey
  let chain: CertificateChain

  init(_ name: String, host: String = "hsm.example.org") throws {
    let key = P256.Signing.PrivateKey()
    let publicKey = try PublicKey(spki: Array(key.publicKey.derRepresentation))
    let version = "0123456789abcdef0123456789abcdef"
    pinned = PinnedKey(kid: "https://\(host)/keys/\(name)/\(version)", name: name, version: version, publicKey: publicKey)
    let document = try CertificateTemplate(
      subject: SubjectName(parsing: "C=DE, ST=Berlin, O=Example, CN=\(name)"), key: publicKey, purpose: .signing,
      validity: CertificateValidity(from: Instant(seconds: 1_780_272_000), days: 30)
    ).selfSigned()
    let signature = try key.signature(for: SHA256.hash(data: document.signedBytes)).rawRepresentation
    chain = try CertificateChain(der: [document.sealed(signature: Array(signature))])
  }

  var answer: String { #"{"pem":"\#(chain.pem.replacing("\n", with: "\\n"))"}"# }
}

@Suite("The certificate home")
struct CertificateHomeTests {
  private func withFolder(_ body: (CertificateFolder) async throws -> Void) async throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("chains-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try await body(CertificateFolder(path: path))
  }

  private func home(
    _ transport: ScriptedTransport, url: String = "https://hsm.example.org", file: String? = nil, _ folder: CertificateFolder
  ) throws -> CertificateHome {
    let client = ManagedHSMClient(
      address: try ServiceAddress(url), exchange: RetryingExchange(transport, pause: Waits().pause),
      credential: FixedTokenCredential(text: "token", origin: "the test"), clock: .fixed(Instant(seconds: 0)))
    return CertificateHome(client: client, file: file, folder: folder)
  }

  /// A transport that may not be asked.
  private func silent() -> ScriptedTransport { ScriptedTransport([Result<OutboundReply, TransportError>]()) }

  private let absent = #"{"error":{"code":"CertificatesNotFound","message":"none"}}"#

  @Test("The service is asked first, and the local folder when it has none or does not let us read")
  func order() async throws {
    let key = try KeyWithChain("release")
    try await withFolder { folder in
      let there = ScriptedTransport([.success(.json(200, key.answer))])
      let found = try await home(there, folder).chain(for: key.pinned)
      #expect(found.chain == key.chain && found.place == .service)
      #expect(there.requests.map(\.url) == ["https://hsm.example.org/hallmark/v1/keys/release/\(key.pinned.version)/certificates"])

      _ = try await home(silent(), folder).keep(key.chain, for: key.pinned, at: .local)
      for status in [404, 403] {
        let elsewhere = try await home(ScriptedTransport([.success(.json(status, absent))]), folder).chain(for: key.pinned)
        #expect(elsewhere.place == .local && elsewhere.chain == key.chain)
      }
    }
  }

  @Test("A service that fails is an error, never a reason to take another chain")
  func serviceFails() async throws {
    let key = try KeyWithChain("release")
    try await withFolder { folder in
      _ = try await home(silent(), folder).keep(key.chain, for: key.pinned, at: .local)
      await #expect(throws: CertificateHomeError.self) {
        try await home(ScriptedTransport([.success(.json(500, #"{"error":{"code":"IntegrityFailure","message":"x"}}"#))] + (0..<8).map { _ in .success(.json(500, "{}")) }), folder)
          .chain(for: key.pinned)
      }
      await #expect(throws: CertificateHomeError.self) { try await home(ScriptedTransport([.success(.json(200, "{}"))]), folder).chain(for: key.pinned) }
    }
  }

  @Test("A named file goes before everything; when it cannot be used nothing else is tried")
  func file() async throws {
    let (key, other) = (try KeyWithChain("release"), try KeyWithChain("other"))
    try await withFolder { folder in
      let path = FileManager.default.temporaryDirectory.appendingPathComponent("chain-\(UUID().uuidString).pem").path
      defer { try? FileManager.default.removeItem(atPath: path) }
      try Data(key.chain.pem.utf8).write(to: URL(fileURLWithPath: path))
      let found = try await home(silent(), file: path, folder).chain(for: key.pinned)
      #expect(found.place == .file && found.location == path)
      await #expect(throws: CertificateHomeError.self) { try await home(silent(), file: path, folder).chain(for: other.pinned) }
      await #expect(throws: CertificateHomeError.self) { try await home(silent(), file: path + ".none", folder).chain(for: key.pinned) }
    }
  }

  @Test("Another key's chain is never given out, wherever it lies, nor kept")
  func otherKey() async throws {
    let (key, other) = (try KeyWithChain("release"), try KeyWithChain("other"))
    func isOtherKey(_ error: any Error) -> Bool {
      guard case .chain(_, .otherKey) = error as? CertificateHomeError else { return false }
      return true
    }
    try await withFolder { folder in
      await #expect { try await home(ScriptedTransport([.success(.json(200, other.answer))]), folder).chain(for: key.pinned) } throws: { isOtherKey($0) }
      let transport = silent()
      for place in [CertificateHome.Place.service, .local] {
        await #expect { try await home(transport, folder).keep(other.chain, for: key.pinned, at: place) } throws: { isOtherKey($0) }
      }
      #expect(transport.requests.isEmpty)
      let path = try await home(silent(), folder).keep(key.chain, for: key.pinned, at: .local)
      try Data(other.chain.pem.utf8).write(to: URL(fileURLWithPath: path))
      await #expect { try await home(ScriptedTransport([.success(.json(404, absent))]), folder).chain(for: key.pinned) } throws: { isOtherKey($0) }
    }
  }

  @Test("For Azure's services the chain is local, and nothing is sent")
  func azure() async throws {
    let host = "team.managedhsm.azure.net"
    let key = try KeyWithChain("release", host: host)
    try await withFolder { folder in
      let transport = silent()
      let home = try home(transport, url: "https://\(host)", folder)
      let path = try await home.keep(key.chain, for: key.pinned)
      #expect(path.hasSuffix("/\(host)/release/\(key.pinned.version).pem"))
      #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o644)
      #expect(try await home.chain(for: key.pinned).place == .local && transport.requests.isEmpty)
      await #expect(throws: CertificateHomeError.noServiceStore) { try await home.keep(key.chain, for: key.pinned, at: .service) }
      #expect(try folder.entries().map { "\($0.host)/\($0.name)/\($0.version)" } == ["\(host)/release/\(key.pinned.version)"])
      #expect(try await home.remove(key.pinned, at: .local))
      #expect(try await !home.remove(key.pinned, at: .local))
      await #expect { try await home.chain(for: key.pinned) } throws: { ($0 as? CertificateHomeError)?.description.contains("hallmark certs issue release") == true }
    }
  }

  @Test("The same key name at two services has two places, ports included")
  func hosts() async throws {
    let (one, two) = (try KeyWithChain("release", host: "a.example.org:8443"), try KeyWithChain("release", host: "a.example.org:9443"))
    try await withFolder { folder in
      let home = try home(silent(), folder)
      let paths = [try await home.keep(one.chain, for: one.pinned, at: .local), try await home.keep(two.chain, for: two.pinned, at: .local)]
      #expect(Set(paths).count == 2 && paths[0].contains("a.example.org_8443"))
      #expect(try await home.chain(for: one.pinned, only: .local).chain == one.chain)
      #expect(try await home.chain(for: two.pinned, only: .local).chain == two.chain)
    }
  }

  @Test("A key identifier that would leave the folder has no place in it", arguments: [
    ("https://../keys/k/0123456789abcdef0123456789abcdef", "k"), ("file:///etc/k/0123456789abcdef0123456789abcdef", "k"),
    ("https://h.example/keys/../0123456789abcdef0123456789abcdef", "../../etc"), ("k", "k"),
  ])
  func traversal(_ kid: String, _ name: String) async throws {
    let key = try KeyWithChain("release")
    let bad = PinnedKey(kid: kid, name: name, version: key.pinned.version, publicKey: key.pinned.publicKey)
    try await withFolder { folder in
      await #expect(throws: CertificateHomeError.badKey(kid)) { try await home(silent(), folder).keep(key.chain, for: bad, at: .local) }
      #expect(!FileManager.default.fileExists(atPath: folder.path))
    }
  }

  @Test("A file longer than any chain is refused unread; one that is no chain is listed as unusable")
  func badFiles() async throws {
    let key = try KeyWithChain("release")
    try await withFolder { folder in
      let home = try home(silent(), folder)
      let path = try await home.keep(key.chain, for: key.pinned, at: .local)
      try Data("junk".utf8).write(to: URL(fileURLWithPath: path))
      #expect(try folder.entries().map { entry in (try? entry.chain.get()) == nil } == [true])
      try Data(count: CertificateChain.maxTextBytes + 1).write(to: URL(fileURLWithPath: path))
      await #expect(throws: CertificateHomeError.self) { try await home.chain(for: key.pinned, only: .local) }
    }
  }
}
