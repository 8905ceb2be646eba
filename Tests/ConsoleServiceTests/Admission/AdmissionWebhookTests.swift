import Clocks
import ConsoleService
import Crypto
import Encodings
import KubernetesFormats
import OCI
import Synchronization
import Testing
import Trust

@Suite("The admission webhook")
struct AdmissionWebhookTests {
  let key = P256.Signing.PrivateKey()
  let stranger = P256.Signing.PrivateKey()
  let registry = TestRegistry()
  let name = TestRegistry.repository

  private func trust() throws -> TrustPolicy { TrustPolicy(key: try PublicKey(spki: Array(key.publicKey.derRepresentation)), name: "release") }

  private func answer(
    _ images: [String], initial: [String] = [], mutates: Bool = false, namespace: String = "shop", indexes: [String: [String]] = [:],
    settings: AdmissionSettings = AdmissionSettings(), policy: TrustPolicy? = nil
  ) async throws -> AdmissionResponse {
    let trust = try policy ?? trust()
    let webhook = AdmissionWebhook(
      settings: settings, source: registry, clock: .fixed(Instant(seconds: 1_800_000_000)), verifier: CryptoSignatureVerifier(),
      policy: { AdmissionPolicy(trust: trust, indexes: indexes) })
    return try await webhook.answer(AdmissionRequest(review: podReview(images, namespace: namespace, initial: initial)), mutates: mutates)
  }

  @Test("An image signed by a trusted key and named by digest is let in")
  func trusted() async throws {
    let digest = try registry.add("good", signers: [key])
    let response = try await answer(["\(name)@\(digest.text)"])
    #expect(response.isAllowed && response.warnings.isEmpty)
  }

  @Test("An image that is not signed, or by a stranger, is refused with the reason", arguments: [false, true])
  func refused(signedByStranger: Bool) async throws {
    let digest = try registry.add("bad", signers: signedByStranger ? [stranger] : [])
    let response = try await answer(["\(name)@\(digest.text)"])
    #expect(!response.isAllowed)
    #expect(response.message?.contains(digest.text) == true)
  }

  @Test("One bad image among good ones refuses the pod, init containers included")
  func oneBad() async throws {
    let good = try registry.add("good", signers: [key])
    let bad = try registry.add("bad")
    #expect(try await !answer(["\(name)@\(good.text)", "\(name)@\(bad.text)"]).isAllowed)
    #expect(try await !answer(["\(name)@\(good.text)"], initial: ["\(name)@\(bad.text)"]).isAllowed)
  }

  @Test("A signed image named by tag only is refused by validation, with the digest to write")
  func tagOnly() async throws {
    let digest = try registry.add("good", tag: "1.0", signers: [key])
    let response = try await answer(["\(name):1.0"])
    #expect(!response.isAllowed && response.message?.contains("\(name):1.0@\(digest.text)") == true)
  }

  @Test("Mutation pins a tag to the digest that was judged")
  func pins() async throws {
    let digest = try registry.add("good", tag: "1.0", signers: [key])
    let response = try await answer(["\(name):1.0"], initial: ["\(name):1.0"], mutates: true)
    #expect(response.isAllowed)
    #expect(response.replacements.map(\.value) == ["\(name):1.0@\(digest.text)", "\(name):1.0@\(digest.text)"])
    #expect(response.replacements.map(\.pointer) == ["/spec/containers/0/image", "/spec/initContainers/0/image"])
  }

  @Test("Mutation refuses what validation would refuse, and changes nothing then")
  func mutationRefuses() async throws {
    _ = try registry.add("bad", tag: "1.0")
    let response = try await answer(["\(name):1.0"], mutates: true)
    #expect(!response.isAllowed && response.replacements.isEmpty)
  }

  @Test("A registry that does not answer is unknown: refused by default, a warning where configuration says so")
  func unknown() async throws {
    let digest = try registry.add("good", signers: [key])
    registry.state.withLock { $0.isDown = true }
    let denied = try await answer(["\(name)@\(digest.text)"])
    #expect(!denied.isAllowed && denied.message?.contains("could not be judged") == true)
    var settings = AdmissionSettings()
    settings.onUnknown = .warn
    let warned = try await answer(["\(name)@\(digest.text)"], settings: settings)
    #expect(warned.isAllowed && warned.warnings.contains { $0.contains("could not be judged") })
  }

