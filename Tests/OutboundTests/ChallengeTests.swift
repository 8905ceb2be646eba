import Outbound
import Testing

@Suite("Addresses and challenges")
struct ChallengeTests {
  func scope(_ header: String, at url: String) throws -> String {
    let challenge = try #require(ServiceChallenge(header: header))
    return try challenge.scope(for: ServiceAddress(url))
  }

  @Test("The real service's challenge gives tenant and scope")
  func real() throws {
    let header = #"Bearer authorization="https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555", resource="https://managedhsm.azure.net""#
    let challenge = try #require(ServiceChallenge(header: header))
    #expect(challenge.tenant == "11111111-2222-3333-4444-555555555555")
    #expect(challenge.authority == "https://login.microsoftonline.com")
    #expect(try scope(header, at: "https://nw.managedhsm.azure.net") == "https://managedhsm.azure.net/.default")
  }

  @Test("A resource must be the service itself or a parent domain of it, ports included", arguments: [
    ("https://hsm.example.org:8443", "https://hsm1.hsm.example.org:8443"), ("https://example.org", "https://hsm.example.org:8443"),
    ("https://hsm.example.org:8443", "https://hsm.example.org:8443"), ("https://EXAMPLE.org", "https://hsm.example.org"),
    ("https://managedhsm.localhost:1", "https://x.managedhsm.localhost:1"),
  ])
  func accepted(_ resource: String, _ url: String) throws {
    #expect(try scope("Bearer authorization=\"https://a/t\", resource=\"\(resource)\"", at: url) == resource + "/.default")
  }

  @Test("A service cannot ask for a token for somebody else", arguments: [
    ("https://managedhsm.azure.net", "https://evil.example"), ("https://vault.azure.net", "https://vault.azure.net.evil.example"),
    ("https://ample.org", "https://example.org"), ("https://example.org:1", "https://hsm.example.org:2"), ("https://org", "https://hsm.example.org"),
    ("http://example.org", "https://hsm.example.org"), ("https://hsm.example.org.", "https://hsm.example.org"), ("example.org", "https://hsm.example.org"),
    ("https://u@example.org", "https://hsm.example.org"), ("", "https://hsm.example.org"),
  ])
  func refused(_ resource: String, _ url: String) throws {
    #expect(throws: OutboundError.self) { try scope("Bearer authorization=\"https://a/t\", resource=\"\(resource)\"", at: url) }
  }

  @Test("Other headers are no challenge", arguments: ["", "Basic realm=x", "Bearer", "bearer", "Negotiate", String(repeating: "x", count: 5000)])
  func noChallenge(_ header: String) { #expect(ServiceChallenge(header: header) == nil) }

  @Test("Addresses", arguments: [
    ("https://Nw.managedhsm.azure.net/", "https://nw.managedhsm.azure.net", ServiceAddress.Home.managedHSM),
    ("https://v.vault.azure.cn:443", "https://v.vault.azure.cn", .keyVault), ("https://localhost:8443", "https://localhost:8443", .other),
    ("https://[::1]:8443", "https://[::1]:8443", .other), ("https://managedhsm.azure.net.evil.example", "https://managedhsm.azure.net.evil.example", .other),
  ])
  func addresses(_ text: String, _ url: String, _ home: ServiceAddress.Home) throws {
    let address = try ServiceAddress(text)
    #expect(address.url == url && address.home == home)
  }

  @Test("Other texts are no addresses", arguments: [
    "", "hsm.example", "http://hsm.example", "https://", "https://h/path", "https://u:p@h", "https://h:0", "https://h:99999", "https://h:x", "https://h?q",
    "https://h#f", "https://h h", "https://[zz]", "https://h\\evil", "https://h%2f",
  ])
  func badAddresses(_ text: String) { #expect(throws: OutboundError.self) { try ServiceAddress(text) } }
}
