import Signing
import Testing

/// Key URIs as cosign's users write them and as cosign hands them on.
@Suite("Key references of plugins")
struct KeyReferenceTests {
  static let version = "0123456789abcdef0123456789abcdef"

  @Test("All forms of one key are one reference", arguments: [
    "https://h.example:8443/keys/k1", "hallmark://h.example:8443/keys/k1", "hallmark://h.example:8443/k1", "azurekms://h.example:8443/k1",
    "azurekms://H.example:8443/keys/k1/", "HALLMARK://h.example:8443/k1/", "h.example:8443/k1", "h.example:8443/keys/k1", "h.example:8443/k1/",
  ])
  func forms(_ text: String) throws {
    #expect(try KeyReference(pluginResource: text) == KeyReference(store: "https://h.example:8443", name: "k1"))
    if text.contains("://") { #expect(try KeyReference(parsing: text) == KeyReference(store: "https://h.example:8443", name: "k1")) }
  }

  @Test("A version is kept", arguments: ["https://h/keys/k/", "hallmark://h/k/", "azurekms://h/keys/k/", "h/k/", "h/keys/k/"])
  func versions(_ prefix: String) throws {
    #expect(try KeyReference(pluginResource: prefix + Self.version) == KeyReference(store: "https://h", name: "k", version: Self.version))
  }

  @Test("The URI of a reference is read as the same reference")
  func roundTrip() throws {
    for reference in [
      KeyReference(store: "https://h:1", name: "k"), KeyReference(store: "https://h", name: "keys"), KeyReference(store: "https://h", name: "k", version: Self.version),
      KeyReference(store: nil, name: "k", version: Self.version),
    ] { #expect(try KeyReference(parsing: reference.uri) == reference) }
  }

  @Test("A bare name needs a store where cosign hands it on", arguments: ["k1", "", "/", "//k", "k1/"])
  func withoutHost(_ text: String) {
    #expect(throws: SigningError.self) { try KeyReference(pluginResource: text) }
  }

  @Test("Other texts are no key URIs", arguments: [
    "http://h/keys/k", "awskms://h/k", "pkcs11:token=x", "hallmark://", "hallmark:///k", "hallmark://h", "hallmark://h/", "hallmark://h//k", "hallmark://h/keys/",
    "hallmark://h/keys/k/v", "hallmark://h/k/\(version)/x", "hallmark://h/k/\(version.uppercased())", "hallmark://u:p@h/k", "hallmark://h/k?x=1", "hallmark://h/k#x",
    "hallmark://h/k%2e", "hallmark://h/../k", "hallmark://h/k\n", "hallmark://h /k", "https://h/k1", "https://h/secrets/k", "azurekms://h/ä", "x/hallmark://h/k",
    "azurekms://h/" + String(repeating: "a", count: 128), "azurekms://" + String(repeating: "a", count: 600) + "/k",
  ])
  func others(_ text: String) {
    #expect(throws: SigningError.self) { try KeyReference(pluginResource: text) }
    #expect(throws: SigningError.self) { try KeyReference(parsing: text) }
  }
}
