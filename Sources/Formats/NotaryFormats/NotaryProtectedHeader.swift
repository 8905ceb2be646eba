internal import Encodings

/// The signed header of either format, taken apart: what both have in common is checked here once.
struct NotaryProtectedHeader {
  typealias Name = NotaryEnvelope.ExtendedAttribute.Name
  typealias Header = NotaryEnvelope.Header

  /// Every entry but algorithm, content type and `crit`, in the order of the header. Times are numbers of seconds.
  var entries: [(name: Name, value: JSONValue)]
  /// What `crit` lists.
  var critical: [Name]
  /// Names of the format's own headers, which may stand in `crit` besides `entries`.
  var own: Set<Name>

  /// What the header says, once every rule holds.
  struct Meaning {
    var signingScheme: NotaryEnvelope.SigningScheme
    var signingTime: Int64
    var expiry: Int64?
    var verificationPlugin: NotaryEnvelope.VerificationPlugin?
    var extended: [NotaryEnvelope.ExtendedAttribute]
  }

  /// Headers whose values are times: the formats write them differently.
  static let times: [String] = [Header.signingTime, Header.authenticSigningTime, Header.expiry]
  private static let known = times + [Header.signingScheme, Header.verificationPlugin, Header.verificationPluginMinVersion]

  /// - Throws: for a rule of the specification's "Signed Attributes" that does not hold. Unknown critical attributes are no error here.
  func meaning() throws(NotaryError) -> Meaning {
    guard entries.count <= NotaryEnvelope.Limits.attributes else {
      throw .badMember(path: "protected", wanted: "at most \(NotaryEnvelope.Limits.attributes) attributes")
    }
    try checkCritical()
    guard let schemeName = try text(Header.signingScheme) else { throw .badMember(path: path(Header.signingScheme), wanted: "a signing scheme") }
    guard let scheme = NotaryEnvelope.SigningScheme(rawValue: schemeName) else {
      throw .badMember(path: path(Header.signingScheme), wanted: "notary.x509 or notary.x509.signingAuthority")
    }
    try require(critical: Header.signingScheme)
    let signingTime = try time(of: scheme)
    let expiry = try seconds(Header.expiry)
    if let expiry {
      try require(critical: Header.expiry)
      guard expiry > signingTime else { throw .badTime("the expiry is not after the signing time") }
    }
    let plugin = try verificationPlugin()
    let extended = entries.compactMap { entry -> NotaryEnvelope.ExtendedAttribute? in
      if case .text(let text) = entry.name, Self.known.contains(text) { return nil }
      return NotaryEnvelope.ExtendedAttribute(name: entry.name, value: entry.value, isCritical: critical.contains(entry.name))
    }
    return Meaning(signingScheme: scheme, signingTime: signingTime, expiry: expiry, verificationPlugin: plugin, extended: extended)
  }

  private func checkCritical() throws(NotaryError) {
    guard !critical.isEmpty else { throw .badMember(path: "protected.crit", wanted: "at least one name") }
    var seen: Set<Name> = []
    for name in critical {
      guard seen.insert(name).inserted else { throw .criticalHeader(name.description, why: "crit lists it twice") }
      guard own.contains(name) || value(name) != nil else {
        throw .criticalHeader(name.description, why: "crit lists it, but it is not in the protected header")
      }
    }
  }

  private func time(of scheme: NotaryEnvelope.SigningScheme) throws(NotaryError) -> Int64 {
    let (wanted, other) =
      scheme == .x509 ? (Header.signingTime, Header.authenticSigningTime) : (Header.authenticSigningTime, Header.signingTime)
    guard value(.text(other)) == nil else { throw .badTime("\(other) does not belong to scheme \(scheme.rawValue)") }
    guard let time = try seconds(wanted) else { throw .badTime("\(wanted) is missing, which scheme \(scheme.rawValue) demands") }
    if scheme == .signingAuthority { try require(critical: wanted) }
    return time
  }

  private func verificationPlugin() throws(NotaryError) -> NotaryEnvelope.VerificationPlugin? {
    let minimum = try text(Header.verificationPluginMinVersion)
    guard let name = try text(Header.verificationPlugin) else {
      guard minimum == nil else { throw .badMember(path: path(Header.verificationPlugin), wanted: "a name beside the minimum version") }
      return nil
    }
    try require(critical: Header.verificationPlugin)
    if minimum != nil { try require(critical: Header.verificationPluginMinVersion) }
    return NotaryEnvelope.VerificationPlugin(name: name, minimumVersion: minimum)
  }

  private func path(_ name: String) -> String { "protected.\(name)" }

  private func value(_ name: Name) -> JSONValue? { entries.first { $0.name == name }?.value }

  private func text(_ name: String) throws(NotaryError) -> String? {
    guard let value = value(.text(name)) else { return nil }
    guard let text = value.string, !text.allSatisfy({ $0 == " " }), text.utf8.count <= 1024 else {
      throw .badMember(path: path(name), wanted: "a string of 1 to 1024 bytes")
    }
    return text
  }

  private func seconds(_ name: String) throws(NotaryError) -> Int64? {
    guard let value = value(.text(name)) else { return nil }
    guard let seconds = value.int64 else { throw .badMember(path: path(name), wanted: "a time") }
    return seconds
  }

  private func require(critical name: String) throws(NotaryError) {
    guard critical.contains(.text(name)) else { throw .criticalHeader(name, why: "it must be listed in crit") }
  }
}

extension UnsignedNotaryEnvelope.Attributes {
  /// The protected entries besides algorithm, content type and `crit`, and the names `crit` must list. Times are marked as such.
  func entries() throws(NotaryError) -> (entries: [(name: String, value: JSONValue, isTime: Bool)], critical: [String]) {
    typealias Header = NotaryEnvelope.Header
    var entries: [(name: String, value: JSONValue, isTime: Bool)] = [(Header.signingScheme, .string(signingScheme.rawValue), false)]
    var critical = [Header.signingScheme]
    switch signingScheme {
    case .x509: entries.append((Header.signingTime, .integer(signingTime), true))
    case .signingAuthority:
      entries.append((Header.authenticSigningTime, .integer(signingTime), true))
      critical.append(Header.authenticSigningTime)
    }
    if let expiry {
      entries.append((Header.expiry, .integer(expiry), true))
      critical.append(Header.expiry)
    }
    if let plugin = verificationPlugin {
      entries.append((Header.verificationPlugin, .string(plugin.name), false))
      critical.append(Header.verificationPlugin)
      if let version = plugin.minimumVersion {
        entries.append((Header.verificationPluginMinVersion, .string(version), false))
        critical.append(Header.verificationPluginMinVersion)
      }
    }
    for attribute in extended {
      guard case .text(let name) = attribute.name, !name.isEmpty, !entries.contains(where: { $0.name == name }),
        !JWSNotaryEnvelope.reserved.contains(name), !name.hasPrefix(NotaryPayload.reservedAnnotationPrefix),
        attribute.value.string != nil || attribute.value.int64 != nil
      else {
        throw .badMember(
          path: "protected.\(attribute.name)", wanted: "for a further attribute, a name of its own and a text or whole number as value")
      }
      entries.append((name, attribute.value, false))
      if attribute.isCritical { critical.append(name) }
    }
    return (entries, critical)
  }
}
