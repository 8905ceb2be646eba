@testable import ConsoleService
import Clocks
import Crypto
import Encodings
import Hummingbird
import HummingbirdTesting
import KubernetesFormats
import OCI
import Logging
import NIOCore
import Testing
import Trust

@Suite("The admission listener")
struct AdmissionListenerTests {
  private func application(_ registry: TestRegistry, _ key: P256.Signing.PrivateKey) throws -> some ApplicationProtocol {
    let trust = TrustPolicy(key: try PublicKey(spki: Array(key.publicKey.derRepresentation)), name: "release")
    let webhook = AdmissionWebhook(
      settings: AdmissionSettings(), source: registry, verifier: CryptoSignatureVerifier(), policy: { AdmissionPolicy(trust: trust) })
    return Application(router: AdmissionListener(webhook: webhook, log: Logger(label: "test")).router())
  }

  @Test("A denial travels with status 200 and the uid of its request")
  func denial() async throws {
    let registry = TestRegistry()
    let digest = try registry.add("unsigned")
    try await application(registry, P256.Signing.PrivateKey()).test(.router) { client in
      let body = ByteBuffer(bytes: podReview(["\(TestRegistry.repository)@\(digest.text)"]))
      try await client.execute(uri: "/admission/validate", method: .post, body: body) { response in
        #expect(response.status == .ok)
        let review = try JSONValue.parse(Array(buffer: response.body))
        #expect(review["response"]?["allowed"]?.bool == false && review["response"]?["uid"]?.string == "705ab4f5")
      }
    }
  }

  @Test("A dry run is answered alike and counted nowhere")
  func dryRun() async throws {
    let registry = TestRegistry()
    let key = P256.Signing.PrivateKey()
    let digest = try registry.add("good", signers: [key])
    try await application(registry, key).test(.router) { client in
      for isDry in [true, true, false] {
        let body = ByteBuffer(bytes: podReview(["\(TestRegistry.repository)@\(digest.text)"], dryRun: isDry))
        try await client.execute(uri: "/admission/validate", method: .post, body: body) { response in
          let review = try JSONValue.parse(Array(buffer: response.body))
          #expect(review["response"]?["allowed"]?.bool == true)
        }
      }
      try await client.execute(uri: "/metrics", method: .get) { response in
        #expect(String(buffer: response.body).contains("hallmark_admission_answers_total{decision=\"allowed\"} 1\n"))
      }
    }
  }

  @Test("A body that is no review gets 400 and a sentence; unknown paths get 404")
  func badBodies() async throws {
    try await application(TestRegistry(), P256.Signing.PrivateKey()).test(.router) { client in
      for body in ["", "[]", "{\"kind\":\"Pod\"}", "\u{FEFF}{}"] {
        try await client.execute(uri: "/admission/mutate", method: .post, body: ByteBuffer(string: body)) { response in
          #expect(response.status == .badRequest && String(buffer: response.body).hasPrefix("cannot answer"))
        }
      }
      try await client.execute(uri: "/admission/other", method: .post) { #expect($0.status == .notFound) }
      try await client.execute(uri: "/healthz", method: .get) { #expect($0.status == .ok) }
    }
  }

  @Test("A body larger than two objects of an API server is refused")
  func tooLarge() async throws {
    try await application(TestRegistry(), P256.Signing.PrivateKey()).test(.router) { client in
      let body = ByteBuffer(repeating: UInt8(ascii: " "), count: AdmissionRequest.limits.maxBytes + 1)
      try await client.execute(uri: "/admission/validate", method: .post, body: body) { #expect($0.status == .contentTooLarge) }
    }
  }
}
