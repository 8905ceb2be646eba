/// A path of the data plane, recognised. Names are percent-decoded and otherwise as sent: the cores judge them.
///
/// Matching: runs of `/` collapse, a trailing `/` is nothing, the fixed segments are compared without case, an absent version means the latest.
package enum Route: Hashable, Sendable {
  case keys
  case key(name: String, version: String?)
  case keyCreate(name: String)
  case keyVersions(name: String)
  case keyRotate(name: String)
  case keyRotationPolicy(name: String)
  case keyBackup(name: String)
  case keyRestore
  case keySelectiveRestore(name: String)
  case keyAttestation(name: String, version: String?)
  case keyOperation(name: String, version: String?, CryptographicVerb)
  case deletedKeys
  case deletedKey(name: String)
  case deletedKeyRecover(name: String)
  case random
  case roleDefinitions(scope: RouteScope)
  case roleDefinition(scope: RouteScope, id: String)
  case roleAssignments(scope: RouteScope)
  case roleAssignment(scope: RouteScope, id: String)
  case settings
  case setting(name: String)
  case securityDomainDownload
  case securityDomainDownloadPending
  case securityDomainUpload
  case securityDomainUploadPending
  case backup
  case prebackup
  case restore
  case prerestore
  case backupPending(job: String)
  case restorePending(job: String)

  package enum CryptographicVerb: String, CaseIterable, Sendable {
    case encrypt, decrypt, sign, verify, release
    case wrapKey = "wrapkey"
    case unwrapKey = "unwrapkey"
  }

  package enum RouteScope: Hashable, Sendable {
    case root
    case keys
    case key(String)
  }
}

extension Route {
  /// Longest path considered, bytes.
  package static let pathLimit = 2048

  /// - Parameter path: the request target without its query, percent-encoded as sent.
  /// - Returns: nil for a path the data plane does not have.
  package init?(path: some StringProtocol) {
    guard path.utf8.count <= Self.pathLimit, path.utf8.first == UInt8(ascii: "/"), !path.utf8.contains(0) else { return nil }
    var segments: [String] = []
    segments.reserveCapacity(6)
    for raw in path.split(separator: "/", omittingEmptySubsequences: true) {
      guard let decoded = Self.percentDecoded(raw), decoded != ".", decoded != ".." else { return nil }
      segments.append(decoded)
    }
    self.init(segments: segments)
  }

  private init?(segments s: [String]) {
    guard let first = s.first?.lowercased() else { return nil }
    switch first {
    case "providers":
      self.init(scope: .root, authorization: s.dropFirst())
    case "keys":
      self.init(keys: s)
    case "deletedkeys":
      switch s.count {
      case 1: self = .deletedKeys
      case 2: self = .deletedKey(name: s[1])
      case 3 where s[2].lowercased() == "recover": self = .deletedKeyRecover(name: s[1])
      default: return nil
      }
    case "rng" where s.count == 1:
      self = .random
    case "settings":
      switch s.count {
      case 1: self = .settings
      case 2: self = .setting(name: s[1])
      default: return nil
      }
    case "securitydomain":
      switch s.dropFirst().map({ $0.lowercased() }) {
      case ["download"]: self = .securityDomainDownload
      case ["download", "pending"]: self = .securityDomainDownloadPending
      case ["upload"]: self = .securityDomainUpload
      case ["upload", "pending"]: self = .securityDomainUploadPending
      default: return nil
      }
    case "backup" where s.count == 1: self = .backup
    case "prebackup" where s.count == 1: self = .prebackup
    case "restore" where s.count == 1: self = .restore
    case "prerestore" where s.count == 1: self = .prerestore
    case "backup" where s.count == 3 && s[2].lowercased() == "pending": self = .backupPending(job: s[1])
    case "restore" where s.count == 3 && s[2].lowercased() == "pending": self = .restorePending(job: s[1])
    default: return nil
    }
  }

  private init?(keys s: [String]) {
    guard s.count > 1 else {
      self = .keys
      return
    }
    let name = s[1]
    if name.lowercased() == "providers" {
      self.init(scope: .keys, authorization: s.dropFirst(2))
      return
    }
    guard s.count > 2 else {
      // `POST /keys/restore` and a key named "restore" share this path; the method decides (`forMethod`).
      self = .key(name: name, version: nil)
      return
    }
    let word = s[2].lowercased()
    if word == "providers" {
      self.init(scope: .key(name), authorization: s.dropFirst(3))
      return
    }
    if s.count == 3 {
      switch word {
      case "create": self = .keyCreate(name: name)
      case "rotate": self = .keyRotate(name: name)
      case "versions": self = .keyVersions(name: name)
      case "backup": self = .keyBackup(name: name)
      case "restore": self = .keySelectiveRestore(name: name)
      case "rotationpolicy": self = .keyRotationPolicy(name: name)
      case "attestation": self = .keyAttestation(name: name, version: nil)
      default:
        if let verb = CryptographicVerb(rawValue: word) {
          self = .keyOperation(name: name, version: nil, verb)
        } else {
          self = .key(name: name, version: s[2])
        }
      }
      return
    }
    guard s.count == 4 else { return nil }
    let last = s[3].lowercased()
    if last == "attestation" {
      self = .keyAttestation(name: name, version: s[2])
    } else if let verb = CryptographicVerb(rawValue: last) {
      self = .keyOperation(name: name, version: s[2], verb)
    } else {
      return nil
    }
  }

  /// `s` begins after `providers`.
  private init?(scope: RouteScope, authorization s: ArraySlice<String>) {
    // At the root, `providers` itself was the first segment.
    let words = Array(s)
    guard words.count >= 2, words[0].lowercased() == "microsoft.authorization" else { return nil }
    switch (words[1].lowercased(), words.count) {
    case ("roledefinitions", 2): self = .roleDefinitions(scope: scope)
    case ("roledefinitions", 3): self = .roleDefinition(scope: scope, id: words[2])
    case ("roleassignments", 2): self = .roleAssignments(scope: scope)
    case ("roleassignments", 3): self = .roleAssignment(scope: scope, id: words[2])
    default: return nil
    }
  }

  /// Resolves the one path whose meaning depends on the method: `POST /keys/restore`.
  package func forMethod(_ method: String) -> Route {
    if case .key(let name, nil) = self, method == "POST", name.lowercased() == "restore" { return .keyRestore }
    return self
  }

  /// RFC 3986 §2.1; nil for a broken escape, a NUL, an encoded slash (unless allowed, as in a query) or bytes that are not UTF-8.
  package static func percentDecoded(_ text: some StringProtocol, slashAllowed: Bool = false) -> String? {
    guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count)
    var iterator = text.utf8.makeIterator()
    while let byte = iterator.next() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard let high = iterator.next().flatMap(Self.hexDigit), let low = iterator.next().flatMap(Self.hexDigit) else { return nil }
      let value = high << 4 | low
      if value == 0 || (value == UInt8(ascii: "/") && !slashAllowed) { return nil }
      bytes.append(value)
    }
    return String(validating: bytes, as: UTF8.self)
  }

  private static func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
