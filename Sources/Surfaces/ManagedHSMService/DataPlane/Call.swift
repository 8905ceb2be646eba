import Access
import Audit
import Clocks
import ManagedHSMWire
import NIOCore
import Synchronization

/// One request on its way through the hands: what was asked, and its names in the audit trail.
struct Call: Sendable {
  let request: WireRequest
  /// `x-ms-request-id`, the Activity ID of an error, the `requestId` of the record.
  let id: String
  let time: Instant

  var clientRequestID: String? { request.header("x-ms-client-request-id") }
  /// The body as one array; bounded by the listener.
  var body: [UInt8] { request.body.getBytes(at: request.body.readerIndex, length: request.body.readableBytes) ?? [] }
  func query() throws(RouteFailure) -> Query {
    guard let query = Query(request.query) else { throw .wire(.badParameter("The query of the request is malformed or too long")) }
    return query
  }
}

/// What the record will say about a call, filled in as it becomes known.
struct AuditNotes: Sendable {
  var operation: AuditOperation
  var key: String?
  var version: String?
  var kid: String?
  var algorithm: String?
  var digest: AuditDigest?
  var engine: AuditEngine?
  var assignment: String?
  var reason: String?
  var denied = false

  init(_ operation: AuditOperation) { self.operation = operation }
}

/// Why a handler did not do what was asked.
enum RouteFailure: Error {
  /// No role assignment permits it: 403, and the record says why.
  case refused(Refusal)
  case wire(WireError)
}

/// The audit form of the principals seen lately: the validator hands out one object per token, and its form never changes.
final class AuditPrincipalCache: Sendable {
  private static let capacity = 1024
  /// Holds each principal beside its form, so that an address is not reused while it is a key here.
  private let forms = Mutex<[ObjectIdentifier: (principal: Principal, form: AuditPrincipal)]>([:])

  func form(of principal: Principal) -> AuditPrincipal {
    let id = ObjectIdentifier(principal)
    if let found = forms.withLock({ $0[id]?.form }) { return found }
    let form = principal.auditForm
    forms.withLock { forms in
      // Starting over is rare and cheap; an order of use would cost every request.
      if forms.count >= Self.capacity { forms.removeAll(keepingCapacity: true) }
      forms[id] = (principal, form)
    }
    return form
  }
}

extension Principal {
  var auditForm: AuditPrincipal {
    AuditPrincipal(
      objectID: objectID.text, clientID: clientID?.text, issuer: issuer, subject: subject,
      claims: claims.sorted { $0.key < $1.key }.map { AuditClaim($0.key, $0.value) })
  }
}
