internal import OCI
internal import Synchronization

/// One request to a registry, before it is authorized.
struct RegistryCall: Sendable {
  let registry: String
  var method: String
  var address: RegistryAddress
  var headers: [(name: String, value: String)] = []
  var body: [UInt8] = []
  /// `repository:NAME:pull[,push]`.
  var scopes: [String]
  var replay: Replay = .harmless
  /// Reads of blobs and manifests only.
  var followsRedirects = false
  var maxReplyBytes = 64 << 10
  /// Of the larger of the two bodies: the deadline grows with it.
  var expectedBytes = 0

  /// 30 s, and a second for every 128 KiB.
  var timeout: Duration { .seconds(30 + max(expectedBytes, body.count) >> 17) }
}

/// Sends requests to registries: authorizes them, follows what may be followed, keeps warnings. Statuses are the caller's to judge.
final class RegistryExchange: Sendable {
  static let maxRedirects = 5
  static let maxWarnings = 64
  /// Of one warning (distribution-spec, Warnings).
  static let maxWarningBytes = 4096

  let settings: RegistrySettings
  private let exchange: RetryingExchange
  private let access: RegistryAccess
  private let heard = Mutex<[String]>([])

  init(settings: RegistrySettings, exchange: RetryingExchange, access: RegistryAccess) {
    self.settings = settings
    self.exchange = exchange
    self.access = access
  }

  var warnings: [String] { heard.withLock { $0 } }

  /// - Returns: the last answer; never a 401, and no redirect when those are followed.
  func send(_ call: RegistryCall) async throws(RegistryError) -> OutboundReply {
    let base = settings.base(of: call.registry)
    // The registry itself may point elsewhere: an upload to a store of its own. That host gets no credentials.
    guard call.address.isSameOrigin(as: base) else {
      try settings.check(call.address, from: base)
      return try await perform(call, at: call.address, authorization: nil)
    }
    var authorization = try await access.header(call.registry, scopes: call.scopes)
    var tries = 0
    while true {
      let reply = try await perform(call, at: call.address, authorization: authorization)
      if reply.status == 401 {
        guard tries < 2 else {
          let said = RegistryErrorDocument(reply.body)?.entries.first.map { " (\($0.code)\($0.message.map { ": \($0)" } ?? ""))" } ?? ""
          throw .unauthorized(registry: call.registry, why: "what its token server gave is not enough for \(call.method) \(call.address.place)\(said)")
        }
        tries += 1
        let next = try await access.answer(reply, from: base, registry: call.registry, scopes: call.scopes, rejected: authorization)
        authorization = next
        continue
      }
      return call.followsRedirects ? try await following(reply, call, authorization: authorization) : reply
    }
  }

  private func following(_ first: OutboundReply, _ call: RegistryCall, authorization: String?) async throws(RegistryError) -> OutboundReply {
    var reply = first
    var address = call.address
    var header = authorization
    var hops = 0
    while [301, 302, 303, 307, 308].contains(reply.status) {
      hops += 1
      guard hops <= Self.maxRedirects else { throw .badAnswer(place: call.address.place, why: "more than \(Self.maxRedirects) redirects") }
      guard let text = reply.header("location"), let target = address.resolving(text) else {
        throw .badAnswer(place: address.place, why: "a redirect without a usable Location")
      }
      try settings.check(target, from: address)
      // Once left, the credentials stay behind even when the way leads back.
      if !target.isSameOrigin(as: address) { header = nil }
      address = target
      reply = try await perform(call, at: target, authorization: header)
    }
    return reply
  }

  private func perform(_ call: RegistryCall, at address: RegistryAddress, authorization: String?) async throws(RegistryError) -> OutboundReply {
    var headers = call.headers
    headers.append(("user-agent", "hallmark"))
    if let authorization { headers.append(("authorization", authorization)) }
    let request = OutboundRequest(
      call.method, address.url, headers: headers, body: call.body, timeout: call.timeout, maxReplyBytes: call.maxReplyBytes)
    do throws(OutboundError) {
      let reply = try await exchange.send(request, replay: call.replay).reply
      hear(reply)
      return reply
    } catch { throw RegistryError(error, place: address.place) }
  }

  /// `Warning: 299 - "text"`: shown to people, never acted on.
  private func hear(_ reply: OutboundReply) {
    for header in reply.headers where header.name == "warning" && header.value.utf8.count <= Self.maxWarningBytes {
      guard let open = header.value.firstIndex(of: "\""), let close = header.value.lastIndex(of: "\""), open < close else { continue }
      let text = RegistryErrorDocument.printable(String(header.value[header.value.index(after: open)..<close]), 1000)
      heard.withLock { if $0.count < Self.maxWarnings, !$0.contains(text) { $0.append(text) } }
    }
  }
}

extension RegistryError {
  /// The failure of an exchange. Only failures to get an answer come from there.
  init(_ error: OutboundError, place: String) {
    guard case .unreachable(_, let why, let attempts) = error else {
      self = .badAnswer(place: place, why: error.description)
      return
    }
    if case .replyTooLarge(let limit)? = attempts.last?.failure {
      self = .tooLarge(place: place, limit: limit)
    } else {
      self = .unreachable(place: place, why: attempts.count > 1 ? "\(why), \(attempts.count) attempts" : why)
    }
  }

  /// The failure that an unexpected status is.
  init(_ reply: OutboundReply, place: String) {
    let document = RegistryErrorDocument(reply.body)
    switch reply.status {
    case 404: self = .notFound(place: place)
    case 300..<400: self = .badAnswer(place: place, why: "a redirect (\(reply.status)) where none is followed")
    default:
      self = .refused(
        place: place, status: reply.status, codes: document?.codes ?? [], message: document?.entries.first { $0.message != nil }?.message)
    }
  }
}
