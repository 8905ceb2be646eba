internal import OCI

/// Sends one blob (distribution-spec, Pushing Blobs): short content in one PUT, long content in PATCH pieces that are resumed where the registry
/// says it stands. The digest at the end decides, whatever happened on the way.
struct BlobUpload: Sendable {
  static let maxFailures = 6
  static let longestChunk = 64 << 20

  let exchange: RegistryExchange
  let home: ImageRepository
  let content: BlobContent
  let wait: TransferWait

  private var scopes: [String] { ["repository:\(home.path):pull,push"] }
  private var settings: RegistrySettings { exchange.settings }
  private var base: RegistryAddress { settings.base(of: home.registry) }

  private func call(_ method: String, _ address: RegistryAddress, replay: Replay = .harmless) -> RegistryCall {
    RegistryCall(registry: home.registry, method: method, address: address, scopes: scopes, replay: replay)
  }

  private func address(_ path: String) -> RegistryAddress {
    RegistryAddress(isEncrypted: base.isEncrypted, authority: base.authority, path: "/v2/\(home.path)/\(path)")
  }

  private var place: String { address("blobs/\(content.digest.text)").place }

  func isThere() async throws(RegistryError) -> Bool {
    var call = call("HEAD", address("blobs/\(content.digest.text)"))
    call.followsRedirects = true
    let reply = try await exchange.send(call)
    switch reply.status {
    case 200: return true
    case 404: return false
    default: throw RegistryError(reply, place: place)
    }
  }

  /// Returns when the registry has the blob.
  func run() async throws(RegistryError) {
    if try await isThere() { return }
    var failures = 0
    while true {
      do throws(RegistryError) {
        let session = try await start()
        if content.size <= Int64(settings.singleUploadBytes) {
          try await finish(session.address, body: content.read(0..<content.size))
        } else {
          try await finish(try await pieces(session), body: [])
        }
        return
      } catch {
        failures += 1
        guard failures < Self.maxFailures, Self.mayStartAgain(error) else { throw error }
        try await wait.before(attempt: failures)
        // The answer to a performed request may be what was lost.
        if try await isThere() { return }
      }
    }
  }

  private static func mayStartAgain(_ error: RegistryError) -> Bool {
    switch error {
    case .unreachable, .notFound: true
    case .refused(_, let status, let codes, _): status >= 500 || status == 408 || codes.contains("DIGEST_INVALID") || codes.contains("BLOB_UPLOAD_UNKNOWN")
    default: false
    }
  }

  private struct Session {
    var address: RegistryAddress
    var chunkBytes: Int64
  }

  private func start() async throws(RegistryError) -> Session {
    let reply = try await exchange.send(call("POST", address("blobs/uploads/")))
    guard reply.status == 202 else { throw RegistryError(reply, place: address("blobs/uploads/").place) }
    let least = reply.header("oci-chunk-min-length").flatMap { Int($0) } ?? 0
    return Session(
      address: try next(reply, address("blobs/uploads/")), chunkBytes: Int64(min(max(settings.chunkBytes, least, 1), max(Self.longestChunk, settings.chunkBytes))))
  }

  private func next(_ reply: OutboundReply, _ current: RegistryAddress) throws(RegistryError) -> RegistryAddress {
    guard let text = reply.header("location"), let target = current.resolving(text) else {
      throw .badAnswer(place: current.place, why: "no usable Location of the upload")
    }
    try settings.check(target, from: current)
    return target
  }

  private func finish(_ location: RegistryAddress, body: [UInt8]) async throws(RegistryError) {
    let target = location.adding(query: URLText.form([("digest", content.digest.text)]))
    var call = call("PUT", target, replay: .onlyIfNotPerformed)
    call.headers = [("content-type", "application/octet-stream")]
    call.body = body
    let reply = try await exchange.send(call)
    guard reply.status == 201 else { throw RegistryError(reply, place: target.place) }
    if let said = reply.header("docker-content-digest"), said != content.digest.text {
      throw .wrongContent(place: place, wanted: content.digest.text, found: String(said.prefix(150)))
    }
  }

  /// Sends all pieces and returns where the upload is closed.
  private func pieces(_ session: Session) async throws(RegistryError) -> RegistryAddress {
    var location = session.address
    var offset: Int64 = 0
    var failures = 0
    while offset < content.size {
      let end = min(offset + session.chunkBytes, content.size)
      var call = call("PATCH", location, replay: .onlyIfNotPerformed)
      call.headers = [("content-type", "application/octet-stream"), ("content-range", "\(offset)-\(end - 1)")]
      call.body = try content.read(offset..<end)
      do throws(RegistryError) {
        let reply = try await exchange.send(call)
        guard reply.status == 202 else { throw RegistryError(reply, place: location.place) }
        location = try next(reply, location)
        let taken = Self.taken(reply) ?? end
        guard taken > offset, taken <= end else { throw .badAnswer(place: location.place, why: "it took \(taken - offset) of \(end - offset) bytes") }
        offset = taken
        failures = 0
      } catch {
        failures += 1
        guard failures < Self.maxFailures, Self.mayResume(error) else { throw error }
        try await wait.before(attempt: failures)
        (location, offset) = try await status(location)
      }
    }
    return location
  }

  private static func mayResume(_ error: RegistryError) -> Bool {
    switch error {
    case .unreachable: true
    case .refused(_, let status, _, _): status >= 500 || status == 408 || status == 416
    default: false
    }
  }

  /// Asks how far the registry got.
  private func status(_ location: RegistryAddress) async throws(RegistryError) -> (RegistryAddress, Int64) {
    let reply = try await exchange.send(call("GET", location))
    guard reply.status == 204 else { throw RegistryError(reply, place: location.place) }
    let offset = Self.taken(reply) ?? 0
    guard offset <= content.size else { throw .badAnswer(place: location.place, why: "it says it has more than there is") }
    return (reply.header("location") == nil ? location : try next(reply, location), offset)
  }

  /// The count of bytes in `Range: 0-N`. Registries write `0-0` for none as well as for one; none is taken, and the digest catches the other.
  private static func taken(_ reply: OutboundReply) -> Int64? {
    guard let text = reply.header("range") else { return nil }
    let bounds = text.split(separator: "=").last?.split(separator: "-") ?? []
    guard bounds.count == 2, bounds[0] == "0", let last = Int64(bounds[1]), last >= 0, last < Int64.max else { return nil }
    return last == 0 ? 0 : last + 1
  }
}

/// Waits between attempts: growing from 50 ms to 2 s, with jitter.
struct TransferWait: Sendable {
  let pause: Pause
  let jitter: @Sendable () -> Double

  func before(attempt: Int) async throws(RegistryError) {
    let longest = min(50 << min(attempt - 1, 6), 2000)
    try await wait(.milliseconds(Int64(Double(longest) * (0.25 + 0.75 * jitter()))))
  }

  func wait(_ duration: Duration) async throws(RegistryError) {
    do { try await pause.wait(duration) } catch { throw .cancelled }
  }
}
