import Access
import Encodings
import ManagedHSMWire

/// Small durable values of one HSM: settings, the activation state.
///
/// - Trust: for durability only; what must not be changed from outside is sealed by whoever stores it.
/// - Durability: `set` returns after the value survives power loss.
/// - Concurrency: any thread; blocking is expected.
package protocol StateStore: Sendable {
  func value(of name: String) throws(StateStoreFailure) -> [UInt8]?
  func set(_ name: String, to value: [UInt8]) throws(StateStoreFailure)
}

package struct StateStoreFailure: Error, Sendable, CustomStringConvertible {
  package let description: String
  package init(_ description: String) { self.description = description }
}

/// The HSM's settings: one is known, and it is a string on the wire though it is a boolean.
struct SettingRoutes: Sendable {
  let gate: Gate
  let store: any StateStore

  static let names = ["AllowKeyManagementOperationsThroughARM"]

  func list(_ call: Authenticated<Call>, _ notes: inout AuditNotes) throws(RouteFailure) -> JSONObject {
    _ = try gate.permit(call, .settingsRead, .root, &notes)
    var settings: [JSONValue] = []
    for name in Self.names { settings.append(.object(try rendered(name))) }
    return ["settings": .array(settings)]
  }

  func get(_ call: Authenticated<Call>, _ notes: inout AuditNotes, name: String) throws(RouteFailure) -> JSONObject {
    notes.kid = name
    _ = try gate.permit(call, .settingsRead, .root, &notes)
    return try rendered(try known(name))
  }

  func update(_ call: Authenticated<Call>, _ notes: inout AuditNotes, name: String) throws(RouteFailure) -> JSONObject {
    notes.kid = name
    _ = try gate.permit(call, .settingsWrite, .root, &notes)
    let name = try known(name)
    let value: String
    do {
      let body = try RequestBody.object(call.request.body)
      guard let text = body.present("value")?.string?.lowercased(), text == "true" || text == "false" else {
        throw WireError.badParameter("Property 'value' must be the string \"true\" or \"false\"")
      }
      value = text
    } catch let error as WireError { throw .wire(error) } catch { throw .wire(.badParameter("The request body could not be read")) }
    do { try store.set("setting.\(name)", to: Array(value.utf8)) } catch { throw Self.unavailable }
    notes.reason = "\(name) = \(value)"
    return try rendered(name)
  }

  private func known(_ name: String) throws(RouteFailure) -> String {
    guard let known = Self.names.first(where: { $0.lowercased() == name.lowercased() }) else {
      throw .wire(WireError(400, "InvalidSetting", "Invalid setting name. Please check the spelling of the setting name: \(name.prefix(100))"))
    }
    return known
  }

  private func rendered(_ name: String) throws(RouteFailure) -> JSONObject {
    let stored: [UInt8]?
    do { stored = try store.value(of: "setting.\(name)") } catch { throw Self.unavailable }
    let value = stored.map { String(decoding: $0, as: UTF8.self) } ?? "false"
    return ["name": .string(name), "type": "boolean", "value": .string(value)]
  }

  private static let unavailable = RouteFailure.wire(WireError(503, "ServiceUnavailable", "The store did not answer; try again", retryAfter: 1))
}
