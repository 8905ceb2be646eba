import OCI
import Testing

@Suite("Image references")
struct ImageReferenceTests {
  static let digest = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

  @Test("What is left out is filled in as Docker does", arguments: [
    ("ubuntu", "docker.io", "library/ubuntu", "latest"), ("ubuntu:24.04", "docker.io", "library/ubuntu", "24.04"),
    ("team/app", "docker.io", "team/app", "latest"), ("index.docker.io/team/app:1", "docker.io", "team/app", "1"),
    ("docker.io/ubuntu", "docker.io", "library/ubuntu", "latest"), ("localhost/app", "localhost", "app", "latest"),
    ("localhost:5000/app", "localhost:5000", "app", "latest"), ("example.org/app", "example.org", "app", "latest"),
    ("example.org:5000/a/b/c:v1.2_x-y", "example.org:5000", "a/b/c", "v1.2_x-y"), ("Example.ORG/app", "example.org", "app", "latest"),
    ("127.0.0.1:5000/app:1", "127.0.0.1:5000", "app", "1"), ("[::1]:5000/app", "[::1]:5000", "app", "latest"),
    ("a__b/c.d/e-f---g", "docker.io", "a__b/c.d/e-f---g", "latest"), ("my_host.example/app", "my_host.example", "app", "latest"),
  ])
  func parsed(_ text: String, _ registry: String, _ repository: String, _ tag: String) throws {
    let reference = try ImageReference(text)
    #expect(reference.registry == registry && reference.repository == repository && reference.tag == tag && reference.digest == nil)
    #expect(try ImageReference(reference.description).description == reference.description)
  }

  @Test("A digest decides, and a tag beside it is kept for people")
  func digests() throws {
    let both = try ImageReference("example.org/app:v1@\(Self.digest)")
    #expect(both.tag == "v1" && both.target == Self.digest && both.description == "example.org/app:v1@\(Self.digest)")
    let alone = try ImageReference("example.org/app@\(Self.digest)")
    #expect(alone.tag == nil && !alone.isTagImplied && alone.target == Self.digest)
    let implied = try ImageReference("example.org/app")
    #expect(implied.isTagImplied && implied.target == "latest")
    #expect(implied.pinned(to: ContentDigest(of: Array("x".utf8))).tag == nil)
  }

  @Test("Other texts are refused with a reason", arguments: [
    ("", "empty"), ("https://example.org/app", "URL"), ("example.org/", "missing"), ("example.org/:v1", "missing"), ("example.org/App", "lower case"),
    ("example.org/app:", "tag"), ("example.org/app:-x", "tag"), ("example.org/app:.x", "tag"), ("example.org/app:a b", "space"),
    ("example.org/app:" + String(repeating: "a", count: 129), "tag"), ("example.org/app@sha256:abc", "digest"), ("example.org/app@md5:abc", "digest"),
    ("example.org/app@", "digest"), ("example.org//app", "separators"), ("example.org/app/", "separators"), ("example.org/a..b", "separators"),
    ("example.org/a___b", "separators"), ("example.org/-a", "separators"), ("example.org/a-", "separators"), ("example.org/../app", "separators"),
    ("example.org:0/app", "HOST"), ("example.org:70000/app", "HOST"), ("example.org:5x/app", "HOST"), ("exa..mple.org/app", "HOST"), ("-x.org/app", "HOST"),
    ("[::1/app", "HOST"), ("[zz]:5/app", "HOST"), ("user@example.org/app", "digest"), ("example.org/äpp", "ASCII"), ("example.org/app\n", "space"),
    (".:/app", "HOST"), ("example.org/" + String(repeating: "a", count: 260), "longer"), (String(repeating: "a", count: 1000), "longer"),
  ])
  func refused(_ text: String, _ why: String) throws {
    do {
      _ = try ImageReference(text)
      Issue.record("\(text) was taken")
    } catch {
      #expect(error.description.contains(why), "\(error.description)")
    }
  }
}
