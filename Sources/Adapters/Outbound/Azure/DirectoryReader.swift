internal import Encodings
package import Estate

/// Reads one tenant's directory: who the principals of grants are, groups with their members (nested ones too), who is eligible for a group
/// through PIM, and applications with their federated and other credentials.
package struct DirectoryReader: Sendable {
  package static let maxGroups = 20_000

  let access: AzureAccess
  let concurrency: Int

  package init(_ access: AzureAccess, concurrency: Int = 4) {
    self.access = access
    self.concurrency = concurrency
  }

  private var graph: AzureEndpoint { .graph(access) }
  private var place: String { "tenant \(access.tenant)" }
  private static let fields = "id,displayName,userPrincipalName,appId,servicePrincipalType,alternativeNames"

  /// - Parameter grants: everything granted so far; those to groups are copied, latent, for each principal that is eligible for the group.
  package func read(_ grants: [InventorySnapshot.Grant]) async -> EstateFragment {
    var result = EstateFragment()
    var groups: [InventorySnapshot.Group] = []
    await principals(Set(grants.map(\.principal).filter(Self.isGUID)), &groups, &result)
    await members(groups, &result)
    await eligibilities(grants, &result)
    await applications(&result)
    return result
  }

  private static func isGUID(_ text: String) -> Bool {
    text.utf8.count == 36 && text.utf8.allSatisfy { $0 == 0x2D || $0 >= 0x30 && $0 <= 0x39 || ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x66 }
  }

  private func note(_ what: String, _ error: OutboundError, _ result: inout EstateFragment) {
    result.gaps.append(EstateGap("\(place) Graph \(what)", error.gapKind, why: error.description))
  }

  private func principals(_ ids: Set<String>, _ groups: inout [InventorySnapshot.Group], _ result: inout EstateFragment) async {
    let all = ids.sorted()
    var found: Set<String> = []
    for start in stride(from: 0, to: all.count, by: 1000) {
      let chunk = all[start..<min(start + 1000, all.count)]
      let body: JSONValue = ["ids": .array(chunk.map { .string($0) }), "types": ["user", "group", "servicePrincipal"]]
      do throws(OutboundError) {
        for value in try await graph.post("/v1.0/directoryObjects/getByIds", body)["value"]?.array ?? [] {
          switch DirectoryReading.principal(value) {
          case .group(let group):
            groups.append(group)
            found.insert(group.objectId.lowercased())
          case .identity(let identity):
            result.identities.append(identity)
            found.insert(identity.objectId.lowercased())
          case nil: break
          }
        }
      } catch {
        result.unseenPrincipals = Set(all.map { $0.lowercased() }).subtracting(found)
        return note("directoryObjects", error, &result)
      }
    }
    for id in all where !found.contains(id.lowercased()) {
      result.notes.append("\(id) holds a grant and is not in the directory of \(place): deleted, or of another tenant")
    }
  }

  private typealias Membership = (group: InventorySnapshot.Group, objects: [JSONValue], error: OutboundError?)

  /// Level by level, each group once: a group that contains itself ends.
  private func members(_ roots: [InventorySnapshot.Group], _ result: inout EstateFragment) async {
    var level = roots
    var known = Set(roots.map { $0.objectId.lowercased() })
    while !level.isEmpty {
      var next: [InventorySnapshot.Group] = []
      for (group, objects, error) in await BoundedGroup.map(level, limit: concurrency, { await membership($0) }) {
        var group = group
        if let error { note("groups/\(group.objectId)/members", error, &result) } else { group.members = objects.compactMap { $0["id"]?.string } }
        result.groups.append(group)
        for object in objects {
          switch DirectoryReading.principal(object) {
          case .group(let nested): if known.insert(nested.objectId.lowercased()).inserted { next.append(nested) }
          case .identity(let identity): result.identities.append(identity)
          case nil: break
          }
        }
      }
      guard known.count <= Self.maxGroups else {
        result.gaps.append(EstateGap("\(place) Graph groups", .incomplete, why: "more than \(Self.maxGroups) groups hold rights"))
        return
      }
      level = next
    }
  }

  private func membership(_ group: InventorySnapshot.Group) async -> Membership {
    do throws(OutboundError) {
      return (group, try await graph.list("/v1.0/groups/\(group.objectId)/members", [("$select", Self.fields), ("$top", "999")]), nil)
    } catch {
      return (group, [], error)
    }
  }

  private func eligibilities(_ grants: [InventorySnapshot.Grant], _ result: inout EstateFragment) async {
    let path = "/v1.0/identityGovernance/privilegedAccess/group/eligibilityScheduleInstances"
    for group in result.groups {
      do throws(OutboundError) {
        let instances = try await graph.list(path, [("$filter", "groupId eq '\(group.objectId)'")])
        result.grants += DirectoryReading.eligible(instances, grants: grants)
      } catch {
        note("eligibility for groups", error, &result)
        return
      }
    }
  }

  /// Every application: one that holds no right today may be granted one tomorrow, and gates ask whether a pipeline can become it.
  private func applications(_ result: inout EstateFragment) async {
    let items: [JSONValue]
    do throws(OutboundError) {
      items = try await graph.list("/v1.0/applications", [("$select", "id,appId,displayName,passwordCredentials,keyCredentials"), ("$top", "999")])
    } catch {
      return note("applications", error, &result)
    }
    var failure: OutboundError?
    for (identity, error) in await BoundedGroup.map(items, limit: concurrency, { await application($0) }) {
      if let identity { result.identities.append(identity) }
      if let error { failure = error }
    }
    if let failure { note("applications' credentials", failure, &result) }
  }

  private func application(_ item: JSONValue) async -> (InventorySnapshot.Identity?, OutboundError?) {
    guard let id = item["id"]?.string, let appId = item["appId"]?.string, Self.isGUID(id), Self.isGUID(appId) else { return (nil, nil) }
    do throws(OutboundError) {
      let principal = try await graph.get("/v1.0/servicePrincipals(appId='\(appId)')", [("$select", Self.fields)])
      guard let objectId = principal["id"]?.string else { return (nil, nil) }
      let (secrets, certificates) = DirectoryReading.credentials(of: item)
      var identity = InventorySnapshot.Identity(
        objectId: objectId, clientId: appId, kind: .servicePrincipal, name: item["displayName"]?.string, secrets: secrets, certificates: certificates)
      do throws(OutboundError) {
        identity.federated = try await graph.list("/v1.0/applications/\(id)/federatedIdentityCredentials").compactMap(DirectoryReading.federated)
        return (identity, nil)
      } catch {
        return (identity, error)
      }
    } catch {
      // An application without a service principal here can do nothing here.
      return (nil, error.isNotFound ? nil : error)
    }
  }
}
