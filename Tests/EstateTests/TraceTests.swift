import Crypto
import Encodings
import Estate
import Foundation
import SigstoreFormats
import Testing
import Trust

/// The verdict table: one test per row, each by taking one fact away from, or spoiling it in, a complete estate.
@Suite("Trace")
struct TraceTests {
  static let artifact = Data("an artifact".utf8)
  static let digest = MessageDigest(algorithm: .sha256, bytes: Array(SHA256.hash(data: artifact)))
  let key = P256.Signing.PrivateKey()

  func facts() throws -> TraceFacts {
    TraceFacts(
      records: [
        OperationRecord(
          sequence: 7, time: 1000, requestID: "req-1", objectID: "oid-build", issuer: "https://token.actions.githubusercontent.com",
          subject: "repo:org/app:environment:ship",
          claims: [.init(name: "repository", value: "org/app"), .init(name: "run_id", value: "42"), .init(name: "sha", value: "c0ffee")],
          operation: "sign", key: "fw-sign", version: "v1", digest: Self.digest.text, allowed: true, assignment: "grant-1", status: 200)
      ],
      keys: [
        KeyVersionFact(
          name: "fw-sign", version: "v1", kid: "https://h/keys/fw-sign/v1", created: 500, createdBy: "oid-officer", createdByName: "officer",
          publicKey: try PublicKey(spki: Array(key.publicKey.derRepresentation)))
      ],
      assignments: [
        AssignmentFact(
          id: "/providers/Microsoft.Authorization/roleAssignments/GRANT-1", scope: "/keys/fw-sign", roleName: "Hallmark Artifact Signer",
          principalID: "oid-build", createdBy: "oid-admin", createdByName: "admin", createdAt: 600)
      ],
      principals: [PrincipalFact(objectID: "oid-build", displayName: "build-eu", kind: "servicePrincipal", clientID: "client-1")])
  }

  func question(_ digest: MessageDigest = digest, signed: Data = artifact, with key: P256.Signing.PrivateKey? = nil) throws -> TraceQuestion {
    let signature = Array(try (key ?? self.key).signature(for: signed).derRepresentation)
    let bundle = SigstoreBundle(material: .publicKey(hint: nil), content: .message(MessageSignature(digest: nil, signature: signature)))
    return TraceQuestion(
      digests: ArtifactDigests(only: digest), refs: ["app"], signatures: [.init(source: "app.sigstore.json", content: .bundle(bundle))])
  }

  func trace(_ question: TraceQuestion, _ facts: TraceFacts, policy: TrustPolicy? = nil) -> Trace {
    Trace.compose(question, facts: facts, policy: policy, at: 2000, verifier: CryptoSignatureVerifier())
  }

  @Test("Every hop exact: ours, with the whole chain and no gap")
  func ours() throws {
    let trace = trace(try question(), try facts())
    #expect(trace.verdict == .ours)
    let chain = try #require(trace.chains.first)
    #expect(chain.gaps.isEmpty)
    #expect(chain.join == .exact && chain.event?.requestID == "req-1")
    #expect(chain.grant?.createdByName == "admin" && !chain.grantReconstructed)
    #expect(chain.identity?.displayName == "build-eu")
    #expect(chain.workload == TraceWorkload(platform: "github", repository: "org/app", workflow: nil, ref: nil, runID: "42", commit: "c0ffee"))
    #expect(trace.verdict.exitCode(acceptGaps: false) == 0)
  }

