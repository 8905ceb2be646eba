/// One thing a principal can do to a key or a store, in the canonical words that every command, file and finding uses (estate-and-gates §1.12).
///
/// The same word stands for the data action of a Managed HSM, the data action of a vault, and the word of an access policy.
/// The order of the cases is the canonical order of lists.
package enum Capability: String, Sendable, Hashable, CaseIterable, Comparable, CustomStringConvertible {
  case sign, verify, read
  case decrypt, unwrap
  case encrypt, wrap
  case release, export
  case backup, restore
  case `import`, create, rotate
  case update
  case delete, purge, recover
  case grant
  case domain

  package var description: String { rawValue }

  package static func < (a: Capability, b: Capability) -> Bool { a.order < b.order }

  private static let orders = Dictionary(uniqueKeysWithValues: allCases.enumerated().map { ($1, $0) })
  private var order: Int { Self.orders[self] ?? 0 }
}

/// What a capability means for an identity that only needs to sign.
package enum CapabilityClass: String, Sendable, Hashable, CaseIterable {
  /// Signing and what is public anyway.
  case sign = "S"
  /// Neutral: encrypt, wrap.
  case neutral = "N"
  /// Decrypt, unwrap, or the key leaves the boundary: the named violation of gate 1.
  case decrypt = "D"
  /// Equivalence: leads to misuse of a key (backup, import, rotate, update and the like).
  case equivalence = "E"
  /// Destruction.
  case destruction = "X"
  /// Can give itself or another the capabilities of class D.
  case grant = "G"
}

extension Capability {
  package var capabilityClass: CapabilityClass {
    switch self {
    case .sign, .verify, .read: .sign
    case .encrypt, .wrap: .neutral
    case .decrypt, .unwrap, .release, .export: .decrypt
    case .backup, .restore, .import, .create, .rotate, .update: .equivalence
    case .delete, .purge, .recover: .destruction
    case .grant, .domain: .grant
    }
  }

  /// Everything that can be done to one key, without the capabilities over the store itself.
  package static let ofKeys: Set<Capability> = Set(allCases).subtracting([.grant, .domain])
}

extension Set<Capability> {
  /// The canonical order of files and findings.
  package var canonical: [Capability] { sorted() }

  /// Those of one class.
  package func of(_ wanted: CapabilityClass) -> Set<Capability> { filter { $0.capabilityClass == wanted } }
}
