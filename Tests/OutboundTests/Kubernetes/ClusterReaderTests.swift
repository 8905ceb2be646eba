import Encodings
import Estate
import Outbound
import Testing

@Suite struct ClusterReaderTests {
  private let digest = "sha256:" + String(repeating: "ab", count: 32)
  private func pods(_ name: String, next: String = "") -> Result<OutboundReply, TransportError> {
    .success(.json(200, """
      {"metadata":{"continue":"\(next)"},"items":[{"metadata":{"name":"\(name)","namespace":"shop"},"spec":{"containers":[{"name":"c","image":"r.example/app:1"}]},
       "status":{"phase":"Running","containerStatuses":[{"name":"c","imageID":"r.example/app@\(digest)"}]}}]}
      """))
  }

  private func read(_ transport: ScriptedTransport) async -> EstateFragment {
    await ClusterReader(ClusterAddress(name: "prod", server: "https://api.example:6443"), exchange: RetryingExchange(transport, pause: Waits().pause)).read()
  }

  @Test func pagesAreReadToTheEnd() async {
    let transport = ScriptedTransport([pods("a", next: "t"), pods("b")])
    let read = await read(transport)
    #expect(read.artifacts.map(\.digest) == [digest])
    #expect(read.artifacts.first?.running?.map(\.workload) == ["pod/a", "pod/b"])
    #expect(transport.requests.map(\.url) == ["https://api.example:6443/api/v1/pods?limit=500", "https://api.example:6443/api/v1/pods?limit=500&continue=t"])
  }

  @Test func aListThatExpiredIsBegunAgain() async {
    let transport = ScriptedTransport([pods("a", next: "t"), .success(.json(410, #"{"reason":"Expired"}"#)), pods("b")])
    let read = await read(transport)
    #expect(read.gaps.isEmpty && read.artifacts.first?.running?.map(\.workload) == ["pod/b"])
  }

  @Test(arguments: [(401, EstateGap.Kind.denied), (403, .denied), (500, .failed)]) func aClusterThatDoesNotAnswerIsNoEmptyCluster(status: Int, kind: EstateGap.Kind) async {
    let transport = ScriptedTransport(Array(repeating: .success(.json(status, #"{"reason":"Forbidden"}"#)), count: 4))
    let read = await read(transport)
    #expect(read.artifacts.isEmpty && read.gaps.map(\.kind) == [kind])
  }

  @Test func aPageWithTheSameTokenEnds() async {
    let read = await read(ScriptedTransport([pods("a", next: "t"), pods("b", next: "t")]))
    #expect(read.gaps.map(\.kind) == [.failed])
  }
}