  @Test("The JSON has the members the guard format names")
  func json() throws {
    let json = trace(try question(), try facts()).json
    #expect(json["schema"] == "hallmark.trace/v1")
    #expect(json["artifact"]?.object?.names == ["digest", "refs", "closure"])
    let chain = try #require(json["chains"]?[0])
    for name in ["signature", "key", "event", "grant", "identity", "workload", "deployments", "gaps"] { #expect(chain[name] != nil, "\(name)") }
    #expect(chain["event"]?["join"] == "exact")
    #expect(chain["grant"]?["reconstructed"] == false)
    #expect(chain["grant"]?["grantedByName"] == "admin")
    #expect(chain["identity"]?["claims"]?["run_id"] == "42")
  }

  @Test("No record: ours, but the signing is unlogged")
  func unlogged() throws {
    var facts = try facts()
    facts.records = []
    let trace = trace(try question(), facts)
    #expect(trace.verdict == .oursKeyUnlogged)
    #expect(trace.chains[0].join == .none && trace.chains[0].gaps.count >= 3)
    #expect(trace.verdict.exitCode(acceptGaps: false) == 3 && trace.verdict.exitCode(acceptGaps: true) == 0)
  }

  @Test("A refused signing, another operation, another digest or another version do not explain a signature")
  func unrelatedRecords() throws {
    let changes: [(inout OperationRecord) -> Void] = [
      { $0.allowed = false }, { $0.status = 500 }, { $0.operation = "verify" }, { $0.digest = "sha256:00" }, { $0.version = "v0" }, { $0.key = "other" },
    ]
    for change in changes {
      var facts = try facts()
      change(&facts.records[0])
      #expect(trace(try question(), facts).verdict == .oursKeyUnlogged)
    }
  }

  @Test("A log without digests gives probable, with every candidate")
  func probable() throws {
    var facts = try facts()
    facts.records[0].digest = nil
    var second = facts.records[0]
    second.time = 1001
    facts.records.append(second)
    let trace = trace(try question(), facts)
    #expect(trace.verdict == .oursProbable)
    #expect(trace.chains[0].join == .probable && trace.chains[0].candidates.count == 2 && trace.chains[0].event == nil)
  }

  @Test("The same digest signed twice: exact when both tell the same story, probable when not, exact again with a known request id")
  func twice() throws {
    var facts = try facts()
    var second = facts.records[0]
    second.requestID = "req-2"
    second.sequence = 8
    facts.records.append(second)
    #expect(trace(try question(), facts).verdict == .ours)
    #expect(trace(try question(), facts).chains[0].gaps.count == 1)
    facts.records[1].objectID = "oid-other"
    #expect(trace(try question(), facts).verdict == .oursProbable)
    var asked = try question()
    asked.knownRequestIDs = ["req-1"]
    #expect(trace(asked, facts).verdict == .ours)
  }

  @Test("A record without assignment: the grant is reconstructed, and that is only probable")
  func reconstructed() throws {
    var facts = try facts()
    facts.records[0].assignment = nil
    let trace = trace(try question(), facts)
    #expect(trace.verdict == .oursProbable && trace.chains[0].grantReconstructed)
  }

  @Test("A named assignment that is missing, someone else's, of another scope, younger or already withdrawn is a gap")
  func badGrants() throws {
    let changes: [(inout TraceFacts) -> Void] = [
      { $0.assignments = [] }, { $0.assignments[0].principalID = "oid-other" }, { $0.assignments[0].scope = "/keys/other" },
      { $0.assignments[0].createdAt = 1001 }, { $0.assignments[0].deletedAt = 999 },
    ]
    for change in changes {
      var facts = try facts()
      change(&facts)
      let trace = trace(try question(), facts)
      #expect(trace.verdict == .oursProbable)
      #expect(trace.chains[0].gaps.contains { $0.hasPrefix("grant:") })
    }
    var later = try facts()
    later.assignments[0].deletedAt = 1500
    #expect(trace(try question(), later).verdict == .ours)
  }

  @Test("A signature by an unknown key is foreign; by nobody over this artifact, when the key is named, invalid")
  func foreign() throws {
    #expect(trace(try question(with: P256.Signing.PrivateKey()), TraceFacts()).verdict == .foreign)
    var named = try question(signed: Data("other".utf8))
    guard case .bundle(var bundle) = named.signatures[0].content else { return }
    bundle.material = .publicKey(hint: Base64.encode(try facts().keys[0].publicKey.fingerprint))
    named.signatures[0].content = .bundle(bundle)
    let invalid = trace(named, try facts())
    #expect(invalid.verdict == .invalid)
    #expect(invalid.verdict.exitCode(acceptGaps: true) == 1)
  }

  @Test("A good signature that policy refuses is untrusted, whole chain shown")
  func untrusted() throws {
    let policy = TrustPolicy(
      keys: [.init(name: "fw-sign", key: try facts().keys[0].publicKey, version: "v1")],
      revocations: [.init(key: "fw-sign", version: "v1", fingerprint: nil, at: 0, reason: "compromised")])
    let trace = trace(try question(), try facts(), policy: policy)
    #expect(trace.verdict == .untrusted && trace.chains[0].event != nil)
    #expect(trace.verdict.exitCode(acceptGaps: true) == 1)
  }

  @Test("Nothing found: unsigned; nothing found because nobody could look: unknown")
  func nothing() throws {
    let empty = TraceQuestion(digests: ArtifactDigests(only: Self.digest))
    #expect(trace(empty, TraceFacts()).verdict == .unsigned)
    #expect(trace(empty, TraceFacts(unseen: ["service: down"])).verdict == .unknown)
    #expect(trace(try question(), TraceFacts(unseen: ["service: down"])).verdict == .unknown)
    let byDigest = TraceQuestion(digests: ArtifactDigests(only: Self.digest), lookedForSignatures: false)
    #expect(trace(byDigest, TraceFacts()).verdict == .unknown)
  }

  @Test("A digest alone is answered from the record, and the missing signature is shown as a gap")
  func byDigest() throws {
    let asked = TraceQuestion(digests: ArtifactDigests(only: Self.digest), lookedForSignatures: false)
    let trace = trace(asked, try facts())
    #expect(trace.verdict == .ours)
    #expect(trace.chains[0].signature == nil && trace.chains[0].gaps.contains { $0.hasPrefix("signature:") })
    var unknownKey = try facts()
    unknownKey.keys = []
    #expect(self.trace(asked, unknownKey).verdict == .oursProbable)
  }

  @Test("Rotation is told: which version came before, and when a newer one replaced it")
  func rotation() throws {
    var facts = try facts()
    for (version, created) in [("v0", Int64(100)), ("v2", 900)] {
      facts.keys.append(
        KeyVersionFact(
          name: "fw-sign", version: version, kid: "https://h/keys/fw-sign/\(version)", created: created, createdBy: "o",
          publicKey: try PublicKey(spki: Array(P256.Signing.PrivateKey().publicKey.derRepresentation))))
    }
    let chain = trace(try question(), facts).chains[0]
    #expect(chain.rotatedFrom == "v0" && chain.supersededAt == 900)
  }
}

@Suite("Facts from the wire")
struct FactReadingTests {
  @Test("Times may be RFC 3339 or seconds, and unknown members are ignored")
  func good() throws {
    let raw = Array(P256.Signing.PrivateKey().publicKey.rawRepresentation)
    let facts = try TraceFacts(trace: [
      "records": [
        [
          "time": "1970-01-01T00:16:40Z", "operation": "sign", "decision": "allow", "new": 1,
          "principal": ["objectId": "o", "claims": ["run_id": "1"]],
        ]
      ],
      "keys": [
        [
          "kid": "https://h/keys/a/v", "version": "v", "created": 5,
          "publicKey": ["kty": "EC-HSM", "crv": "P-256", "x": .string(Base64URL.encode(raw[..<32])), "y": .string(Base64URL.encode(raw[32...]))],
        ]
      ],
      "assignments": [["id": "i", "scope": "/", "principalId": "p", "createdAt": "1970-01-01T00:00:05Z"]],
      "principals": [["objectId": "o", "federation": [["issuer": "i", "subject": "s", "audiences": ["a"]]]]], "future": [:],
    ])
    #expect(facts.records[0].time == 1000 && facts.records[0].claim("run_id") == "1")
    #expect(facts.keys[0].name == "a" && facts.assignments[0].createdAt == 5 && facts.principals[0].federation.count == 1)
  }

  @Test("Facts that cannot be used are errors, not silence", arguments: [
    [], ["records": [:]], ["records": [[:]]], ["records": [["time": "x", "operation": "sign", "decision": "allow"]]],
    ["records": [["time": 1, "operation": "sign", "decision": "maybe"]]], ["keys": [["kid": "https://h/keys/a/v"]]],
    ["keys": [["kid": "nothing", "publicKey": [:]]]], ["assignments": [["id": "i"]]], ["principals": [["displayName": "x"]]],
  ] as [JSONValue])
  func bad(_ value: JSONValue) {
    #expect(throws: FactError.self) { try TraceFacts(trace: value) }
  }
}
