import Access
import Audit
import Clocks
import Custody
import Dispatch
import Encodings
import ManagedHSMWire
import NIOCore
import NIOHTTP1

/// The Managed HSM data plane: authenticates, routes, performs, records, answers.
final class DataPlane: Sendable {
  let identity: ServiceIdentity
  let authentication: BearerAuthentication
  let gate: Gate
  let keyring: Keyring
  let audit: AuditTrail
  let lanes: Lanes
  let activation: Activation
  let clock: TimeSource
  let headers: ReplyHeaders
  let keyRoutes: KeyRoutes
  let roleRoutes: RoleRoutes
  let settingRoutes: SettingRoutes
  let domainRoutes: DomainRoutes
  let hallmarkRoutes: HallmarkRoutes
  let metrics: ServiceMetrics
  private let auditPrincipals = AuditPrincipalCache()

  init(
    identity: ServiceIdentity, authentication: BearerAuthentication, gate: Gate, keyring: Keyring, audit: AuditTrail, lanes: Lanes,
    activation: Activation, clock: TimeSource, roleRoutes: RoleRoutes, settingRoutes: SettingRoutes, domainRoutes: DomainRoutes,
    hallmarkRoutes: HallmarkRoutes, metrics: ServiceMetrics
  ) {
    self.identity = identity
    self.authentication = authentication
    self.gate = gate
    self.keyring = keyring
    self.audit = audit
    self.lanes = lanes
    self.activation = activation
    self.clock = clock
    self.roleRoutes = roleRoutes
    self.settingRoutes = settingRoutes
    self.domainRoutes = domainRoutes
    self.hallmarkRoutes = hallmarkRoutes
    self.metrics = metrics
    headers = ReplyHeaders(identity: identity)
    keyRoutes = KeyRoutes(keyring: keyring, gate: gate, rendering: KeyRendering(identity: identity))
  }

  /// Takes one call that needs a token.
  ///
  /// - Parameter plan: what to do for the paths that are not the data plane's own; they run on the state lane.
  func take(_ call: Call, _ surface: TokenSurface, _ sink: ReplySink, plan: (@Sendable () -> Plan)? = nil) {
    authentication.authenticate(call, for: surface) { [self] outcome in
      switch outcome {
      case .authenticated(let call):
        if let plan = plan?(), case .handler(let lane, let handler) = plan.work {
          perform(call, on: lane, sink, AuditNotes(plan.operation), handler)
        } else {
          serve(call, sink)
        }
      case .anonymous: sink.send(OpenReply(challenge(call, reason: nil), because: .challenge))
      case .refused(let reason): refuseToken(call, reason: reason, sink)
      case .busy: sink.send(overloaded(call))
      }
    }
  }

  // MARK: - Authenticated

  private func serve(_ call: Authenticated<Call>, _ sink: ReplySink) {
    let request = call.request.request
    let method = request.method.rawValue
    guard let route = Route(path: request.path)?.forMethod(method) else {
      if hallmarkRoutes.owns(request.path) {
        perform(call, on: .state, sink, AuditNotes(.auditRead)) { [hallmarkRoutes] call, notes throws(RouteFailure) in
          try hallmarkRoutes.answer(call, &notes)
        }
        return
      }
      finish(call, AuditNotes(.unknown), .failure(.wire(.pathNotFound)), sink)
      return
    }
    guard let plan = plan(route, method: method) else {
      finish(call, AuditNotes(.unknown), .failure(.wire(.methodNotAllowed(method))), sink)
      return
    }
    let notes = AuditNotes(plan.operation)
    guard activation.isActive || plan.beforeActivation else {
      finish(call, notes, .failure(.wire(.notActivated)), sink)
      return
    }
    if let version = versionFault(request) {
      finish(call, notes, .failure(.wire(version)), sink)
      return
    }
    switch plan.work {
    case .handler(let lane, let handler): perform(call, on: lane, sink, notes, handler)
    case .sign(let name, let version): sign(call, notes, name: name, version: version, sink)
    case .verify(let name, let version): verify(call, notes, name: name, version: version, sink)
    }
  }

