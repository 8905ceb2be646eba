import Encodings
import KubernetesFormats
import Testing

private func review(
  kind: String = "Pod", operation: String = "CREATE", object: String, old: String = "null", subresource: String = "\"\"", more: String = ""
) -> [UInt8] {
  Array(
    """
    {"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u-1","kind":{"group":"","version":"v1","kind":"\(kind)"},
    "operation":"\(operation)","namespace":"shop","name":"web","subResource":\(subresource),"userInfo":{"username":"ada"},"object":\(object),"oldObject":\(old)\(more)}}
    """.utf8)
}

private func pod(_ containers: String, initial: String = "[]", ephemeral: String = "[]") -> String {
  "{\"spec\":{\"containers\":\(containers),\"initContainers\":\(initial),\"ephemeralContainers\":\(ephemeral)}}"
}

@Suite("Admission reviews")
struct AdmissionReviewTests {
  @Test("All three kinds of containers of a pod are seen, with the place of each image")
  func pods() throws {
    let request = try AdmissionRequest(
      review: review(object: pod(#"[{"name":"a","image":"r/a:1"}]"#, initial: #"[{"name":"b","image":"r/b:1"}]"#, ephemeral: #"[{"name":"c","image":"r/c:1"}]"#)))
    let images = try #require(try request.newImages())
    #expect(images.map(\.image) == ["r/a:1", "r/b:1", "r/c:1"])
    #expect(images.map(\.pointer) == ["/spec/containers/0/image", "/spec/initContainers/0/image", "/spec/ephemeralContainers/0/image"])
    #expect(request.user == "ada" && request.namespace == "shop" && !request.isDryRun)
  }

  @Test("Images of controllers stand in their templates", arguments: [
    ("Deployment", "/spec/template/spec"), ("DaemonSet", "/spec/template/spec"), ("StatefulSet", "/spec/template/spec"), ("ReplicaSet", "/spec/template/spec"),
    ("ReplicationController", "/spec/template/spec"), ("Job", "/spec/template/spec"), ("CronJob", "/spec/jobTemplate/spec/template/spec"),
    ("PodTemplate", "/template/spec"),
  ])
  func controllers(kind: String, path: String) throws {
    var object = #"{"containers":[{"name":"a","image":"r/a:1"}]}"#
    for name in path.split(separator: "/").reversed() { object = "{\"\(name)\":\(object)}" }
    let images = try AdmissionRequest(review: review(kind: kind, object: object)).newImages()
    #expect(images?.map(\.pointer) == ["\(path)/containers/0/image"])
  }

  @Test("A kind that runs no images, a delete, a connect and other subresources bring in none")
  func nothing() throws {
    #expect(try AdmissionRequest(review: review(kind: "ConfigMap", object: "{}")).newImages() == nil)
    #expect(try AdmissionRequest(review: review(operation: "DELETE", object: "null")).newImages() == nil)
    #expect(try AdmissionRequest(review: review(operation: "CONNECT", object: "{}", subresource: "\"exec\"")).newImages() == nil)
    #expect(try AdmissionRequest(review: review(operation: "UPDATE", object: "{}", subresource: "\"status\"")).newImages() == nil)
  }

  @Test("An update asks only about images that its container did not have before")
  func updates() throws {
    let old = pod(#"[{"name":"a","image":"r/a:1"},{"name":"b","image":"r/b:1"}]"#)
    let new = pod(#"[{"name":"a","image":"r/a:2"},{"name":"b","image":"r/b:1"}]"#)
    #expect(try AdmissionRequest(review: review(operation: "UPDATE", object: new, old: old)).newImages()?.map(\.image) == ["r/a:2"])
  }

  @Test("A volume that is an image is asked about; other volumes, and one whose reference a controller fills in, are not")
  func volumes() throws {
    let object = #"{"spec":{"containers":[],"volumes":[{"name":"t","emptyDir":{}},{"name":"m","image":{"reference":"r/m:1"}},{"name":"l","image":{}}]}}"#
    let images = try #require(try AdmissionRequest(review: review(object: object)).newImages())
    #expect(images.map(\.pointer) == ["/spec/volumes/1/image/reference"])
    #expect(images.map(\.role) == [.volume])
  }

  @Test("Volumes that cannot be read are not taken for none", arguments: [#"{}"#, #"[{"name":"m","image":{"reference":7}}]"#, #""x""#])
  func badVolumes(_ volumes: String) {
    #expect(throws: AdmissionError.self) {
      try AdmissionRequest(review: review(object: #"{"spec":{"containers":[],"volumes":\#(volumes)}}"#)).newImages()
    }
  }

  @Test("An image that moves to another container, or to an init container, is new there")
  func moves() throws {
    let old = pod(#"[{"name":"a","image":"r/a:1"}]"#)
    let swapped = pod(#"[{"name":"b","image":"r/a:1"}]"#)
    let initial = pod("[]", initial: #"[{"name":"a","image":"r/a:1"}]"#)
    #expect(try AdmissionRequest(review: review(operation: "UPDATE", object: swapped, old: old)).newImages()?.count == 1)
    #expect(try AdmissionRequest(review: review(operation: "UPDATE", object: initial, old: old)).newImages()?.count == 1)
  }

  @Test("An ephemeral container added to a running pod is asked about")
  func ephemeral() throws {
    let old = pod(#"[{"name":"a","image":"r/a:1"}]"#)
    let new = pod(#"[{"name":"a","image":"r/a:1"}]"#, ephemeral: #"[{"name":"debug","image":"r/shell:1"}]"#)
    let request = try AdmissionRequest(review: review(operation: "UPDATE", object: new, old: old, subresource: "\"ephemeralcontainers\""))
    #expect(try request.newImages()?.map(\.image) == ["r/shell:1"])
  }

  @Test("A body that is no review of version 1 is an error that says what was found", arguments: [
    "", "[]", "{}", #"{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","request":{}}"#,
    #"{"apiVersion":"admission.k8s.io/v1","kind":"Pod"}"#, #"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}"#,
    #"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":""}}"#,
    #"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","kind":{"kind":"Pod"},"operation":"PATCH","object":{}}}"#,
    #"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","kind":{"kind":"Pod"},"operation":"CREATE"}}"#,
    #"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","uid":"v","kind":{"kind":"Pod"},"operation":"CREATE","object":{}}}"#,
    #"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","kind":{"kind":"Pod"},"operation":"CREATE","object":{},"dryRun":"yes"}}"#,
  ])
  func notReviews(text: String) {
    #expect(throws: AdmissionError.self) { try AdmissionRequest(review: Array(text.utf8)) }
  }

  @Test("A pod whose containers cannot be read is an error, never a pod without images", arguments: [
    #"{"spec":{"containers":{}}}"#, #"{"spec":{"containers":[{"name":"a"}]}}"#, #"{"spec":{"containers":[{"name":"a","image":""}]}}"#,
    #"{"spec":{"containers":[7]}}"#, #"{"spec":[]}"#, "{}",
  ])
  func unreadable(object: String) throws {
    let request = try AdmissionRequest(review: review(object: object))
    #expect(throws: AdmissionError.self) { try request.newImages() }
  }

  @Test("A pod of more containers than can be stored is refused before they are read")
  func tooMany() throws {
    let containers = "[" + Array(repeating: #"{"name":"a","image":"r/a"}"#, count: 1001).joined(separator: ",") + "]"
    let request = try AdmissionRequest(review: review(object: pod(containers)))
    #expect(throws: AdmissionError.tooManyContainers(limit: 1000)) { try request.newImages() }
  }
}

@Suite("Admission answers")
struct AdmissionResponseTests {
  @Test("A denial echoes the uid, says 403 and carries no patch")
  func denial() {
    var response = AdmissionResponse(uid: "u-9", isAllowed: false, message: "no")
    response.replacements = [("/spec/containers/0/image", "r/a@sha256:00")]
    let value = response.review["response"]
    #expect(value?["uid"]?.string == "u-9" && value?["allowed"]?.bool == false && value?["status"]?["code"]?.int == 403)
    #expect(value?["patch"] == nil && value?["patchType"] == nil)
  }

  @Test("Replacements become an RFC 6902 patch in base64")
  func patch() throws {
    var response = AdmissionResponse(uid: "u", isAllowed: true)
    response.replacements = [("/spec/containers/0/image", "r/a:1@sha256:00")]
    let value = response.review["response"]
    #expect(value?["patchType"]?.string == "JSONPatch")
    let patch = try JSONValue.parse(Base64.decode(try #require(value?["patch"]?.string)))
    #expect(patch == [["op": "replace", "path": "/spec/containers/0/image", "value": "r/a:1@sha256:00"]])
  }

  @Test("Warnings are cut to 120 characters each and 4,096 together")
  func warnings() {
    let response = AdmissionResponse(uid: "u", isAllowed: true, warnings: Array(repeating: String(repeating: "x", count: 500), count: 100))
    let shown = response.review["response"]?["warnings"]?.array?.compactMap(\.string) ?? []
    #expect(shown.allSatisfy { $0.count <= 120 })
    #expect(!shown.isEmpty && shown.map(\.count).reduce(0, +) <= 4096)
  }
}
