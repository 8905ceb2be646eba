/// One entry of a key's `key_ops`.
package enum KeyOperation: String, CaseIterable, Sendable {
  case encrypt, decrypt, sign, verify, wrapKey, unwrapKey
  /// Marks an RSA key as the exchange key of a bring-your-own-key import; it excludes every other operation.
  case `import`
  /// Marks a key that may leave by secure release.
  case export
  case deriveKey

  /// Whether the operation still works outside the window `nbf`…`exp`.
  /// Source: Key Vault "About keys", date-time controlled operations: decrypt, unwrap, release and verify.
  package var worksOutsideWindow: Bool {
    switch self {
    case .decrypt, .unwrapKey, .verify, .export: true
    case .encrypt, .sign, .wrapKey, .import, .deriveKey: false
    }
  }
}

/// A set of operations. Order never meant anything (managed-hsm-recorded.md §5), so none is kept.
package struct KeyOperations: OptionSet, Hashable, Sendable {
  package let rawValue: UInt16
  package init(rawValue: UInt16) { self.rawValue = rawValue }

  package init(_ operation: KeyOperation) {
    let bit: UInt16 =
      switch operation {
      case .encrypt: 0
      case .decrypt: 1
      case .sign: 2
      case .verify: 3
      case .wrapKey: 4
      case .unwrapKey: 5
      case .import: 6
      case .export: 7
      case .deriveKey: 8
      }
    rawValue = 1 << bit
  }
  package init(_ operations: some Sequence<KeyOperation>) {
    self = operations.reduce(into: []) { $0.formUnion(KeyOperations($1)) }
  }

  package static let encrypt = KeyOperations(.encrypt)
  package static let decrypt = KeyOperations(.decrypt)
  package static let sign = KeyOperations(.sign)
  package static let verify = KeyOperations(.verify)
  package static let wrapKey = KeyOperations(.wrapKey)
  package static let unwrapKey = KeyOperations(.unwrapKey)
  package static let `import` = KeyOperations(.import)
  package static let export = KeyOperations(.export)
  package static let deriveKey = KeyOperations(.deriveKey)
  static let all = KeyOperations(KeyOperation.allCases)

  package func contains(_ operation: KeyOperation) -> Bool { contains(KeyOperations(operation)) }

  /// The members, in the order of `KeyOperation.allCases`.
  package var list: [KeyOperation] { KeyOperation.allCases.filter { contains($0) } }
}
