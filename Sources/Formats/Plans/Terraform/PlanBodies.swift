/// Source of a resource as a value: arguments, blocks as lists of objects, `dynamic` blocks expanded as far as their collection is known.
extension PlanResolver {
  private static let meta: Set<String> = ["count", "for_each", "depends_on", "provider", "providers"]
  private static let metaBlocks: Set<String> = ["lifecycle", "provisioner", "connection"]

  func value(of body: HCLBody, bound: [String: PlanValue] = [:], in scope: Scope, depth: Int = 0) -> PlanValue {
    guard depth < 24 else { return HCLEvaluator.cannot("a block nested this deep") }
    var members: [String: PlanValue] = [:]
    for (name, attribute) in body.attributes where depth > 0 || !Self.meta.contains(name) {
      members[name] = evaluate(attribute.value, bound: bound, in: scope)
    }
    for block in body.blocks where depth > 0 || !Self.metaBlocks.contains(block.type) {
      if block.type == "dynamic", let name = block.labels.first {
        add(expanded(block, name, bound, scope, depth), to: &members, name)
      } else {
        add(.list([value(of: block.body, bound: bound, in: scope, depth: depth + 1)]), to: &members, block.type)
      }
    }
    return .object(members)
  }

  private func add(_ more: PlanValue, to members: inout [String: PlanValue], _ name: String) {
    switch (members[name], more) {
    case (nil, _): members[name] = more
    case (.list(let before)?, .list(let after)): members[name] = .list(before + after)
    case (let before?, _): members[name] = evaluator.joined([before, more]) ?? more
    }
  }

  private func expanded(_ block: HCLBlock, _ name: String, _ bound: [String: PlanValue], _ scope: Scope, _ depth: Int) -> PlanValue {
    guard let forEach = block.body.attributes["for_each"]?.value, let content = block.body.blocks("content").first else {
      return HCLEvaluator.cannot("a dynamic block without for_each or content")
    }
    var iterator = name
    if case .traversal(let word, let steps)? = block.body.attributes["iterator"]?.value, steps.isEmpty { iterator = word }
    let pairs: [(PlanValue, PlanValue)]
    switch evaluate(forEach, bound: bound, in: scope) {
    case .list(let elements): pairs = elements.map { ($0, $0) }
    case .object(let members): pairs = members.sorted { $0.key < $1.key }.map { (.string($0.key), $0.value) }
    case let other: return evaluator.joined([other]) ?? HCLEvaluator.cannot("a dynamic block over this kind of value")
    }
    guard pairs.count <= 10_000 else { return HCLEvaluator.cannot("a dynamic block of this size") }
    return .list(
      pairs.map { key, element in
        value(of: content.body, bound: bound.merging([iterator: .object(["key": key, "value": element])]) { $1 }, in: scope, depth: depth + 1)
      })
  }
}
