import Crypto
import Encodings
import Testing
import Trust

@Suite("Trust file")
struct TrustPolicyTests {
  static let pem = P256.Signing.PrivateKey().publicKey.pemRepresentation
  static let zeros = String(repeating: "00", count: 32)

  static func file(_ keys: JSONValue, _ revoked: JSONValue? = nil) -> JSONValue {
    var object: JSONObject = ["schema": "hallmark.trust/v1", "keys": keys]
    object.set("revoked", ifPresent: revoked)
    return .object(object)
  }

  @Test("A file with a key, a window and a revocation is read")
  func good() throws {
    let policy = try TrustPolicy.parse(
      Self.file(
        [
          ["name": "a", "pem": .string(Self.pem), "version": "v1", "from": "2026-01-01T00:00:00Z", "until": "2027-01-01T00:00:00Z"],
          ["name": "b", "spkiSha256": .string(Self.zeros)],
        ], [["key": "a", "version": "v1", "at": "2026-06-01T00:00:00Z", "reason": "compromised"]]))
    #expect(policy.keys.count == 2)
    #expect(policy.keys[0].from == 1_767_225_600)
    #expect(policy.keys[1].key == nil)
    #expect(policy.revocations.count == 1)
  }

  static let bad: [(String, JSONValue)] = [
    ("not a mapping", []), ("empty", [:]), ("other schema", ["schema": "hallmark.trust/v2", "keys": [["name": "a", "pem": .string(pem)]]]),
    ("no keys", file([])), ("unknown member above", ["schema": "hallmark.trust/v1", "keys": [["name": "a", "pem": .string(pem)]], "unsafe": true]),
    ("unknown member in a key", file([["name": "a", "pem": .string(pem), "trustAnyway": "yes"]])), ("no name", file([["pem": .string(pem)]])),
    ("neither pem nor fingerprint", file([["name": "a"]])), ("pem that is none", file([["name": "a", "pem": "x"]])),
    ("fingerprint of another key", file([["name": "a", "pem": .string(pem), "spkiSha256": .string(zeros)]])),
    ("short fingerprint", file([["name": "a", "spkiSha256": "00"]])), ("time without zone", file([["name": "a", "pem": .string(pem), "from": "2026-01-01"]])),
    ("window turned round", file([["name": "a", "pem": .string(pem), "from": "2027-01-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"]])),
    ("the same key twice", file([["name": "a", "pem": .string(pem)], ["name": "a", "pem": .string(pem)]])),
    ("revocation of nothing", file([["name": "a", "pem": .string(pem)]], [["key": "z", "at": "2026-01-01T00:00:00Z", "reason": "r"]])),
    ("revocation without time", file([["name": "a", "pem": .string(pem)]], [["key": "a", "reason": "r"]])),
    ("revocation without reason", file([["name": "a", "pem": .string(pem)]], [["key": "a", "at": "2026-01-01T00:00:00Z"]])),
    ("unknown member in a revocation", file([["name": "a", "pem": .string(pem)]], [["key": "a", "at": "2026-01-01T00:00:00Z", "reason": "r", "x": 1]])),
    ("keys that are no list", file(["name": "a"])), ("number as name", file([["name": 1, "pem": .string(pem)]])),
  ]

  @Test("Anything else is refused, with the place", arguments: bad.indices)
  func refused(_ index: Int) {
    #expect(throws: TrustError.self, "\(Self.bad[index].0)") { try TrustPolicy.parse(Self.bad[index].1) }
  }
}
