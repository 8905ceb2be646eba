import Access
import Audit
import Encodings
import ManagedHSMWire
import NIOHTTP1

/// Confirming the sign-in of a person's device: `GET` and `POST /hallmark/v1/devices/{code}`.
struct DeviceRoutes: Sendable {
  let authority: TokenAuthority
  let directory: Directory
  let gate: Gate

  func answer(_ call: Authenticated<Call>, _ notes: inout AuditNotes, code: String) throws(RouteFailure) -> Answer {
    notes.operation = .tokenConfirmDevice
    switch call.request.request.method {
    case .GET:
      guard let waiting = authority.waitingDevice(code, seenBy: call) else { throw Self.unknown }
      return Answer(["client": .string(waiting.client.text), "scope": .string(waiting.scope)])
    case .POST:
      let body: JSONObject
      do { body = try RequestBody.object(call.request.body) } catch { throw .wire(error) }
      let person: PrincipalID
      var permit: Permit?
      if let text = body.present("principal")?.string {
        guard let id = PrincipalID(text) else { throw .wire(.badParameter("Property 'principal' must be an object id")) }
        person = id
        if id != call.principal.objectID { permit = try gate.permit(call, .roleAssignmentsWrite, .root, &notes) }
      } else {
        person = call.principal.objectID
      }
      notes.reason = "device of \(person)"
      do {
        if body.present("deny")?.bool == true {
          try authority.denyDevice(code, by: call)
        } else {
          try authority.confirmDevice(code, for: person, by: call, permit: permit)
        }
      } catch {
        throw .wire(WireError(error == .deviceCodeUnknown ? 404 : 403, "DeviceCode", error.description))
      }
      return Answer(["confirmed": .bool(body.present("deny")?.bool != true), "principal": .string(person.text)])
    default:
      throw .wire(.methodNotAllowed(call.request.request.method.rawValue))
    }
  }

  private static let unknown = RouteFailure.wire(WireError(404, "DeviceCode", "No device waits under this code, or the code is expired"))
}
