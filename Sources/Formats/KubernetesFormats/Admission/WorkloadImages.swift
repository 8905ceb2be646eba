package import Encodings

/// One image reference in an object, with the place where it stands.
package struct WorkloadImage: Sendable, Hashable {
  package enum Role: String, Sendable, Hashable {
    case container = "containers", initial = "initContainers", ephemeral = "ephemeralContainers"
    /// An image mounted as files: containers may run what lies in it.
    case volume = "volumes"

    static let containers: [Role] = [.container, .initial, .ephemeral]
  }

  package var role: Role
  /// The container's or volume's name.
  package var container: String
  package var image: String
  /// JSON pointer (RFC 6901) of the image's text in the object.
  package var pointer: String
}

extension WorkloadImage {
  /// Containers of one object. Pods of more cannot be stored.
  package static let maxContainers = 1000
  package static let maxVolumes = 10_000

  /// Where the pod's spec stands in objects of each kind; nil for kinds that run no images.
  private static func podSpec(_ kind: String) -> [String]? {
    switch kind {
    case "Pod": ["spec"]
    case "Deployment", "DaemonSet", "StatefulSet", "ReplicaSet", "ReplicationController", "Job": ["spec", "template", "spec"]
    case "CronJob": ["spec", "jobTemplate", "spec", "template", "spec"]
    case "PodTemplate": ["template", "spec"]
    default: nil
    }
  }

  /// Every image of containers, init containers and ephemeral containers, and of volumes that are images.
  ///
  /// - Returns: nil when the kind runs no images. An empty list means that there are none.
  /// - Throws: a container without an image or a list that is none: what cannot be read must not be admitted as empty.
  package static func all(in object: JSONValue, kind: String) throws(AdmissionError) -> [WorkloadImage]? {
    guard let path = podSpec(kind) else { return nil }
    var spec = object
    for (i, name) in path.enumerated() {
      guard let next = spec[name], next.object != nil else {
        // A replication controller may have no template, and then runs nothing.
        if kind == "ReplicationController", spec[name].map(\.isNull) ?? true, i == 1 { return [] }
        throw .member("request.object." + path.prefix(i + 1).joined(separator: "."), wanted: "an object")
      }
      spec = next
    }
    let base = "/" + path.joined(separator: "/")
    var result: [WorkloadImage] = []
    for role in Role.containers {
      guard let list = spec[role.rawValue], !list.isNull else { continue }
      guard let containers = list.array else { throw .member("request.object\(base)/\(role.rawValue)", wanted: "an array") }
      guard result.count + containers.count <= maxContainers else { throw .tooManyContainers(limit: maxContainers) }
      for (i, container) in containers.enumerated() {
        let pointer = "\(base)/\(role.rawValue)/\(i)/image"
        guard let image = container["image"]?.string, !image.isEmpty else { throw .member("request.object\(pointer)", wanted: "an image reference") }
        result.append(WorkloadImage(role: role, container: container["name"]?.string ?? "\(i)", image: image, pointer: pointer))
      }
    }
    return result + (try volumes(spec, base))
  }

  private static func volumes(_ spec: JSONValue, _ base: String) throws(AdmissionError) -> [WorkloadImage] {
    guard let list = spec["volumes"], !list.isNull else { return [] }
    guard let volumes = list.array else { throw .member("request.object\(base)/volumes", wanted: "an array") }
    guard volumes.count <= maxVolumes else { throw .tooManyContainers(limit: maxVolumes) }
    var result: [WorkloadImage] = []
    for (i, volume) in volumes.enumerated() {
      guard let source = volume["image"], !source.isNull else { continue }
      let pointer = "\(base)/volumes/\(i)/image/reference"
      // A pod template may leave the reference to a controller: there is nothing to judge yet, and the pod is asked about again.
      guard let reference = source["reference"], !reference.isNull else { continue }
      guard let image = reference.string else { throw .member("request.object\(pointer)", wanted: "an image reference") }
      if image.isEmpty { continue }
      result.append(WorkloadImage(role: .volume, container: volume["name"]?.string ?? "\(i)", image: image, pointer: pointer))
    }
    return result
  }
}

extension AdmissionRequest {
  /// The images this request brings in: all of a created object; of an updated one, those that its old object did not have under the same container.
  ///
  /// An image that was there before is not asked about again: a later revocation must not keep a pod from losing its finalizers. Its next pod is.
  ///
  /// - Returns: nil when the request can bring in none (deletes, connects, other kinds).
  package func newImages() throws(AdmissionError) -> [WorkloadImage]? {
    guard operation == .create || operation == .update else { return nil }
    // Subresources with a pod in them: only this one changes images. Others (status, scale, binding, eviction) carry other objects.
    if let subresource, subresource != "ephemeralcontainers" { return nil }
    guard let images = try WorkloadImage.all(in: object, kind: kind) else { return nil }
    guard operation == .update, let oldObject else { return images }
    let old = (try? WorkloadImage.all(in: oldObject, kind: kind)) ?? []
    let known = Set(old.map { [$0.role.rawValue, $0.container, $0.image] })
    return images.filter { !known.contains([$0.role.rawValue, $0.container, $0.image]) }
  }
}
