internal import OCI

/// Lists what refers to a subject (distribution-spec, Listing Referrers): the API with all its pages, else the fallback tag.
struct ReferrersReading: Sendable {
  static let maxPages = 200
  static let maxEntries = 50_000

  let client: RegistryClient
  let home: ImageRepository
  let subject: ContentDigest

  /// Of this artifact type only, when one is given.
  func list(_ artifactType: String?) async throws(RegistryError) -> ReferrersListing {
    if let listing = try await fromAPI(artifactType) { return listing }
    return try await fromTags(artifactType)
  }

  /// Nil when the registry has no such API.
  func fromAPI(_ artifactType: String?) async throws(RegistryError) -> ReferrersListing? {
    let query = artifactType.map { "?\(URLText.form([("artifactType", $0)]))" } ?? ""
    var address = client.address(home, "referrers/\(subject.text)\(query)")
    var listing = ReferrersListing(descriptors: [], skipped: [], source: .referrersAPI)
    var seen: Set<String> = []
    for page in 1...Self.maxPages {
      seen.insert(address.url)
      var call = client.call("GET", address, home: home, scopes: "pull")
      call.headers = [("accept", MediaType.imageIndex)]
      call.maxReplyBytes = OCILimits.manifestBytes
      call.expectedBytes = OCILimits.manifestBytes
      let reply = try await client.exchange.send(call)
      guard let index = try read(reply, at: address, page: page) else { return nil }
      let isFiltered = reply.header("oci-filters-applied")?.lowercased().contains("artifacttype") == true
      Self.add(index, to: &listing, place: address.place, filter: isFiltered ? nil : artifactType)
      guard let link = reply.header("link") else { return listing }
      guard let next = try nextPage(link, address, &listing) else { return listing }
      guard !seen.contains(next.url), listing.descriptors.count <= Self.maxEntries else {
        listing.skipped.append(.init(place: next.place, why: seen.contains(next.url) ? "the pages lead in a circle" : "more than \(Self.maxEntries) entries"))
        return listing
      }
      address = next
    }
    listing.skipped.append(.init(place: address.place, why: "more than \(Self.maxPages) pages"))
    return listing
  }

  /// Nil when this is no answer of a referrers API.
  private func read(_ reply: OutboundReply, at address: RegistryAddress, page: Int) throws(RegistryError) -> ImageIndex? {
    guard reply.status == 200 else {
      // No route, no method, or a page for people instead of an API.
      let isAbsent = [400, 404, 405, 406, 415, 501].contains(reply.status) || (300..<400).contains(reply.status)
      if isAbsent, page == 1 { return nil }
      throw RegistryError(reply, place: address.place)
    }
    guard reply.header("content-type").map(MediaType.essence) == MediaType.imageIndex else {
      if page == 1 { return nil }
      throw .badAnswer(place: address.place, why: "the page is no image index")
    }
    do throws(OCIError) { return try ImageIndex.parseReferrers(reply.body, contentType: MediaType.imageIndex) } catch {
      throw .badDocument(place: address.place, why: error)
    }
  }

  private func nextPage(
    _ link: String, _ address: RegistryAddress, _ listing: inout ReferrersListing
  ) throws(RegistryError) -> RegistryAddress? {
    let target: String?
    do throws(OCIError) { target = try LinkHeader.next(link) } catch { throw .badDocument(place: address.place, why: error) }
    guard let target else { return nil }
    guard let next = address.resolving(target), next.isSameOrigin(as: address) else {
      throw .insecure(place: String(target.prefix(200)), why: "\(address.place) says its list goes on there, which is another host")
    }
    return next
  }

  /// The list of the fallback tag.
  func fromTags(_ artifactType: String?) async throws(RegistryError) -> ReferrersListing {
    let tag = ReferrersTag.fallback(of: subject)
    var listing = ReferrersListing(descriptors: [], skipped: [], source: .none)
    guard let found = try await client.tagged(tag, in: home) else { return listing }
    do throws(OCIError) {
      let index = try ImageIndex.parseReferrers(found.bytes, contentType: found.descriptor.mediaType)
      listing.source = .fallbackTag(tag)
      Self.add(index, to: &listing, place: "\(home.name):\(tag)", filter: artifactType)
    } catch {
      // A foreign tag is no list of ours: nothing refers to the subject as far as it says.
      listing.skipped.append(.init(place: "\(home.name):\(tag)", why: error.description))
    }
    return listing
  }

  private static func add(_ index: ImageIndex, to listing: inout ReferrersListing, place: String, filter: String?) {
    for entry in index.unreadable { listing.skipped.append(.init(place: "\(place) entry \(entry.position)", why: entry.reason.description)) }
    var known = Set(listing.descriptors.map(\.digest))
    for descriptor in index.manifests where filter == nil || descriptor.artifactType == filter {
      if known.insert(descriptor.digest).inserted { listing.descriptors.append(descriptor) }
    }
  }
}
