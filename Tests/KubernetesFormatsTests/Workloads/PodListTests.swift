import Encodings
import KubernetesFormats
import Testing

private let digest = "sha256:" + String(repeating: "ab", count: 32)

@Suite struct ImageIDTests {
  @Test(arguments: [
    ("registry.example/app@", ImageID.Meaning.manifest, "registry.example/app"), ("docker-pullable://r.example:5000/a/b@", .manifest, "r.example:5000/a/b"),
    ("docker://", .configuration, nil), ("", .configuration, nil),
  ] as [(String, ImageID.Meaning, String?)])
  func everyFormOfARuntimeIsRead(prefix: String, meaning: ImageID.Meaning, repository: String?) {
    let id = ImageID(prefix + digest)
    #expect(id?.meaning == meaning)
    #expect(id?.digest == digest)
    #expect(id?.repository == repository)
  }

  @Test func digitsAreWrittenInLowerCase() { #expect(ImageID("a/b@" + digest.uppercased())?.digest == digest) }

  @Test(arguments: ["", "registry.example/app:1.2", "@" + digest, "a@sha256:abcd", "a@sha1:" + String(repeating: "a", count: 40), "sha256:" + String(repeating: "g", count: 64), digest + "0"])
  func whatIsNoDigestIsNone(text: String) { #expect(ImageID(text) == nil) }
}

@Suite struct PodListTests {
  private func list(_ pods: String, next: String = "") -> [UInt8] { Array(#"{"metadata":{"continue":"\#(next)"},"items":[\#(pods)]}"#.utf8) }

  private func pod(_ phase: String = "Running", owner: String = "") -> String {
    """
    {"metadata":{"name":"web-1","namespace":"shop"\(owner)},"spec":{"containers":[{"name":"c","image":"r.example/app:1"}],"initContainers":[{"name":"i","image":"r.example/init:1"}]},
     "status":{"phase":"\(phase)","startTime":"2026-11-01T00:00:00Z","containerStatuses":[{"name":"c","imageID":"r.example/app@\(digest)","state":{"running":{"startedAt":"2026-11-02T00:00:00Z"}}}],
     "initContainerStatuses":[{"name":"i","imageID":""}]}}
    """
  }

  @Test func containersOfEveryRoleAreListed() throws {
    let page = try PodList.parse(list(pod(), next: "t1"))
    #expect(page.next == "t1")
    #expect(page.images.map(\.image) == ["r.example/app:1", "r.example/init:1"])
    #expect(page.images.map { $0.id?.digest } == [digest, nil])
    #expect(page.images.map(\.since) == ["2026-11-02T00:00:00Z", "2026-11-01T00:00:00Z"])
    #expect(page.images[0].workload == "pod/web-1")
  }

  @Test(arguments: ["Succeeded", "Failed"]) func whatHasEndedDoesNotRun(phase: String) throws { #expect(try PodList.parse(list(pod(phase))).images.isEmpty) }

  @Test func theDeploymentStandsForItsReplicaSet() throws {
    var page = try PodList.parse(list(pod(owner: #","ownerReferences":[{"kind":"ReplicaSet","name":"web-6f","controller":true}]"#)))
    let owners = try OwnerList.parse(
      Array(#"{"metadata":{},"items":[{"metadata":{"name":"web-6f","namespace":"shop","ownerReferences":[{"kind":"Deployment","name":"web"}]}}]}"#.utf8), kind: "ReplicaSet")
    page.rename(owners.parents)
    #expect(Set(page.images.map(\.workload)) == ["deployment/web"])
  }

  @Test func aReplicaSetOfAnotherNamespaceIsAnotherOne() throws {
    var page = try PodList.parse(list(pod(owner: #","ownerReferences":[{"kind":"ReplicaSet","name":"web-6f"}]"#)))
    page.rename([.init(namespace: "other", kind: "ReplicaSet", name: "web-6f"): .init(namespace: "other", kind: "Deployment", name: "web")])
    #expect(page.images[0].workload == "replicaset/web-6f")
  }

  @Test(arguments: ["", "[]", "{}", #"{"items":{}}"#, #"{"items":[{}]}"#, #"{"items":[],"items":[]}"#, #"{"items":[NaN]}"#])
  func whatIsNoListIsRefused(text: String) { #expect(throws: WorkloadListError.self) { try PodList.parse(Array(text.utf8)) } }

  @Test func aListWithoutItemsMayHaveNull() throws { #expect(try PodList.parse(Array(#"{"metadata":{},"items":null}"#.utf8)).images.isEmpty) }
}

@Suite struct WorkloadListFileTests {
  @Test func linesAreReferences() throws {
    let images = try WorkloadListFile.parse(Array("# plant 3\n\nr.example/app@\(digest)\r\n r.example/other:2 \n\(digest)".utf8))
    #expect(images.map(\.workload) == ["r.example/app@\(digest)", "r.example/other:2", digest])
    #expect(images.map { $0.id?.digest } == [digest, nil, digest])
    #expect(images[2].id?.meaning == .manifest)
  }

  @Test func jsonNamesSubjectDigestAndPlace() throws {
    let images = try WorkloadListFile.parse(Array(#"\#u{FEFF} [{"subject":"press-7","digest":"\#(digest)","environment":"plant","seenAt":"2026-11-03T00:00:00Z"}]"#.utf8))
    #expect(images == [RunningImage(image: "press-7", id: ImageID(meaning: .manifest, digest: digest, repository: nil), namespace: nil, workload: "press-7", since: "2026-11-03T00:00:00Z", environment: "plant")])
  }

  @Test(arguments: [
    "two words", "[{}]", #"[{"subject":""}]"#, #"[{"subject":"a","digest":"sha256:short"}]"#, #"[{"subject":"a","owner":"b"}]"#, "[1]", "[", "r.example/\u{e9}",
  ]) func whatCannotBeReadIsRefusedAsAWhole(text: String) { #expect(throws: WorkloadListError.self) { try WorkloadListFile.parse(Array(text.utf8)) } }
}
