import OCI
import Outbound
import Testing

@Suite("The tags of a repository")
struct RepositoryTagsTests {
  private func page(_ text: String, next: String? = nil) -> ScriptedTransport.Step {
    RegistryKit.reply(200, next.map { [("link", "<\($0)>; rel=\"next\"")] } ?? [], Array(text.utf8))
  }

  private func tags(_ steps: [ScriptedTransport.Step]) async throws -> [String] { try await RegistryKit(steps).client.tags(in: RegistryKit.home) }

  @Test("Pages are followed, and each tag is there once, sorted")
  func pages() async throws {
    let kit = RegistryKit([
      page(#"{"name":"team/app","tags":["v2","v1"]}"#, next: "/v2/team/app/tags/list?n=1000&last=v2"), page(#"{"name":"team/app","tags":["v3","v1"]}"#),
    ])
    #expect(try await kit.client.tags(in: RegistryKit.home) == ["v1", "v2", "v3"])
    #expect(kit.transport.requests.map(\.url).last == "https://registry.example.org/v2/team/app/tags/list?n=1000&last=v2")
  }

  @Test("A repository whose tags are all gone has none")
  func empty() async throws { #expect(try await tags([page(#"{"name":"team/app","tags":null}"#)]).isEmpty) }

  @Test(
    "Pages in a circle, a page elsewhere, junk, and texts that are no tags are refused",
    arguments: [
      (#"{"tags":["v1"]}"#, "/v2/team/app/tags/list?n=1000"), (#"{"tags":["v1"]}"#, "https://evil.example.org/v2/team/app/tags/list"),
      (#"{"tags":["../../etc"]}"#, nil), (#"{"tags":[1]}"#, nil), ("<html>", nil), (#"{"tags":["a"],"tags":["b"]}"#, nil),
    ] as [(String, String?)])
  func refused(_ text: String, _ next: String?) async throws {
    await #expect(throws: RegistryError.self) { try await tags([page(text, next: next), page(#"{"tags":[]}"#)]) }
  }

  @Test("A repository that is not there is an error, not an empty list")
  func missing() async throws {
    await #expect(throws: RegistryError.self) { try await tags([RegistryKit.reply(404, [], Array(#"{"errors":[{"code":"NAME_UNKNOWN"}]}"#.utf8))]) }
  }
}

@Suite("What a failed sign call says about lost signatures")
struct LostSignatureTests {
  private func attempts(_ outcomes: [Result<OutboundReply, TransportError>]) -> [RequestAttempt] {
    var state = RetryState(RetryPolicy(), replay: .harmless)
    for outcome in outcomes { _ = state.ended(outcome, took: .milliseconds(1), elapsed: .zero, jitter: 0) }
    return state.attempts
  }

  @Test("Attempts that were sent and not answered are counted, refused connections and throttled requests are not")
  func counted() {
    let some = attempts([.failure(.dropped("reset")), .failure(.notConnected("refused")), .success(OutboundReply(status: 429)), .failure(.timedOut), .success(OutboundReply(status: 503))])
    let error = OutboundError.unreachable(url: "https://hsm.example/keys/a/b/sign", why: "no answer in time", attempts: some)
    #expect(error.description.contains("3 of the sign requests may have been performed"))
    #expect(error.attempts.count == 5)
  }

  @Test("Other calls, and sign calls that were never sent, say nothing of signatures")
  func silent() {
    let dropped = attempts([.failure(.dropped("reset"))])
    let refused = attempts([.failure(.notConnected("refused")), .success(OutboundReply(status: 429))])
    for error in [
      OutboundError.unreachable(url: "https://hsm.example/keys/a/b", why: "x", attempts: dropped),
      .unreachable(url: "https://hsm.example/keys/a/b/sign", why: "x", attempts: refused),
    ] {
      #expect(!error.description.contains("may have been performed"))
    }
  }
}
