internal import Encodings
package import OCI

extension RegistryClient {
  /// Every tag of a repository (distribution-spec, Listing Tags), following `Link` for at most 200 pages; sorted, each once.
  ///
  /// - Throws: `.tooLarge` beyond 100 000 tags.
  package func tags(in home: ImageRepository) async throws(RegistryError) -> [String] {
    let limit = 100_000
    var address = address(home, "tags/list?n=1000")
    var tags: Set<String> = []
    var seen: Set<String> = []
    for _ in 0..<200 {
      guard seen.insert(address.url).inserted else { throw .badAnswer(place: address.place, why: "its pages lead in a circle") }
      var call = call("GET", address, home: home, scopes: "pull")
      call.maxReplyBytes = 4 << 20
      let reply = try await exchange.send(call)
      guard reply.status == 200 else { throw RegistryError(reply, place: address.place) }
      guard let page = try? JSONValue.parse(reply.body, limits: JSONLimits(maxBytes: 4 << 20, maxDepth: 4, maxElements: limit)) else {
        throw .badAnswer(place: address.place, why: "it is no JSON")
      }
      // A repository whose tags are all gone has null here.
      for tag in page["tags"]?.array ?? [] {
        guard let tag = tag.string, ReferenceGrammar.isTag(tag) else { throw .badAnswer(place: address.place, why: "a tag in it is none") }
        tags.insert(tag)
      }
      guard tags.count <= limit else { throw .tooLarge(place: address.place, limit: limit) }
      guard let link = reply.header("link"), let start = link.firstIndex(of: "<"), let end = link.firstIndex(of: ">"), start < end else {
        return tags.sorted()
      }
      guard let next = address.resolving(String(link[link.index(after: start)..<end])), next.isSameOrigin(as: address) else {
        throw .badAnswer(place: address.place, why: "its next page is elsewhere")
      }
      address = next
    }
    throw .badAnswer(place: address.place, why: "more than 200 pages")
  }
}
