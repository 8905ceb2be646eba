internal import Encodings
internal import Estate
internal import KubernetesFormats

/// What Azure's own container hosts run, by Resource Graph: Container Apps, Container Instances and App Service (§4.1). These know an image by
/// its text only: one that is pinned by digest is an artifact that runs, one with a tag is named as not seen, since the tag may have moved since.
struct ContainerHosts: Sendable {
  static let query = """
    resources | where type in~ ('microsoft.app/containerapps', 'microsoft.app/jobs', 'microsoft.containerinstance/containergroups', 'microsoft.web/sites', 'microsoft.web/sites/slots') | project id, name, type, subscriptionId, resourceGroup, properties | order by id asc
    """

  /// Rows of the query as running images.
  static func images(_ rows: [JSONValue], only: Set<String>) -> [RunningImage] {
    rows.flatMap { row -> [RunningImage] in
      guard let name = row["name"]?.string, let type = row["type"]?.string?.lowercased(), let properties = row["properties"] else { return [] }
      let subscription = row["subscriptionId"]?.string ?? ""
      guard only.isEmpty || only.contains(subscription.lowercased()) else { return [] }
      let texts: [String]
      switch type {
      case "microsoft.app/containerapps", "microsoft.app/jobs":
        texts = ["containers", "initContainers"].flatMap { properties["template"]?[$0]?.array ?? [] }.compactMap { $0["image"]?.string }
      case "microsoft.containerinstance/containergroups":
        texts = ["containers", "initContainers"].flatMap { properties[$0]?.array ?? [] }.compactMap { $0["properties"]?["image"]?.string }
      case "microsoft.web/sites", "microsoft.web/sites/slots":
        let version = properties["siteConfig"]?["linuxFxVersion"]?.string ?? ""
        texts = version.uppercased().hasPrefix("DOCKER|") ? [String(version.dropFirst(7))] : []
      default: return []
      }
      let kind = type.split(separator: "/").dropFirst().joined(separator: "/")
      return texts.map { text in
        RunningImage(
          image: text, id: ImageID(text).flatMap { $0.meaning == .manifest ? $0 : nil }, namespace: row["resourceGroup"]?.string, workload: "\(kind)/\(name)",
          environment: "azure/\(subscription)")
      }
    }
  }

  /// - Parameter place: for gaps.
  static func read(_ endpoint: AzureEndpoint, place: String, only: Set<String>) async -> EstateFragment {
    var result = EstateFragment()
    do throws(OutboundError) {
      let (rows, isWhole) = try await endpoint.resourceGraph(query)
      let images = images(rows, only: only)
      result.artifacts = RunningArtifacts.artifacts(images, cluster: "azure").artifacts
      if !isWhole { result.gaps.append(EstateGap("\(place) container hosts", .incomplete, why: "Resource Graph says that its list is cut short")) }
      for image in images where image.id == nil {
        result.gaps.append(EstateGap("\(image.workload)", .incomplete, why: "it runs \(image.image ?? "an image") by tag: which content that was is not known"))
      }
    } catch {
      result.gaps.append(EstateGap("\(place) container hosts", error.gapKind, why: error.description))
    }
    return result
  }
}
