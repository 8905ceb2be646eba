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

  static func rules(_ rules: JSONValue, _ more: JSONObject = [:]) -> JSONValue {
    var object: JSONObject = [
      "schema": "hallmark.trust/v1",
      "keys": [["name": "a", "pem": .string(pem)], ["name": "b", "pem": .string(other)], ["name": "d", "pem": .string(third), "channel": "dev"]],
      "keySets": [["name": "ab", "keys": ["a", "b"]]], "rules": rules,
    ]
    for member in more.members { object[member.name] = member.value }
    return .object(object)
  }

  static func rule(_ require: JSONValue, _ more: JSONObject = [:]) -> JSONValue {
    var object: JSONObject = ["name": "r", "scope": ["repositories": ["registry.example/team/*"], "blobs": "true"], "require": require]
    for member in more.members { object[member.name] = member.value }
    return .object(object)
  }

  static let other = P256.Signing.PrivateKey().publicKey.pemRepresentation
  static let third = P384.Signing.PrivateKey().publicKey.pemRepresentation

  @Test("A file with sets, rules, attestations and promotion is read, its numbers and flags as texts or not")
  func rulesAreRead() throws {
    for count: JSONValue in ["2", 2] {
      let policy = try TrustPolicy.parse(
        Self.rules([
          Self.rule(
            ["any": [["atLeast": ["count": count, "of": [["keySet": "ab"], ["key": "d"]]]], ["all": [["key": "a"], ["key": "b"]]]]],
            [
              "level": "warn", "channel": "dev", "predicateTypes": ["https://sigstore.dev/cosign/sign/v1"],
              "attestations": [["predicateType": "https://slsa.dev/provenance/v1", "signedBy": ["key": "b"], "channel": "release"]],
              "promotion": ["require": "devAttestation", "signedBy": ["key": "d"]], "repositoryIdentity": "enforce",
            ])
        ]))
      let rule = try #require(policy.rules.first)
      #expect(rule.requirement == .any([.atLeast(2, [.keySet("ab"), .key("d")]), .all([.key("a"), .key("b")])]))
      #expect(rule.level == .warn && rule.channel == .dev && rule.blobs && rule.repositoryIdentity == .enforce)
      #expect(rule.attestations.count == 1 && rule.promotion != nil)
    }
  }

  static let deep = (0..<9).reduce(JSONValue.object(["key": "a"])) { inner, _ in ["any": [inner]] }
  static let badRules: [(String, JSONValue, String)] = [
    ("no rules in the list", rules([]), "rules"), ("a rule without a name", rules([["scope": ["blobs": true], "require": ["key": "a"]]]), "rules[0].name"),
    ("unknown member of a rule", rules([rule(["key": "a"], ["requires": 1])]), "rules[0]"),
    ("unknown member of a scope", rules([rule(["key": "a"], ["scope": ["blobs": true, "hosts": []]])]), "rules[0].scope"),
    ("no scope", rules([["name": "r", "require": ["key": "a"]]]), "rules[0].scope"),
    ("an empty scope", rules([rule(["key": "a"], ["scope": ["blobs": false]])]), "rules[0].scope"),
    ("an empty list of repositories", rules([rule(["key": "a"], ["scope": ["repositories": []]])]), "rules[0].scope.repositories"),
    ("a star in the middle", rules([rule(["key": "a"], ["scope": ["repositories": ["registry.example/*/app"]]])]), "rules[0].scope.repositories[0]"),
    ("a repository with a tag", rules([rule(["key": "a"], ["scope": ["repositories": ["registry.example/app:1"]]])]), "rules[0].scope.repositories[0]"),
    ("a repository twice in one rule", rules([rule(["key": "a"], ["scope": ["repositories": ["h/a", "h/a"]]])]), "rules[0].scope.repositories[1]"),
    ("a tie of two rules", rules([rule(["key": "a"], ["scope": ["repositories": ["h/a"]]]), rule(["key": "b"], ["name": "s", "scope": ["repositories": ["h/a"]]])]), "rules[1].scope.repositories[0]"),
    ("two rules for blobs", rules([rule(["key": "a"], ["scope": ["blobs": true]]), rule(["key": "b"], ["name": "s", "scope": ["blobs": true]])]), "rules[1].scope.blobs"),
    ("two rules of one name", rules([rule(["key": "a"], ["scope": ["blobs": true]]), rule(["key": "b"], ["scope": ["repositories": ["h/a"]]])]), "rules[1].name"),
    ("no requirement", rules([["name": "r", "scope": ["blobs": true]]]), "rules[0].require"), ("an empty requirement", rules([rule([:])]), "rules[0].require"),
    ("two requirements in one", rules([rule(["key": "a", "keySet": "ab"])]), "rules[0].require"), ("an empty any", rules([rule(["any": []])]), "rules[0].require.any"),
    ("an empty all", rules([rule(["all": []])]), "rules[0].require.all"),
    ("at least 0", rules([rule(["atLeast": ["count": 0, "of": [["key": "a"]]]])]), "rules[0].require.atLeast.count"),
    ("at least -1", rules([rule(["atLeast": ["count": -1, "of": [["key": "a"]]]])]), "rules[0].require.atLeast.count"),
    ("3 of 2 keys", rules([rule(["atLeast": ["count": 3, "of": [["keySet": "ab"]]]])]), "rules[0].require"),
    ("2 of one key under two parts", rules([rule(["atLeast": ["count": 2, "of": [["key": "a"], ["any": [["key": "a"]]]]]])]), "rules[0].require"),
    ("the same part twice", rules([rule(["any": [["key": "a"], ["key": "a"]]])]), "rules[0].require.any[1]"),
    ("a key that is not there", rules([rule(["key": "z"])]), "rules[0].require"), ("a set that is not there", rules([rule(["keySet": "z"])]), "rules[0].require"),
    ("a root that is not there", rules([rule(["root": "z"])]), "rules[0].require"), ("nesting too deep", rules([rule(deep)]), "rules[0].require" + String(repeating: ".any[0]", count: 8)),
    ("release by a dev key", rules([rule(["key": "d"])]), "rules[0].require"), ("an unknown level", rules([rule(["key": "a"], ["level": "log"])]), "rules[0].level"),
    ("an unknown channel", rules([rule(["key": "a"], ["channel": "prod"])]), "rules[0].channel"),
    ("a predicate type that is no URI", rules([rule(["key": "a"], ["predicateTypes": ["slsa"]])]), "rules[0].predicateTypes[0]"),
    ("an endorsement as signature", rules([rule(["key": "a"], ["predicateTypes": ["urn:hallmark:dev-key:v1"]])]), "rules[0].predicateTypes[0]"),
    ("identities without certificates", rules([rule(["key": "a"], ["identities": ["x509.subject: C=US, ST=WA, O=x"]])]), "rules[0].identities"),
    ("an attestation without a type", rules([rule(["key": "a"], ["attestations": [[:]]])]), "rules[0].attestations[0].predicateType"),
    ("a promotion of another kind", rules([rule(["key": "a"], ["promotion": ["require": "luck", "signedBy": ["key": "d"]]])]), "rules[0].promotion.require"),
    ("a promotion by nobody", rules([rule(["key": "a"], ["promotion": ["require": "devAttestation"]])]), "rules[0].promotion.signedBy"),
    ("everything let through", rules([rule(["key": "a"], ["scope": ["repositories": ["*"]], "level": "audit"])]), "rules[0].level"),
    ("a set with an unknown key", rules([rule(["key": "a"])], ["keySets": [["name": "s", "keys": ["z"]]]]), "keySets[0].keys[0]"),
    ("an empty set", rules([rule(["key": "a"])], ["keySets": [["name": "s", "keys": []]]]), "keySets[0].keys"),
    ("a set twice", rules([rule(["key": "a"])], ["keySets": [["name": "s", "keys": ["a"]], ["name": "s", "keys": ["b"]]]]), "keySets[1].name"),
    ("one key as dev and release", rules([rule(["key": "a"])], ["keys": [["name": "a", "pem": .string(pem)], ["name": "d", "pem": .string(pem), "channel": "dev"]]]), "keys[1]"),
    ("a name for two keys", rules([rule(["key": "a"])], ["keys": [["name": "a", "pem": .string(pem)], ["name": "a", "pem": .string(other)]]]), "keys[1].name"),
    ("a root of an unknown type", rules([rule(["key": "a"])], ["roots": [["name": "r", "type": "tsa", "pem": "x", "identities": ["*"]]]]), "roots[0].type"),
    ("a root without certificates", rules([rule(["key": "a"])], ["roots": [["name": "r", "type": "ca", "pem": "x", "identities": ["*"]]]]), "roots[0].pem"),
    ("a revocation of nothing named", rules([rule(["key": "a"])], ["revoked": [["at": "2026-01-01T00:00:00Z", "reason": "r"]]]), "revoked[0]"),
    ("a revoked certificate without roots", rules([rule(["key": "a"])], ["revoked": [["certificateSha256": .string(zeros), "at": "2026-01-01T00:00:00Z", "reason": "r"]]]), "revoked[0]"),
    ("a flag that is none", rules([rule(["key": "a"])], ["revoked": [["key": "a", "at": "2026-01-01T00:00:00Z", "reason": "r", "compromised": "yes"]]]), "revoked[0].compromised"),
  ]

  @Test("A rule that is wrong, empty, contradictory or lets everything through is refused at its place", arguments: badRules.indices)
  func badRulesAreRefused(_ index: Int) throws {
    let (name, value, place) = Self.badRules[index]
    do {
      _ = try TrustPolicy.parse(value)
      Issue.record("\(name) was taken")
    } catch {
      guard case .badPolicy(let path, _) = error else { throw error }
      #expect(path == place, "\(name): \(error.description)")
    }
  }

  @Test("A root needs identities, and an end-entity certificate is no root")
  func roots() throws {
    let authority = CertificatePlan.authority("root")
    func parse(_ certificate: [UInt8], identities: JSONValue?) throws -> TrustPolicy {
      var root: JSONObject = ["name": "hsm", "type": "ca", "pem": .string(PEM.encode(certificate, label: "CERTIFICATE"))]
      root.set("identities", ifPresent: identities)
      return try TrustPolicy.parse(Self.rules([Self.rule(["root": "hsm"])], ["roots": [.object(root)]]))
    }
    let good = try authority.der()
    #expect(try parse(good, identities: ["*"]).roots[0].identities.isEmpty)
    #expect(try parse(good, identities: ["x509.subject: C=US, ST=WA, O=Example"]).roots[0].identities.count == 1)
    #expect(try parse(CertificatePlan().der(), identities: ["*"]).roots.count == 1, "a self-signed signer is its own root")
    let bad: [(String, JSONValue?)] = [
      ("none", nil), ("empty", []), ("two stars", ["*", "*"]), ("a star beside a subject", ["*", "x509.subject: C=US, ST=WA, O=x"]),
      ("no subject", ["C=US"]), ("no organisation", ["x509.subject: C=US, ST=WA"]),
      ("overlapping", ["x509.subject: C=US, ST=WA, O=x", "x509.subject: C=US, ST=WA, O=x, CN=y"]),
    ]
    for (name, identities) in bad { #expect(throws: TrustError.self, "\(name)") { try parse(good, identities: identities) } }
    #expect(throws: TrustError.self) { try parse(CertificatePlan().der(issuer: authority), identities: ["*"]) }
  }

  @Test("Anything else is refused, with the place", arguments: bad.indices)
  func refused(_ index: Int) {
    #expect(throws: TrustError.self, "\(Self.bad[index].0)") { try TrustPolicy.parse(Self.bad[index].1) }
  }
}
