import ConsoleService
import Crypto
import Encodings
import Foundation
import KubernetesFormats
import OCI
import SigstoreFormats
import Synchronization
import Trust

/// A registry in memory whose images are signed by keys made here. It can be told to fail.
final class TestRegistry: ImageFactSource {
  struct State {
    var tags: [String: ContentDigest] = [:]
    var facts: [ContentDigest: ImageFacts] = [:]
    var isDown = false
    var hangs = false
    var factCalls = 0
    var resolveCalls = 0
  }

  let state = Mutex(State())
  static let repository = "registry.example/shop/web"

  func resolve(_ reference: ImageReference) async throws(ImageFactsError) -> ContentDigest {
    let (isDown, digest) = state.withLock { state in
      state.resolveCalls += 1
      return (state.isDown, state.tags[reference.tag ?? ""])
    }
    if isDown { throw .unreachable("the registry does not answer") }
    guard let digest else { throw .noSuchImage(reference.description) }
    return digest
  }

  func facts(_ digest: ContentDigest, in home: ImageRepository) async throws(ImageFactsError) -> ImageFacts {
    let (isDown, hangs, facts) = state.withLock { state in
      state.factCalls += 1
      return (state.isDown, state.hangs, state.facts[digest])
    }
    // Ends by cancellation: the webhook's own deadline is what is tested.
    if hangs { try? await Task.sleep(for: .seconds(3600)) }
    if isDown { throw .unreachable("the registry does not answer") }
    guard let facts else { throw .noSuchImage(digest.text) }
    return facts
  }

  /// Puts an image there; each signer leaves a signature in cosign's older form.
  func add(_ content: String, tag: String? = nil, signers: [P256.Signing.PrivateKey] = [], members: [ContentDigest] = []) throws -> ContentDigest {
    let digest = ContentDigest(of: Array(content.utf8))
    guard let named = MessageDigest(text: digest.text) else { throw RegistryTestError() }
    let signatures = try signers.map { key in
      let payload = SimpleSigning(repository: Self.repository, manifestSHA256: named.bytes).serialized()
      return SignatureEvidence(
        source: "test", content: .simpleSigning(.init(payload: payload, signature: Array(try key.signature(for: Data(payload)).derRepresentation))))
    }
    let facts = ImageFacts(
      artifact: .image(repository: Self.repository, mediaType: MediaType.imageManifest, digest: named, size: 100), signatures: signatures, members: members)
    state.withLock { state in
      state.facts[digest] = facts
      if let tag { state.tags[tag] = digest }
    }
    return digest
  }

  struct RegistryTestError: Error {}
}

/// A request to create one pod, in a review as API servers send it.
func podReview(_ images: [String], namespace: String = "shop", dryRun: Bool = false, initial: [String] = []) -> [UInt8] {
  func containers(_ images: [String]) -> JSONValue {
    .array(images.enumerated().map { ["name": .string("c\($0.offset)"), "image": .string($0.element)] })
  }
  let review: JSONValue = [
    "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
    "request": [
      "uid": "705ab4f5", "kind": ["group": "", "version": "v1", "kind": "Pod"], "operation": "CREATE", "namespace": .string(namespace), "name": "web",
      "dryRun": .bool(dryRun), "object": ["spec": ["containers": containers(images), "initContainers": containers(initial)]],
    ],
  ]
  return review.serialized()
}
