import Clocks
import DiagnosticLogs
import Encodings
import Estate
import KubernetesFormats

/// Documents of clusters, storage containers and Azure that an inventory sweep reads.
enum CollectionTargets {
  /// Law: an image id that is read has a digest in one form, which reads as itself; renaming owners neither adds nor loses an image.
  static func kubernetesList(_ bytes: UnsafeRawBufferPointer) {
    if var page = try? PodList.parse(bytes) {
      for image in page.images {
        if let id = image.id { precondition(ImageID.digest(id.digest) == id.digest && (id.meaning == .configuration) == (id.repository == nil)) }
      }
      let count = page.images.count
      page.rename((try? OwnerList.parse(bytes, kind: "ReplicaSet"))?.parents ?? [:])
      precondition(page.images.count == count)
    }
    for image in (try? WorkloadListFile.parse(bytes)) ?? [] { precondition(!image.workload.isEmpty) }
  }

  /// Law: a listed blob has a name and a length; a page never has more blobs than its text has room for.
  static func blobList(_ bytes: UnsafeRawBufferPointer) {
    if let page = try? BlobList.parse(bytes) {
      precondition(page.blobs.count <= bytes.count / 20)
      for blob in page.blobs { precondition(!blob.name.isEmpty && blob.length >= 0) }
    }
    if let table = try? LogTable.parse(bytes) { precondition(table.rows.count <= bytes.count) }
  }

  /// Law: a next page is on the origin that was asked; what is read from items never traps, and a name never leaves its segment of a path.
  static func armPage(_ bytes: UnsafeRawBufferPointer) {
    _ = try? ResourceGraphPage.parse(bytes)
    let origin = "https://a.example"
    guard let page = try? AzurePage.parse(bytes, origin: origin) else { return }
    if let next = page.next {
      let rest = next.dropFirst(origin.utf8.count)
      precondition(next.lowercased().hasPrefix(origin) && (rest.isEmpty || rest.hasPrefix(":443") || "/?#".contains(rest.first ?? "/")))
    }
    for item in page.items {
      if let store = StoreReading.store(item, at: .init(seconds: 0)) {
        _ = StoreReading.policies(item, store: store)
        _ = StoreReading.locks(page.items, over: store.armId ?? "")
      }
      _ = KeyReading.key(item, store: "s", rotation: KeyReading.rotation(item), deleted: false)
      if let kid = item["kid"]?.string, let parts = KeyReading.parts(kid) { precondition(!parts.name.contains("/") && !parts.name.contains(".")) }
      _ = RoleReading.matters(RoleReading.role(item, store: nil))
      _ = RoleReading.local(item, store: "s")
      _ = RoleReading.azure(item, stores: [:])
      _ = DirectoryReading.principal(item)
      _ = DirectoryReading.federated(item)
    }
    _ = StoreReading.sinks(page.items)
  }
}