  /// Unknown versions are the newest known; what is not a version at all is refused. Its absence is tolerated: clients poll and page without it.
  private func versionFault(_ request: WireRequest) -> WireError? {
    let query = request.query
    guard !query.isEmpty, let value = Self.version(in: query) else { return nil }
    return ManagedHSMWire.isVersion(value) ? nil : .badParameter("Query parameter 'api-version' is not a version such as 7.6 or 2025-07-01")
  }

  /// The raw value of `api-version`, without allocating.
  private static func version(in query: Substring) -> Substring? {
    let name = "api-version="
    var rest = query
    while true {
      let end = rest.utf8.firstIndex(of: UInt8(ascii: "&")) ?? rest.endIndex
      if rest[..<end].utf8.starts(with: name.utf8) { return rest[..<end].dropFirst(name.utf8.count) }
      guard end != rest.endIndex else { return nil }
      rest = rest[rest.utf8.index(after: end)...]
    }
  }

  func perform(_ call: Authenticated<Call>, on lane: Lanes.Lane, _ sink: ReplySink, _ notes: AuditNotes, _ handler: @escaping Plan.Handler) {
    let accepted = lanes.run(on: lane) { [self] in
      var notes = notes
      let outcome: Result<Answer, RouteFailure>
      do throws(RouteFailure) { outcome = .success(try handler(call, &notes)) } catch { outcome = .failure(error) }
      finish(call, notes, outcome, sink)
    }
    if !accepted { sink.send(overloaded(call.request)) }
  }

  // MARK: - The hot routes

  /// EC runs where it is, on the event loop; RSA goes to the pool; a key that is not loaded is fetched on the state lane first.
  private func sign(_ call: Authenticated<Call>, _ notes: AuditNotes, name: String, version: String?, _ sink: ReplySink) {
    withReadyKey(call, notes, .sign, .keysSign, name: name, version: version, sink) { [self] key, permit, notes in
      var notes = notes
      let outcome: Result<Answer, RouteFailure>
      do throws(RouteFailure) { outcome = .success(try signed(call, key, permit, &notes)) } catch { outcome = .failure(error) }
      finish(call, notes, outcome, sink)
    }
  }

  private func verify(_ call: Authenticated<Call>, _ notes: AuditNotes, name: String, version: String?, _ sink: ReplySink) {
    withReadyKey(call, notes, .verify, .keysVerify, name: name, version: version, sink) { [self] key, permit, notes in
      var notes = notes
      let outcome: Result<Answer, RouteFailure>
      do throws(RouteFailure) { outcome = .success(try verified(call, key, permit, &notes)) } catch { outcome = .failure(error) }
      finish(call, notes, outcome, sink)
    }
  }

