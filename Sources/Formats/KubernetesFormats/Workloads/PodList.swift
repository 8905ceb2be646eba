package import Encodings

/// One page of `GET /api/v1/pods`, as far as it says what runs.
package struct PodList: Sendable, Equatable {
  package static let limits = JSONLimits(maxBytes: 64 << 20, maxDepth: 48, maxElements: 4_000_000)
  package static let maxPods = 100_000

  package var images: [RunningImage]
  /// Token for the next page; nil at the end.
  package var next: String?
  /// Owners that are not the workload itself: a ReplicaSet belongs to a Deployment, a Job to a CronJob.
  package var owners: Set<Owner>

  package init(images: [RunningImage], next: String?, owners: Set<Owner>) {
    self.images = images
    self.next = next
    self.owners = owners
  }

  package struct Owner: Sendable, Hashable {
    package var namespace: String
    package var kind: String
    package var name: String

    package init(namespace: String, kind: String, name: String) { (self.namespace, self.kind, self.name) = (namespace, kind, name) }
    /// `replicaset/web-6f…`.
    package var workload: String { "\(kind.lowercased())/\(name)" }
  }

  /// Fuzz entry point. Pods that are `Succeeded` or `Failed` run nothing and are left out.
  package static func parse(_ bytes: some Sequence<UInt8>) throws(WorkloadListError) -> PodList {
    let value: JSONValue
    do { value = try JSONValue.parse(Array(bytes), limits: limits) } catch { throw .notJSON(error) }
    guard let items = value["items"] else { throw .member("items", wanted: "an array") }
    // A list without entries may have null here.
    let pods = items.isNull ? [] : items.array
    guard let pods else { throw .member("items", wanted: "an array") }
    guard pods.count <= maxPods else { throw .tooMany(limit: maxPods) }
    var result = PodList(images: [], next: value["metadata"]?["continue"]?.string.flatMap { $0.isEmpty ? nil : $0 }, owners: [])
    for pod in pods { try result.add(pod) }
    return result
  }

  private mutating func add(_ pod: JSONValue) throws(WorkloadListError) {
    guard let metadata = pod["metadata"], let name = metadata["name"]?.string else { throw .member("items[].metadata.name", wanted: "a text") }
    let phase = pod["status"]?["phase"]?.string
    guard phase != "Succeeded", phase != "Failed" else { return }
    let namespace = metadata["namespace"]?.string ?? "default"
    var workload = "pod/\(name)"
    let references = metadata["ownerReferences"]?.array ?? []
    if let owner = references.first(where: { $0["controller"]?.bool == true }) ?? references.first, let kind = owner["kind"]?.string,
      let ownerName = owner["name"]?.string
    {
      let found = Owner(namespace: namespace, kind: kind, name: ownerName)
      workload = found.workload
      if kind == "ReplicaSet" || kind == "Job" { owners.insert(found) }
    }
    for (role, statuses) in [("containers", "containerStatuses"), ("initContainers", "initContainerStatuses"), ("ephemeralContainers", "ephemeralContainerStatuses")] {
      var ids: [String: (id: ImageID?, since: String?, image: String?)] = [:]
      for status in pod["status"]?[statuses]?.array ?? [] {
        guard let container = status["name"]?.string else { continue }
        ids[container] = (status["imageID"]?.string.flatMap(ImageID.init), status["state"]?["running"]?["startedAt"]?.string, status["image"]?.string)
      }
      for container in pod["spec"]?[role]?.array ?? [] {
        guard let containerName = container["name"]?.string else { continue }
        let status = ids[containerName]
        images.append(
          RunningImage(
            image: container["image"]?.string ?? status?.image, id: status?.id, namespace: namespace, workload: workload, container: containerName,
            since: status?.since ?? pod["status"]?["startTime"]?.string))
      }
    }
  }

  /// Names the workload behind ReplicaSets and Jobs: `deployment/web` instead of `replicaset/web-6f`.
  ///
  /// - Parameter parents: owner in the middle to its own owner.
  package mutating func rename(_ parents: [Owner: Owner]) {
    let names = Dictionary(parents.map { ("\($0.key.namespace)\u{0}\($0.key.workload)", $0.value.workload) }, uniquingKeysWith: { first, _ in first })
    for i in images.indices {
      if let better = names["\(images[i].namespace ?? "")\u{0}\(images[i].workload)"] { images[i].workload = better }
    }
  }
}

/// One page of ReplicaSets or Jobs: who owns each.
package struct OwnerList: Sendable, Equatable {
  package var parents: [PodList.Owner: PodList.Owner]
  package var next: String?

  /// - Parameter kind: of the items, which a list does not repeat.
  package static func parse(_ bytes: some Sequence<UInt8>, kind: String) throws(WorkloadListError) -> OwnerList {
    let value: JSONValue
    do { value = try JSONValue.parse(Array(bytes), limits: PodList.limits) } catch { throw .notJSON(error) }
    guard let items = value["items"].map({ $0.isNull ? [] : $0.array }) ?? nil else { throw .member("items", wanted: "an array") }
    guard items.count <= PodList.maxPods else { throw .tooMany(limit: PodList.maxPods) }
    var result = OwnerList(parents: [:], next: value["metadata"]?["continue"]?.string.flatMap { $0.isEmpty ? nil : $0 })
    for item in items {
      guard let name = item["metadata"]?["name"]?.string, let owner = item["metadata"]?["ownerReferences"]?.array?.first,
        let ownerKind = owner["kind"]?.string, let ownerName = owner["name"]?.string
      else { continue }
      let namespace = item["metadata"]?["namespace"]?.string ?? "default"
      result.parents[PodList.Owner(namespace: namespace, kind: kind, name: name)] = PodList.Owner(namespace: namespace, kind: ownerKind, name: ownerName)
    }
    return result
  }
}
