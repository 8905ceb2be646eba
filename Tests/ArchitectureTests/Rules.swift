/// The floors from bottom to top; a target's folder is `Sources/<Floor>/<Target>/`.
enum Floor: String, CaseIterable, Comparable {
  case ground = "Ground"
  case formats = "Formats"
  case cores = "Cores"
  case adapters = "Adapters"
  case surfaces = "Surfaces"
  case products = "Products"

  private var height: Int { Self.allCases.firstIndex(of: self) ?? 0 }
  static func < (a: Floor, b: Floor) -> Bool { a.height < b.height }
}

/// What docs/architecture.md states in words.
enum Rules {
  /// Imports between two targets of one floor. A new pair needs a page in docs/decisions/.
  static let sideways: [String: Set<String>] = [
    "Secrets": ["Encodings"],
    "ManagedHSMWire": ["JOSE"],
    "NotaryFormats": ["JOSE"],
    "Audit": ["Ledger"],
    "Custody": ["Access"],
    "SecurityDomain": ["Custody"],
    "Issuance": ["Trust"],
    "Signing": ["Trust"],
    "Estate": ["Audit", "Access", "Custody", "Trust"],
    "Gates": ["Access", "Estate"],
    "Watch": ["Audit", "Estate"],
    "SoftwareEngine": ["CLibcrypto"],
  ]

  /// Every adapter may log and count.
  static let adapterForAll = "Telemetry"

  /// Targets that are a module map and a header, and have no Swift file to open with a charter.
  static let systemLibraries: Set<String> = ["CLibcrypto", "CZlib"]

  /// Modules of the toolchain and the operating system: no floor, no declaration.
  static let system: Set<String> = [
    "Darwin", "Dispatch", "Foundation", "FoundationEssentials", "Glibc", "Musl", "Synchronization", "Swift",
  ]

  /// All that Ground, Formats and Cores may use of other packages.
  static let pureLibraries: Set<String> = ["Collections", "Crypto", "CryptoExtras", "SwiftASN1", "X509"]

  static let lineLimit = 400

  /// Files that may be longer, with the reason. A generated table or one indivisible story is a reason; growth is not.
  static let longFiles: [String: String] = [
    "Tests/AccessTests/TokenTests.swift":
      "one world of issuers, applications and assertions, made once; five suites of refusals read it",
  ]

  /// - Returns: why `target` may not import `other`, or nil.
  static func objection(to other: Manifest.Target, in target: Manifest.Target) -> String? {
    if other.name == target.name || other.floor < target.floor { return nil }
    if other.floor > target.floor { return "\(target.name) (\(target.floor.rawValue)) looks up to \(other.name) (\(other.floor.rawValue))" }
    if sideways[target.name]?.contains(other.name) == true { return nil }
    if target.floor == .adapters, other.name == adapterForAll { return nil }
    return "\(target.name) looks sideways at \(other.name); that pair is not on the list"
  }
}