  private func signed(_ call: Authenticated<Call>, _ key: ReadyKey, _ permit: Permit, _ notes: inout AuditNotes) throws(RouteFailure) -> Answer {
    let body: SignRequest
    do { body = try call.request.request.body.withUnsafeReadableBytes { bytes throws(WireError) in try SignRequest(bytes) } } catch {
      throw .wire(error)
    }
    let algorithm = try self.algorithm(body.algorithm, digest: body.digest, &notes)
    do {
      let signature = try key.sign(algorithm, digest: body.digest, permit: permit)
      var out: [UInt8] = []
      out.reserveCapacity(192 + signature.count * 4 / 3)
      append(algorithm, key, to: &out)
      out.append(contentsOf: #","value":""#.utf8)
      Base64URL.append(signature, to: &out)
      out.append(contentsOf: #""}"#.utf8)
      return Answer(out)
    } catch {
      throw keyRoutes.failure(error)
    }
  }

  private func verified(_ call: Authenticated<Call>, _ key: ReadyKey, _ permit: Permit, _ notes: inout AuditNotes) throws(RouteFailure) -> Answer {
    let body: VerifyRequest
    do { body = try call.request.request.body.withUnsafeReadableBytes { bytes throws(WireError) in try VerifyRequest(bytes) } } catch {
      throw .wire(error)
    }
    let algorithm = try self.algorithm(body.algorithm, digest: body.digest, &notes)
    do {
      let valid = try key.verify(algorithm, signature: body.signature, digest: body.digest, permit: permit)
      var out: [UInt8] = []
      append(algorithm, key, to: &out)
      out.append(contentsOf: (valid ? #","value":true}"# : #","value":false}"#).utf8)
      return Answer(out)
    } catch {
      throw keyRoutes.failure(error)
    }
  }

  /// `{"alg":"…","kid":"…"`: both are of our own making and need no escaping.
  private func append(_ algorithm: SignatureAlgorithm, _ key: ReadyKey, to out: inout [UInt8]) {
    out.append(contentsOf: #"{"alg":""#.utf8)
    out.append(contentsOf: algorithm.rawValue.utf8)
    out.append(contentsOf: #"","kid":""#.utf8)
    out.append(contentsOf: identity.url.utf8)
    out.append(UInt8(ascii: "/"))
    out.append(contentsOf: key.path.utf8)
    out.append(UInt8(ascii: "\""))
  }

  private func algorithm(_ text: String, digest: [UInt8], _ notes: inout AuditNotes) throws(RouteFailure) -> SignatureAlgorithm {
    notes.algorithm = text
    guard let algorithm = SignatureAlgorithm(rawValue: text) else {
      throw .wire(.badParameter("Algorithm '\(text.prefix(40))' is not a signature algorithm of this HSM"))
    }
    switch algorithm.digest {
    case .sha256: notes.digest = AuditDigest(.sha256, digest)
    case .sha384: notes.digest = AuditDigest(.sha384, digest)
    case .sha512: notes.digest = AuditDigest(.sha512, digest)
    case nil: break
    }
    return algorithm
  }

  private func withReadyKey(
    _ call: Authenticated<Call>, _ notes: AuditNotes, _ operation: KeyOperation, _ action: DataAction, name text: String, version: String?,
    _ sink: ReplySink, _ use: @escaping @Sendable (ReadyKey, Permit, AuditNotes) -> Void
  ) {
    var notes = notes
    do throws(RouteFailure) {
      let name = try keyRoutes.keyName(text, &notes)
      let permit = try gate.permit(call, action, .key(name), &notes)
      let id = try keyRoutes.versionID(version, of: name)
      if let key = keyring.readyIfLoaded(name, version: id) {
        note(key, &notes)
        if key.isCheap(operation) {
          use(key, permit, notes)
        } else if !lanes.run(on: .crypto, { [notes] in use(key, permit, notes) }) {
          sink.send(overloaded(call.request))
        }
        return
      }
      // Not loaded: two reads of the store, one unsealing, and then RSA may as well be done right there.
      let accepted = lanes.run(on: .state) { [self, notes] in
        var notes = notes
        do throws(RouteFailure) {
          let key = try keyRoutes.custody { () throws(CustodyError) in try keyring.ready(name, version: id) }
          note(key, &notes)
          use(key, permit, notes)
        } catch {
          finish(call, notes, .failure(error), sink)
        }
      }
      if !accepted { sink.send(overloaded(call.request)) }
    } catch {
      finish(call, notes, .failure(error), sink)
    }
  }

  private func note(_ key: ReadyKey, _ notes: inout AuditNotes) {
    notes.key = key.identity.name.text
    notes.version = key.identity.version.text
    notes.kid = identity.kid(key.path)
    notes.engine = AuditEngine(rawValue: key.engine)
  }

  // MARK: - Replies

  /// Builds the reply, makes its record durable, then lets it go.
  func finish(_ call: Authenticated<Call>, _ notes: AuditNotes, _ outcome: Result<Answer, RouteFailure>, _ sink: ReplySink) {
    let now = DispatchTime.now().uptimeNanoseconds
    var notes = notes
    let reply: WireReply
    switch outcome {
    case .success(let answer):
      var fields = headers.make(for: call.request, succeeded: true, now: now)
      fields.append(contentsOf: answer.headers)
      if let type = answer.contentType { fields[0].value = type }
      reply = WireReply(status: answer.status, headers: fields, body: answer.body)
    case .failure(.refused(let refusal)):
      notes.denied = true
      notes.reason = refusal.description
      reply = errorReply(call.request, .accessDenied(action: refusal.action.text, scope: refusal.scope.text), now: now)
    case .failure(.wire(let error)):
      notes.reason = notes.reason ?? error.message
      notes.denied = notes.denied || error.status == 403
      reply = errorReply(call.request, error, now: now)
    }
    metrics.count(notes.operation, status: reply.status, nanoseconds: now &- call.request.request.arrived)
    record(call.request, principal: auditPrincipals.form(of: call.principal), notes, reply, sink, now: now)
  }

  private func record(
    _ call: Call, principal: AuditPrincipal?, _ notes: AuditNotes, _ reply: WireReply, _ sink: ReplySink, now: UInt64
  ) {
    let entry = AuditEntry(
      time: call.time, requestID: call.id, clientRequestID: call.clientRequestID, principal: principal, operation: notes.operation,
      store: identity.name, key: notes.key, version: notes.version, kid: notes.kid, algorithm: notes.algorithm, digest: notes.digest,
      decision: notes.denied ? .deny : .allow, reason: notes.reason, assignment: notes.assignment, engine: notes.engine, status: reply.status,
      durationMilliseconds: Int((now &- call.request.arrived) / 1_000_000), callerAddress: call.request.peer.isEmpty ? nil : call.request.peer)
    audit.record(entry, reply: reply) { [self] result in
      switch result {
      case .success(let audited): sink.send(audited)
      case .failure(let error):
        metrics.auditFailed()
        sink.send(
          OpenReply(
            errorReply(call, WireError(503, "ServiceUnavailable", "The request was not answered: \(error)", retryAfter: 1), now: now),
            because: .notServed))
      }
    }
  }

  func errorReply(_ call: Call, _ error: WireError, now: UInt64) -> WireReply {
    var fields = headers.make(for: call, succeeded: false, now: now)
    if let seconds = error.retryAfter { fields.append(("Retry-After", String(seconds))) }
    return WireReply(status: error.status, headers: fields, body: error.body(activity: call.id))
  }

  func overloaded(_ call: Call) -> OpenReply {
    let error = WireError(503, "ServiceUnavailable", "Too many requests are waiting; try again", retryAfter: 1)
    return OpenReply(errorReply(call, error, now: DispatchTime.now().uptimeNanoseconds), because: .notServed)
  }

  /// 401 before any routing, body or version check. A GET gets the two bytes `OK`, as the live service's newer builds do; others an empty body.
  func challenge(_ call: Call, reason: String?) -> WireReply {
    var fields = headers.make(for: call, succeeded: false, unauthenticated: true, now: DispatchTime.now().uptimeNanoseconds)
    fields.append(("WWW-Authenticate", authentication.challenge.headerValue))
    if let reason {
      return WireReply(status: 401, headers: fields, body: WireError(401, "Unauthorized", reason).body(activity: call.id))
    }
    return WireReply(status: 401, headers: fields, body: call.request.method == .GET ? Array("OK".utf8) : [])
  }

  private func refuseToken(_ call: Call, reason: String, _ sink: ReplySink) {
    var notes = AuditNotes(.tokenAuthenticate)
    notes.denied = true
    notes.reason = reason
    metrics.count(.tokenAuthenticate, status: 401, nanoseconds: DispatchTime.now().uptimeNanoseconds &- call.request.arrived)
    record(call, principal: nil, notes, challenge(call, reason: reason), sink, now: DispatchTime.now().uptimeNanoseconds)
  }
}
