import Clocks
import Foundation
import OCI
import Outbound
import Synchronization

/// A registry client over a script, without waits, with a folder of its own for locks.
struct RegistryKit {
  let transport: ScriptedTransport
  let client: RegistryClient
  let waits = Waits()

  static let home = try! ImageRepository(registry: "registry.example.org", path: "team/app")  // a literal of good form

  init(
    _ steps: [ScriptedTransport.Step], plainHTTP: Set<String> = [], credentials: [any RegistryCredentialSource] = [],
    _ change: (inout RegistrySettings) -> Void = { _ in }
  ) {
    transport = ScriptedTransport(steps)
    var settings = RegistrySettings(lockFolder: FileManager.default.temporaryDirectory.appending(path: "locks-\(UUID().uuidString)").path)
    settings.plainHTTPHosts = plainHTTP
    change(&settings)
    client = RegistryClient(
      transport: transport, settings: settings, credentials: credentials, pause: waits.pause, clock: .fixed(Instant(seconds: 1_000)), jitter: { 0.5 })
  }

  static func reply(_ status: Int, _ headers: [(name: String, value: String)] = [], _ body: [UInt8] = []) -> ScriptedTransport.Step {
    { _ in .success(OutboundReply(status: status, headers: headers, body: body)) }
  }

  static func manifest(_ bytes: [UInt8], type: String = MediaType.imageManifest, digest: String? = nil) -> ScriptedTransport.Step {
    reply(200, [("content-type", type), ("docker-content-digest", digest ?? ContentDigest(of: bytes).text), ("etag", "\"e\"")], bytes)
  }

  static let challenge: [(name: String, value: String)] = [
    ("www-authenticate", #"Bearer realm="https://auth.example.org/token",service="s",scope="repository:team/app:pull""#)
  ]

  static func token(_ text: String, seconds: Int? = nil) -> ScriptedTransport.Step {
    reply(200, [], Array(#"{"token":"\#(text)"\#(seconds.map { ",\"expires_in\":\($0)" } ?? "")}"#.utf8))
  }

  static let image = ImageManifest(config: Descriptor.empty, layers: []).serialized()
}

extension OutboundRequest {
  var authorization: String? { header("authorization") }
}
