internal import Encodings
internal import OCI

extension RegistryClient {
  /// Every repository of a registry (`/v2/_catalog`, which many registries refuse), following `Link` for at most 200 pages; sorted, each once.
  package func catalog(_ registry: String) async throws(RegistryError) -> [String] {
    let home: ImageRepository
    do { home = try ImageRepository(registry: registry, path: "catalog") } catch { throw .badAnswer(place: registry, why: error.description) }
    let limit = 100_000
    guard var address = address(home, "tags/list").resolving("/v2/_catalog?n=1000") else { throw .badAnswer(place: registry, why: "it has no catalog") }
    var names: Set<String> = []
    var seen: Set<String> = []
    for _ in 0..<200 {
      guard seen.insert(address.url).inserted else { throw .badAnswer(place: address.place, why: "its pages lead in a circle") }
      var call = RegistryCall(registry: home.registry, method: "GET", address: address, scopes: ["registry:catalog:*"])
      call.maxReplyBytes = 4 << 20
      let reply = try await exchange.send(call)
      guard reply.status == 200 else { throw RegistryError(reply, place: address.place) }
      guard let page = try? JSONValue.parse(reply.body, limits: JSONLimits(maxBytes: 4 << 20, maxDepth: 4, maxElements: limit)) else {
        throw .badAnswer(place: address.place, why: "it is no JSON")
      }
      for name in page["repositories"]?.array ?? [] {
        guard let name = name.string, (try? ImageRepository(registry: registry, path: name)) != nil else {
          throw .badAnswer(place: address.place, why: "a repository in it is none")
        }
        names.insert(name)
      }
      guard names.count <= limit else { throw .tooLarge(place: address.place, limit: limit) }
      guard let link = reply.header("link"), let start = link.firstIndex(of: "<"), let end = link.firstIndex(of: ">"), start < end else { return names.sorted() }
      guard let next = address.resolving(String(link[link.index(after: start)..<end])), next.isSameOrigin(as: address) else {
        throw .badAnswer(place: address.place, why: "its next page is elsewhere")
      }
      address = next
    }
    throw .badAnswer(place: address.place, why: "more than 200 pages")
  }
}
