internal import OCI

/// Manifests over the wire: what reading, tag updates and attachments share.
extension RegistryClient {
  /// What a tag stands for, with the entity tag to make the next write conditional.
  struct TagState: Sendable {
    let manifest: ResolvedManifest
    let entityTag: String?
  }

  func address(_ home: ImageRepository, _ path: String) -> RegistryAddress {
    let base = settings.base(of: home.registry)
    return RegistryAddress(isEncrypted: base.isEncrypted, authority: base.authority, path: "/v2/\(home.path)/\(path)")
  }

  /// - Parameter scopes: `pull`, `pull,push` or `delete`.
  func call(_ method: String, _ address: RegistryAddress, home: ImageRepository, scopes: String) -> RegistryCall {
    RegistryCall(registry: home.registry, method: method, address: address, scopes: ["repository:\(home.path):\(scopes)"])
  }

  /// - Returns: nil when there is no such tag.
  func tagState(_ tag: String, in home: ImageRepository) async throws(RegistryError) -> TagState? {
    let reference: ImageReference
    do throws(OCIError) { reference = try ImageReference(home: home, tag: tag) } catch { throw .badDocument(place: home.name, why: error) }
    do throws(RegistryError) { return try await read(reference) } catch {
      if case .notFound = error { return nil }
      throw error
    }
  }

  /// One GET; bytes are checked against the digest asked for and against what the registry says.
  func read(_ reference: ImageReference) async throws(RegistryError) -> TagState {
    let place = reference.description
    var call = call("GET", address(reference.home, "manifests/\(reference.target)"), home: reference.home, scopes: "pull")
    call.headers = [("accept", MediaType.accepted.joined(separator: ", "))]
    call.followsRedirects = true
    call.maxReplyBytes = OCILimits.manifestBytes
    call.expectedBytes = OCILimits.manifestBytes
    let reply = try await exchange.send(call)
    guard reply.status == 200 else { throw RegistryError(reply, place: place) }
    var said: ContentDigest?
    if let header = reply.header("docker-content-digest") {
      do throws(OCIError) { said = try ContentDigest(header) } catch { throw .badDocument(place: place, why: error) }
    }
    let digest = reference.digest ?? ContentDigest(of: reply.body, algorithm: said?.algorithm ?? .sha256)
    let found = ContentDigest(of: reply.body, algorithm: digest.algorithm)
    guard found == digest else { throw .wrongContent(place: place, wanted: digest.text, found: found.text) }
    if let said, said != digest, said.algorithm == digest.algorithm || !said.matches(reply.body) {
      throw .wrongContent(place: place, wanted: "the \(said.text) it announces", found: found.text)
    }
    let type: String
    do throws(OCIError) { type = try ManifestDocument.mediaType(of: reply.body, servedAs: reply.header("content-type")) } catch {
      throw .badDocument(place: place, why: error)
    }
    let descriptor = Descriptor(mediaType: type, digest: digest, size: Int64(reply.body.count))
    return TagState(
      manifest: ResolvedManifest(reference: reference.pinned(to: digest), descriptor: descriptor, bytes: reply.body),
      entityTag: reply.header("etag").flatMap { $0.utf8.count <= 256 ? $0 : nil })
  }

  /// PUT of a manifest under a digest or tag.
  @discardableResult
  func write(
    _ bytes: [UInt8], mediaType: String, reference: String, in home: ImageRepository, condition: (name: String, value: String)? = nil,
    replay: Replay = .harmless
  ) async throws(RegistryError) -> OutboundReply {
    var call = call("PUT", address(home, "manifests/\(reference)"), home: home, scopes: "pull,push")
    call.headers = [("content-type", mediaType)] + (condition.map { [$0] } ?? [])
    call.body = bytes
    call.replay = replay
    let reply = try await exchange.send(call)
    guard reply.status == 201 || reply.status == 200 else { throw RegistryError(reply, place: call.address.place) }
    if let said = reply.header("docker-content-digest"), let digest = try? ContentDigest(said), !digest.matches(bytes) {
      throw .wrongContent(place: call.address.place, wanted: ContentDigest(of: bytes).text, found: digest.text)
    }
    return reply
  }

  /// Deletes what a tag pointed to before. A registry may not allow it: that does no harm.
  func deleteReplaced(_ old: ResolvedManifest) async {
    let address = address(old.home, "manifests/\(old.descriptor.digest.text)")
    _ = try? await exchange.send(call("DELETE", address, home: old.home, scopes: "delete"))
  }
}