  @Test("onUnknown: warn does not let in what is known to be bad, nor what does not exist")
  func warnIsNotAllow() async throws {
    var settings = AdmissionSettings()
    settings.onUnknown = .warn
    let bad = try registry.add("bad", signers: [stranger])
    #expect(try await !answer(["\(name)@\(bad.text)"], settings: settings).isAllowed)
    #expect(try await !answer(["\(name):nowhere"], settings: settings).isAllowed)
  }

  @Test("A registry that hangs is answered for within the time configured")
  func hangs() async throws {
    let digest = try registry.add("good", signers: [key])
    registry.state.withLock { $0.hangs = true }
    var settings = AdmissionSettings()
    settings.timeoutSeconds = 1
    let response = try await answer(["\(name)@\(digest.text)"], settings: settings)
    #expect(!response.isAllowed && response.message?.contains("no verdict within 1 s") == true)
  }

  @Test("Text that is no image reference is refused, not looked up", arguments: ["registry.example/UPPER/case", "a b", "registry.example/x@sha256:12", "https://registry.example/x"])
  func noReference(image: String) async throws {
    #expect(try await !answer([image]).isAllowed)
    #expect(registry.state.withLock { $0.factCalls + $0.resolveCalls } == 0)
  }

  @Test("An exempt namespace is let through without asking the registry, and says so")
  func exempt() async throws {
    var settings = AdmissionSettings()
    settings.exemptNamespaces = ["kube-system"]
    let response = try await answer(["\(name):1.0"], namespace: "kube-system", settings: settings)
    #expect(response.isAllowed && response.auditAnnotations.contains { $0.value == "exempt" })
    #expect(registry.state.withLock { $0.factCalls + $0.resolveCalls } == 0)
  }

  @Test("A platform's manifest is let in when the index that lists it is signed")
  func closure() async throws {
    let manifest = try registry.add("manifest")
    let index = try registry.add("index", signers: [key], members: [manifest])
    let response = try await answer(["\(name)@\(manifest.text)"], indexes: [manifest.text: [index.text]])
    #expect(response.isAllowed)
  }

  @Test("A signed index that does not list the manifest helps it nothing, whatever the inventory says")
  func falseClosure() async throws {
    let manifest = try registry.add("manifest")
    let index = try registry.add("index", signers: [key], members: [])
    #expect(try await !answer(["\(name)@\(manifest.text)"], indexes: [manifest.text: [index.text]]).isAllowed)
  }

  @Test("Facts are kept for a while, verdicts are not: a revocation counts at the next request")
  func cachedFacts() async throws {
    let digest = try registry.add("good", signers: [key])
    let policy = Mutex(try trust())
    let webhook = AdmissionWebhook(
      settings: AdmissionSettings(), source: registry, clock: .fixed(Instant(seconds: 1_800_000_000)), verifier: CryptoSignatureVerifier(),
      policy: { AdmissionPolicy(trust: policy.withLock { $0 }) })
    let request = try AdmissionRequest(review: podReview(["\(name)@\(digest.text)"]))
    #expect(try await webhook.answer(request, mutates: false).isAllowed)
    policy.withLock { policy in
      policy.revocations = [.init(key: "release", at: 0, reason: "compromised", compromised: true)]
    }
    #expect(try await !webhook.answer(request, mutates: false).isAllowed)
    #expect(registry.state.withLock { $0.factCalls } == 1)
  }

  @Test("A policy that cannot be read makes images unknown, not trusted")
  func unreadablePolicy() async throws {
    struct Unreadable: Error {}
    let digest = try registry.add("good", signers: [key])
    let webhook = AdmissionWebhook(settings: AdmissionSettings(), source: registry, verifier: CryptoSignatureVerifier(), policy: { throw Unreadable() })
    let response = try await webhook.answer(AdmissionRequest(review: podReview(["\(name)@\(digest.text)"])), mutates: false)
    #expect(!response.isAllowed && response.message?.contains("trust policy") == true)
  }
}
