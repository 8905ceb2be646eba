internal import Clocks
internal import Encodings
package import Estate
package import KubernetesFormats
internal import OCI

/// What runs, as artifacts of the inventory: one for each digest, with where it runs.
package enum RunningArtifacts {
  /// - Parameter cluster: of images whose source names none.
  /// - Returns: the artifacts, and how many images have no digest: still pulling, or a list entry with a tag only.
  package static func artifacts(_ images: [RunningImage], cluster: String) -> (artifacts: [InventorySnapshot.Artifact], withoutDigest: Int) {
    var byDigest: [String: InventorySnapshot.Artifact] = [:]
    var missing = 0
    for image in images {
      guard let id = image.id else {
        missing += 1
        continue
      }
      var artifact = byDigest[id.digest] ?? InventorySnapshot.Artifact(digest: id.digest, names: [], closure: [], signatures: nil, running: [])
      // The runtime's repository may be another one than the specification's: both are names of it.
      for name in [id.repository, image.image.flatMap(repository)] {
        if let name, !artifact.names.contains(name) { artifact.names.append(name) }
      }
      let since = image.since.flatMap { try? ISO8601.parse($0) }.map { Instant(nanoseconds: $0) }
      let running = InventorySnapshot.Running(
        cluster: image.environment ?? cluster, namespace: image.namespace, workload: image.workload, since: since)
      // Replicas of one workload run since different times: the first counts.
      if let i = artifact.running?.firstIndex(where: { $0.cluster == running.cluster && $0.namespace == running.namespace && $0.workload == running.workload }) {
        if let since, let held = artifact.running?[i].since, since < held { artifact.running?[i].since = since }
      } else {
        artifact.running?.append(running)
      }
      byDigest[id.digest] = artifact
    }
    return (byDigest.values.sorted { $0.digest < $1.digest }, missing)
  }

  /// `registry/path` without tag and digest, in the full form; nil for what is no reference.
  private static func repository(_ image: String) -> String? { (try? ImageReference(image))?.home.name }
}
