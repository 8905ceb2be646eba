/// A type that names something by a GUID, kept as lower-case text (RFC 9562 §4, 36 characters).
package protocol GUIDIdentifier: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// 36 characters, lower case.
  var text: String { get }
  /// Takes any case; refuses braces, white space and every other form.
  init?(_ text: String)
}

extension GUIDIdentifier {
  package var description: String { text }
  package static func < (a: Self, b: Self) -> Bool { a.text < b.text }
}

/// The object id of a person, service principal or group: what role assignments name and the token claim `oid` carries.
package struct PrincipalID: GUIDIdentifier {
  package let text: String
  package init?(_ text: String) {
    guard let folded = foldedGUID(text) else { return nil }
    self.text = folded
  }
}

/// A directory tenant: the token claim `tid`.
package struct TenantID: GUIDIdentifier {
  package let text: String
  package init?(_ text: String) {
    guard let folded = foldedGUID(text) else { return nil }
    self.text = folded
  }
}

/// An application (client) id: the token claims `appid` and `azp`, the form field `client_id`.
package struct ApplicationID: GUIDIdentifier {
  package let text: String
  package init?(_ text: String) {
    guard let folded = foldedGUID(text) else { return nil }
    self.text = folded
  }
}

/// The name of a role definition.
package struct RoleDefinitionID: GUIDIdentifier {
  package let text: String
  package init?(_ text: String) {
    guard let folded = foldedGUID(text) else { return nil }
    self.text = folded
  }
}

/// The name of a role assignment.
package struct RoleAssignmentID: GUIDIdentifier {
  package let text: String
  package init?(_ text: String) {
    guard let folded = foldedGUID(text) else { return nil }
    self.text = folded
  }
}

/// Lower-cases a GUID in 8-4-4-4-12 form; nil for anything else.
private func foldedGUID(_ text: String) -> String? {
  guard text.utf8.count == 36 else { return nil }
  var folded = [UInt8]()
  folded.reserveCapacity(36)
  for (index, byte) in text.utf8.enumerated() {
    switch (index, byte) {
    case (8, 0x2D), (13, 0x2D), (18, 0x2D), (23, 0x2D): folded.append(byte)
    case (8, _), (13, _), (18, _), (23, _): return nil
    case (_, 0x30...0x39), (_, 0x61...0x66): folded.append(byte)
    case (_, 0x41...0x46): folded.append(byte | 0x20)
    default: return nil
    }
  }
  return String(decoding: folded, as: UTF8.self)
}
