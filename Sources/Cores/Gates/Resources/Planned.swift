package import Plans

/// An attribute of a planned resource. Unknown is not absent, and neither is empty.
package enum Planned<Value: Sendable & Hashable>: Sendable, Hashable {
  case known(Value)
  /// Only the apply will know.
  case unknown(UnknownValue)
  /// Not written, or written as null: whatever the service makes of that.
  case absent

  package var value: Value? { if case .known(let value) = self { value } else { nil } }
  package var unknownValue: UnknownValue? { if case .unknown(let value) = self { value } else { nil } }
  package var isAbsent: Bool { if case .absent = self { true } else { false } }
  package var isUnknown: Bool { if case .unknown = self { true } else { false } }

  package func map<Other>(_ transform: (Value) -> Other?) -> Planned<Other> {
    switch self {
    case .known(let value): transform(value).map { .known($0) } ?? .absent
    case .unknown(let unknown): .unknown(unknown)
    case .absent: .absent
    }
  }
}

extension Planned {
  /// The words of a list that are known, and what is not known of it.
  package func words<Word>() -> (known: [Word], unknown: UnknownValue?) where Value == [Planned<Word>] {
    switch self {
    case .known(let list): (list.compactMap(\.value), list.lazy.compactMap(\.unknownValue).first)
    case .unknown(let unknown): ([], unknown)
    case .absent: ([], nil)
    }
  }
}

/// A list some elements of which may be unknown.
package typealias PlannedWords = Planned<[Planned<String>]>
