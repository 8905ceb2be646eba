package import Access
package import Audit
package import Clocks
package import Custody
import Dispatch
import Encodings
import ManagedHSMWire
import NIOCore
import NIOHTTP1
package import Secrets

/// Everything the listener needs, assembled from the cores: the responder of one HSM.
package final class HSMService: Responder {
  private let identity: ServiceIdentity
  private let plane: DataPlane
  private let authority: AuthorityRoutes
  private let graph: GraphRoutes
  private let ids: RequestIDSource
  private let clock: TimeSource
  private let lanes: Lanes
  private let metrics: ServiceMetrics
  private let keyring: Keyring

  /// What a service is made of; every part was opened and verified before.
  package struct Parts: Sendable {
    package var identity: ServiceIdentity
    package var hsmID: String
    package var partitionKey: SecretBytes
    package var access: AccessControl
    package var directory: Directory
    package var authority: TokenAuthority
    package var validator: TokenValidator
    package var issuerKeys: IssuerKeyring
    package var fetchKeys: IssuerKeyFetch
    package var keyring: Keyring
    package var certificates: CertificateShelf
    package var audit: AuditTrail
    package var reader: any AuditReader
    package var evidence: any AuditEvidence
    package var state: any StateStore
    package var activation: Activation
    package var lanes: Lanes
    package var clock: TimeSource
    package var entropy: Entropy

    package init(
      identity: ServiceIdentity, hsmID: String, partitionKey: SecretBytes, access: AccessControl, directory: Directory, authority: TokenAuthority,
      validator: TokenValidator, issuerKeys: IssuerKeyring, fetchKeys: @escaping IssuerKeyFetch, keyring: Keyring, certificates: CertificateShelf, audit: AuditTrail,
      reader: any AuditReader, evidence: any AuditEvidence, state: any StateStore, activation: Activation, lanes: Lanes, clock: TimeSource,
      entropy: Entropy
    ) {
      self.identity = identity
      self.hsmID = hsmID
      self.partitionKey = partitionKey
      self.access = access
      self.directory = directory
      self.authority = authority
      self.validator = validator
      self.issuerKeys = issuerKeys
      self.fetchKeys = fetchKeys
      self.keyring = keyring
      self.certificates = certificates
      self.audit = audit
      self.reader = reader
      self.evidence = evidence
      self.state = state
      self.activation = activation
      self.lanes = lanes
      self.clock = clock
      self.entropy = entropy
    }
  }

  package init(_ parts: Parts) {
    identity = parts.identity
    clock = parts.clock
    lanes = parts.lanes
    keyring = parts.keyring
    metrics = ServiceMetrics(activation: parts.activation)
    ids = RequestIDSource(clock: parts.clock, entropy: parts.entropy)
    let gate = Gate(access: parts.access)
    let refresh = KeyRefresh(lanes: parts.lanes, keyring: parts.issuerKeys, fetch: parts.fetchKeys)
    let challenge = Challenge(authority: identity.authority, tenant: identity.tenant.text, resource: identity.resource)
    plane = DataPlane(
      identity: identity, authentication: BearerAuthentication(challenge: challenge, validator: parts.validator, refresh: refresh), gate: gate,
      keyring: parts.keyring, audit: parts.audit, lanes: parts.lanes, activation: parts.activation, clock: parts.clock,
      roleRoutes: RoleRoutes(access: parts.access, gate: gate), settingRoutes: SettingRoutes(gate: gate, store: parts.state),
      domainRoutes: DomainRoutes(
        identity: identity, hsmID: parts.hsmID, partitionKey: parts.partitionKey, activation: parts.activation, gate: gate, clock: parts.clock,
        entropy: parts.entropy),
      hallmarkRoutes: HallmarkRoutes(
        identity: identity, access: parts.access, directory: parts.directory, keyring: parts.keyring, gate: gate, reader: parts.reader,
        trail: parts.evidence, issuers: IssuerRoutes(directory: parts.directory, gate: gate),
        devices: DeviceRoutes(authority: parts.authority, directory: parts.directory, gate: gate),
        certificates: CertificateRoutes(
          shelf: parts.certificates, keys: KeyRoutes(keyring: parts.keyring, gate: gate, rendering: KeyRendering(identity: identity)))),
      metrics: metrics)
    authority = AuthorityRoutes(
      identity: identity, authority: parts.authority, refresh: refresh, audit: parts.audit, clock: parts.clock, metrics: metrics)
    graph = GraphRoutes(identity: identity, directory: parts.directory, gate: gate, entropy: parts.entropy)
  }

  package func respond(to request: WireRequest, reply: @escaping @Sendable (WireReply) -> Void) {
    let call = Call(request: request, id: ids.next(), time: clock.now())
    let sink = ReplySink(reply)
    let path = request.path
    // The hot paths first: nothing below starts like them.
    if path.hasPrefix("/keys/") { return plane.take(call, .hsm, sink) }
    if let probe = Probes.reply(to: request, service: self) { return sink.send(probe) }
    if let endpoint = authority.endpoint(path) {
      let accepted = lanes.run(on: .state) { [authority] in authority.answer(endpoint, call, sink) }
      if !accepted { sink.send(plane.overloaded(call)) }
      return
    }
    if path.hasPrefix(GraphRoutes.prefix) {
      let operation = GraphRoutes.operation(request.method.rawValue, path)
      return plane.take(call, .graph, sink) { [graph] in Plan(operation, beforeActivation: true) { c, n throws(RouteFailure) in try graph.answer(c, &n) } }
    }
    if ResourceManagerRoutes.owns(path) {
      let answer = ResourceManagerRoutes.answer(path, identity: identity)
      return plane.take(call, .resourceManager, sink) { Plan(.unknown, beforeActivation: true) { _, _ throws(RouteFailure) in Answer(answer) } }
    }
    plane.take(call, .hsm, sink)
  }

  package func refuseOversized(_ request: WireRequest, limit: Int) -> WireReply {
    let call = Call(request: request, id: ids.next(), time: clock.now())
    return plane.errorReply(call, .tooLarge(limit: limit), now: DispatchTime.now().uptimeNanoseconds)
  }

  // MARK: - For the probes

  package func observe(_ listener: Listener) { metrics.observe(listener) }

  func metricsText() -> String { metrics.render() }

  /// Signs and verifies with a throw-away key, and asks the store.
  func isReady() -> Bool {
    do {
      try keyring.probe()
      return true
    } catch { return false }
  }
}
