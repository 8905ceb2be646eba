import Encodings

/// `after` and its mirror `after_unknown` as one value; sensitive mirrors as paths.
enum PlanMerge {
  /// Members that the mirror marks `true` are unknown, whether `after` has them or not. Elements are merged by index.
  static func merge(_ after: JSONValue, unknown: JSONValue?) -> PlanValue {
    switch unknown {
    case .bool(true)?: return .unknown(UnknownValue())
    case .object(let mirror)?:
      guard !mirror.isEmpty else { return PlanValue(after) }
      var members: [String: PlanValue] = [:]
      let present = after.object?.members ?? []
      members.reserveCapacity(present.count + mirror.count)
      let marks = Dictionary(mirror.members.map { ($0.name, $0.value) }) { first, _ in first }
      for member in present { members[member.name] = merge(member.value, unknown: marks[member.name]) }
      for (name, mark) in marks where members[name] == nil && hasUnknown(mark) { members[name] = merge(.null, unknown: mark) }
      // A null with nothing unknown in its mirror is null.
      return present.isEmpty && members.isEmpty ? PlanValue(after) : .object(members)
    case .array(let mirror)?:
      guard !mirror.isEmpty else { return PlanValue(after) }
      let present = after.array ?? []
      let count = max(present.count, mirror.lastIndex(where: hasUnknown).map { $0 + 1 } ?? 0)
      if count == 0 { return PlanValue(after) }
      return .list((0..<count).map { merge($0 < present.count ? present[$0] : .null, unknown: $0 < mirror.count ? mirror[$0] : nil) })
    default: return PlanValue(after)
    }
  }

  private static func hasUnknown(_ mark: JSONValue) -> Bool {
    switch mark {
    case .bool(let value): value
    case .array(let elements): elements.contains(where: hasUnknown)
    case .object(let object): object.members.contains { hasUnknown($0.value) }
    default: false
    }
  }

  /// Paths that a mirror marks `true`; the empty path is the whole resource.
  static func sensitive(_ mirror: JSONValue?, _ path: String = "", into paths: inout Set<String>) {
    switch mirror {
    case .bool(true)?: paths.insert(path)
    case .object(let object)?: for member in object.members { sensitive(member.value, path.isEmpty ? member.name : "\(path).\(member.name)", into: &paths) }
    case .array(let elements)?: for (index, element) in elements.enumerated() { sensitive(element, path.isEmpty ? "\(index)" : "\(path).\(index)", into: &paths) }
    default: break
    }
  }
}
