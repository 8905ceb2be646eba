import OCI
import Testing

@Suite("What registries say in headers and small documents")
struct HeaderTests {
  @Test("A challenge may hold commas and escapes in quotes, and several challenges may share a header")
  func challenges() throws {
    let header = #"Basic realm="a, \"b\"", bearer Realm="https://t/token?x=y",service=s , scope="repository:a/b:pull,push",, Negotiate abc=="#
    let challenges = try AuthenticationChallenge.parse(header)
    #expect(challenges.map(\.scheme) == ["basic", "bearer", "negotiate"])
    #expect(challenges[0].parameters == ["realm": #"a, "b""#])
    #expect(challenges[1].parameters == ["realm": "https://t/token?x=y", "service": "s", "scope": "repository:a/b:pull,push"])
    #expect(try AuthenticationChallenge.parse("Bearer").map(\.scheme) == ["bearer"])
    #expect(try AuthenticationChallenge.parse(#"Bearer realm="a",realm="b""#)[0].parameters["realm"] == "a")
    #expect(try AuthenticationChallenge.parse("").isEmpty)
  }

  @Test("Half a challenge is none", arguments: [
    #"Bearer realm="a"#, #"Bearer realm="a" scope="b""#, #"Bearer realm=,a=b"#, "Bearer realm=a b=", "\"x\"", "Bearer realm=\"a\u{1}\"", "Bearer =x", #"Bearer realm="\"#,
    String(repeating: "a ", count: 5000), String(repeating: "Basic,", count: 20), "Bearer " + (0..<40).map { "p\($0)=1" }.joined(separator: ","),
  ])
  func badChallenges(_ header: String) { #expect(throws: OCIError.self) { try AuthenticationChallenge.parse(header) } }

  @Test("The next page is the link of that relation", arguments: [
    (#"</v2/a/referrers/d?x=1>; rel="next""#, "/v2/a/referrers/d?x=1"), (#"<a>; rel=prev, <b>; title="x, y"; REL=Next"#, "b"),
    (#"<a>; rel="prev next""#, "a"), (#"<a>; rel=prev; rel=next"#, nil), ("<a>", nil), ("", nil),
  ] as [(String, String?)])
  func links(_ header: String, _ next: String?) throws { #expect(try LinkHeader.next(header) == next) }

  @Test("Other links are refused", arguments: ["a; rel=next", "<a; rel=next", "<a>; rel=\"next", "<a> b", "<a>; =next", "<a b>; rel=next", "<" + String(repeating: "a", count: 9000) + ">"])
  func badLinks(_ header: String) { #expect(throws: OCIError.self) { try LinkHeader.next(header) } }

  @Test("Errors are read as far as they are fit to be shown")
  func errors() throws {
    let document = try #require(RegistryErrorDocument(Array("{\"errors\":[{\"code\":\"DENIED\",\"message\":\"no\\u001b[31m\",\"detail\":{\"x\":1}},{}]}".utf8)))
    #expect(document.codes == ["DENIED"] && document.entries[0].message == "no?[31m")
    for text in ["", "{}", "[]", "404 page not found", #"{"errors":[]}"#, #"{"errors":[1]}"#, #"{"errors":[{"code":1}]}"#] {
      #expect(RegistryErrorDocument(Array(text.utf8)) == nil)
    }
  }

  @Test("Docker's configuration: a registry's helper before the store, hosts under their old URLs, identity tokens")
  func dockerConfiguration() throws {
    // dXNlcjpwYTpzcw== is base64 of "user:pa:ss".
    let text = #"""
      {"auths":{"https://index.docker.io/v1/":{"auth":"dXNlcjpwYTpzcw=="},"r.example:5000":{"auth":"dXNlcjpwYTpzcw==","identitytoken":"it"},"empty.example":{}},
       "credHelpers":{"h.example":"mine"},"credsStore":"desktop","psFormat":"x","experimental":"enabled"}
      """#
    let configuration = try DockerConfiguration.parse(Array(text.utf8))
    let hub = try #require(configuration.entry(for: "docker.io"))
    #expect(hub.username == "user" && hub.password == "pa:ss" && !"\(hub)".contains("pa:ss"))
    #expect(configuration.entry(for: "r.example:5000")?.identityToken == "it")
    #expect(configuration.entry(for: "empty.example") == nil && configuration.entry(for: "other.example") == nil)
    #expect(configuration.helper(for: "h.example") == "mine" && configuration.helper(for: "docker.io") == "desktop")
    #expect(DockerConfiguration.helperKey(of: "docker.io") == "https://index.docker.io/v1/")
  }

  @Test("A configuration that would run something else, or cannot be understood, is refused", arguments: [
    #"{"credsStore":"../evil"}"#, #"{"credsStore":"a b"}"#, #"{"credHelpers":{"h":""}}"#, #"{"credHelpers":{"h":1}}"#, #"{"auths":{"h":{"auth":"!!"}}}"#,
    #"{"auths":{"h":{"auth":"YWJj"}}}"#, #"{"auths":[]}"#, #"{"auths":{},"auths":{}}"#, "", "[]",
  ])
  func badConfigurations(_ text: String) { #expect(throws: OCIError.self) { try DockerConfiguration.parse(Array(text.utf8)) } }

  @Test("A helper's answer is a user and a secret, or an identity token")
  func helperAnswers() throws {
    #expect(try CredentialHelperAnswer.parse(Array(#"{"ServerURL":"s","Username":"u","Secret":"x"}"#.utf8)).password == "x")
    #expect(try CredentialHelperAnswer.parse(Array(#"{"Username":"<token>","Secret":"x"}"#.utf8)).identityToken == "x")
    for text in ["{}", "credentials not found in native keychain", #"{"Username":"u"}"#] {
      #expect(throws: OCIError.self) { try CredentialHelperAnswer.parse(Array(text.utf8)) }
    }
  }
}
