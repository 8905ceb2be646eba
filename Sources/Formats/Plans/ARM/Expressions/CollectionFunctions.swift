import Encodings

extension TemplateFrame {
  /// Functions over lists and objects. Nil: not one of these.
  func collection(_ name: String, _ values: [PlanValue]) throws(TemplateError) -> PlanValue? {
    switch name {
    case "createarray": return .list(values)
    case "array": return values.first.map { $0.list != nil || $0.unknown != nil ? $0 : .list([$0]) }
    case "createobject":
      var members: [String: PlanValue] = [:]
      var index = 0
      while index + 1 < values.count {
        guard let key = values[index].string else { return .unknowing(of: values, "createObject() with a name not known") }
        members[key] = values[index + 1]
        index += 2
      }
      return .object(members)
    case "concat": return Self.joined(values)
    case "union": return union(values)
    case "intersection":
      guard !values.contains(where: \.isUncertain) else { return .unknowing(of: values, "intersection() with something not known") }
      let lists = values.compactMap(\.list)
      if lists.count == values.count, var common = lists.first {
        for list in lists.dropFirst() {
          let other = Set(list)
          common = common.filter { other.contains($0) }
        }
        return .list(common)
      }
      let objects = values.compactMap(\.object)
      guard objects.count == values.count, let first = objects.first else { return .unknowing(of: values, "intersection() of different kinds") }
      return .object(first.filter { member in objects.allSatisfy { $0[member.key] == member.value } })
    case "range":
      guard values.count == 2, let start = values[0].int, let count = values[1].int, (0...10_000).contains(count) else { return .unknowing(of: values, "range() of unknown or excessive bounds") }
      return .list((0..<count).map { .number(JSONNumber(start &+ $0)) })
    case "length":
      guard let value = values.first else { return nil }
      if let object = value.object { return .number(JSONNumber(object.count)) }
      guard let list = value.list, !list.contains(where: { $0.unknown != nil }) else { return .unknowing(of: values, "length() of something not known") }
      return .number(JSONNumber(list.count))
    case "empty":
      switch values.first {
      case .null: return .bool(true)
      case .list(let list): return list.isEmpty ? .bool(true) : list.allSatisfy({ $0.unknown != nil }) ? .unknowing(of: list) : .bool(false)
      case .object(let members): return .bool(members.isEmpty)
      default: return .unknowing(of: values, "empty() of something not known")
      }
    case "first", "last":
      guard let list = values.first?.list else { return .unknowing(of: values, "\(name)() of something not known") }
      return (name == "first" ? list.first : list.last) ?? .null
    case "take", "skip":
      guard values.count == 2, let list = values[0].list, let count = values[1].int else { return .unknowing(of: values, "\(name)() of something not known") }
      guard !list.prefix(max(count, 0)).contains(where: Self.isOpen) else { return .unknowing(of: list, Self.openPart) }
      return .list(Array(name == "take" ? list.prefix(max(count, 0)) : list.dropFirst(max(count, 0))))
    case "contains": return contains(values)
    case "flatten":
      guard let list = values.first?.list else { return .unknowing(of: values, "flatten() of something not known") }
      return .list(list.flatMap { $0.list ?? [$0] })
    case "join":
      guard values.count == 2, let list = values[0].list, let separator = values[1].string, let texts = texts(list) else { return .unknowing(of: values, "join() of something not known") }
      return .string(texts.joined(separator: separator))
    case "items":
      guard let members = values.first?.object else { return .unknowing(of: values, "items() of something not known") }
      return .list(members.keys.sorted().map { .object(["key": .string($0), "value": members[$0] ?? .null]) })
    case "objectkeys":
      guard let members = values.first?.object else { return .unknowing(of: values, "objectKeys() of something not known") }
      return .list(members.keys.sorted().map { .string($0) })
    case "shallowmerge":
      guard let list = values.first?.list else { return .unknowing(of: values, "shallowMerge() of something not known") }
      var merged: [String: PlanValue] = [:]
      for value in list {
        guard let members = value.object else { return .unknowing(of: values, "shallowMerge() of something not known") }
        merged.merge(members) { $1 }
      }
      return .object(merged)
    case "tryget":
      guard var value = values.first else { return nil }
      for index in values.dropFirst() { value = Self.element(index, of: value) }
      return value
    case "tryindexfromend", "indexfromend":
      guard values.count == 2, let list = values[0].list, let index = values[1].int else { return .unknowing(of: values, "\(name)() of something not known") }
      guard !list.suffix(max(index, 0)).contains(where: Self.isOpen) else { return .unknowing(of: list, Self.openPart) }
      return index >= 1 && index <= list.count ? list[list.count - index] : .null
    default: return nil
    }
  }

  /// Stands in a list for any number of elements.
  static let openPart = "a part of a list that is not known"
  static func isOpen(_ value: PlanValue) -> Bool { value.unknown?.missing.map { $0 == openPart || $0.hasPrefix("copy '") } ?? false }

  /// Lists end to end. A list that is not known leaves one unknown element where it would be: the known ones must stay visible.
  private static func joined(_ values: [PlanValue]) -> PlanValue {
    var result: [PlanValue] = []
    for value in values {
      switch value {
      case .list(let list): result += list
      case .null: break
      default: result.append(.unknowing(of: [value], Self.openPart))
      }
    }
    return .list(result)
  }

  private func union(_ values: [PlanValue]) -> PlanValue {
    let present = values.filter { !$0.isNull }
    if present.contains(where: { $0.list != nil }) {
      guard case .list(let all) = Self.joined(present) else { return .null }
      var seen = Set<PlanValue>()
      return .list(all.filter { seen.insert($0).inserted })
    }
    var merged: PlanValue = .object([:])
    for value in present {
      guard value.object != nil else { return .unknowing(of: values, "union() with something not known") }
      merged = Self.merged(merged, value, depth: 0)
    }
    return merged
  }

  /// Objects merge to the bottom, lists are replaced: as Azure's `union` does.
  private static func merged(_ a: PlanValue, _ b: PlanValue, depth: Int) -> PlanValue {
    guard depth < 64, var result = a.object, let other = b.object else { return b }
    for (key, value) in other { result[key] = result[key].map { merged($0, value, depth: depth + 1) } ?? value }
    return .object(result)
  }

  private func contains(_ values: [PlanValue]) -> PlanValue {
    guard values.count == 2 else { return .unknowing(of: values, "contains() with other than two arguments") }
    if let list = values[0].list {
      if values[1].unknown == nil, list.contains(values[1]) { return .bool(true) }
      return values.contains(where: \.isUncertain) ? .unknowing(of: values, "contains() with something not known") : .bool(false)
    }
    if let members = values[0].object, let key = values[1].string, !Placeholder.isOpaque(key) {
      return .bool(members.keys.contains { $0.lowercased() == key.lowercased() })
    }
    return .unknowing(of: values, "contains() with something not known")
  }
}
