/// Runs a task for each element, at most `limit` at once, and hands results over as they come.
package enum BoundedGroup {
  package static func each<Element: Sendable, Result: Sendable>(
    _ elements: [Element], limit: Int, _ work: @escaping @Sendable (Element) async -> Result, result take: (Result) -> Void
  ) async {
    await withTaskGroup(of: Result.self) { group in
      var next = 0
      func add() {
        guard next < elements.count, !Task.isCancelled else { return }
        let element = elements[next]
        next += 1
        group.addTask { await work(element) }
      }
      for _ in 0..<max(1, limit) { add() }
      for await result in group {
        take(result)
        add()
      }
    }
  }

  /// The results in the order of the elements.
  package static func map<Element: Sendable, Result: Sendable>(
    _ elements: [Element], limit: Int, _ work: @escaping @Sendable (Element) async -> Result
  ) async -> [Result] {
    var results: [(Int, Result)] = []
    await each(Array(elements.enumerated()), limit: limit, { pair in (pair.offset, await work(pair.element)) }, result: { results.append($0) })
    return results.sorted { $0.0 < $1.0 }.map(\.1)
  }
}
