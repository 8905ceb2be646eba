internal import Encodings
internal import Estate

/// Reads a Managed HSM's own roles and assignments. A list at `/` does not name those of single keys: every key scope is asked for, deleted keys too (§1.10).
struct LocalRightsReader: Sendable {
  let endpoint: any EstateEndpoint
  let store: String
  let concurrency: Int

  private static let provider = "/providers/Microsoft.Authorization"

  func read(keys: [String]) async -> EstateFragment {
    var result = EstateFragment()
    do throws(OutboundError) {
      result.roles = try await endpoint.list("\(Self.provider)/roleDefinitions").flatMap { RoleReading.role($0, store: store) }
    } catch {
      result.gaps.append(EstateGap("\(store) roleDefinitions", error.gapKind, why: error.description))
    }
    let scopes = ["", "/keys"] + Set(keys).sorted().map { "/keys/\($0)" }
    // When the root is refused, the narrower scopes tell nothing but the same refusal.
    var seen: Set<String> = []
    let root = await assignments(scopes[0])
    take(root, &result, &seen)
    if case .failure = root, scopes.count > 3 { return result }
    for answer in await BoundedGroup.map(Array(scopes.dropFirst()), limit: concurrency, { await assignments($0) }) { take(answer, &result, &seen) }
    return result
  }

  private struct Failed: Error { var gap: EstateGap }

  private func take(_ answer: Result<[InventorySnapshot.Grant], Failed>, _ result: inout EstateFragment, _ seen: inout Set<String>) {
    switch answer {
    case .success(let grants): result.grants += grants.filter { seen.insert($0.id).inserted }
    case .failure(let failed): result.gaps.append(failed.gap)
    }
  }

  private func assignments(_ scope: String) async -> Result<[InventorySnapshot.Grant], Failed> {
    do throws(OutboundError) {
      return .success(try await endpoint.list("\(scope)\(Self.provider)/roleAssignments").compactMap { RoleReading.local($0, store: store) })
    } catch {
      return .failure(Failed(gap: EstateGap("\(store) roleAssignments at \(scope.isEmpty ? "/" : scope)", error.gapKind, why: error.description)))
    }
  }
}
