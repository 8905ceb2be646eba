import Crypto
import Encodings
import Signing
import SigstoreFormats
import Testing
import Trust

@Suite("Runbooks of promotion")
struct RunbookTests {
  private let now: Int64 = 1_790_000_100
  private let persons = ["ann", "bob", "cia", "dan"].map { (name: $0, key: P256.Signing.PrivateKey()) }
  private let second = P256.Signing.PrivateKey()
  private let stranger = P256.Signing.PrivateKey()
  private let verifier = CryptoSignatureVerifier()

  private func public_(_ key: P256.Signing.PrivateKey) throws -> PublicKey { try PublicKey(spki: Array(key.publicKey.derRepresentation)) }

  private func configuration(_ change: (inout StandbyConfiguration) -> Void = { _ in }) throws -> StandbyConfiguration {
    var configuration = StandbyConfiguration(
      name: "release",
      pair: try StandbyPair(primary: KeyReference(parsing: "https://a.example/keys/release"), standby: KeyReference(parsing: "https://b.example/keys/release")),
      rules: StandbyRules(fallback: .unreachable), threshold: 2,
      approvers: try persons.map { .init(person: $0.name, key: try public_($0.key)) } + [.init(person: "ann", key: try public_(second))])
    change(&configuration)
    return configuration
  }

  private let outage = [0.0, 5, 10].map { Attempts.at($0, Attempts.refused) }

  private func runbook(_ configuration: StandbyConfiguration, _ change: (inout StandbyRunbook) -> Void = { _ in }) throws -> StandbyRunbook {
    let id = "0123456789abcdef-book"
    var runbook = StandbyRunbook(
      id: id, action: .promote, name: "release", proposer: "ann", proposerKey: try public_(persons[0].key).fingerprint, why: "region lost",
      proposedAt: now - 60, expires: now + 3600, primary: "https://a.example/keys/release", standby: "https://b.example/keys/release",
      before: StandbyConfiguration.digest(configuration.serialized),
      after: StandbyConfiguration.digest(configuration.after(making: .standby, by: id).serialized), outage: outage, isPlanned: false,
      steps: ["tell everybody", "execute", "verify one image"])
    change(&runbook)
    return runbook
  }

  private func signed(_ runbook: StandbyRunbook, _ keys: [P256.Signing.PrivateKey]) throws -> RunbookDocument {
    var document = RunbookDocument(runbook)
    for key in keys {
      document.signatures.append(
        .init(keyFingerprint: try public_(key).fingerprint, bytes: Array(try key.signature(for: document.signedBytes).derRepresentation)))
    }
    return document
  }

  private func refusal(_ document: RunbookDocument, _ configuration: StandbyConfiguration, now: Int64? = nil) -> RunbookRefusal? {
    do throws(RunbookRefusal) {
      _ = try document.check(
        configuration, fileDigest: StandbyConfiguration.digest(configuration.serialized), now: now ?? self.now, verifier: verifier)
      return nil
    } catch { return error }
  }

  private func code(_ keys: [P256.Signing.PrivateKey], _ change: (inout StandbyRunbook) -> Void = { _ in }, now: Int64? = nil) throws -> String? {
    let configuration = try configuration()
    return refusal(try signed(try runbook(configuration, change), keys), configuration, now: now)?.code
  }

  @Test("The proposer and two others make it executable, and the result is the next epoch with the standby active")
  func approved() throws {
    let configuration = try configuration()
    let document = try RunbookDocument(parsing: signed(runbook(configuration), [persons[0].key, persons[1].key, persons[2].key]).serialized)
    let approved = try document.check(
      configuration, fileDigest: StandbyConfiguration.digest(configuration.serialized), now: now, verifier: verifier)
    #expect(approved.approvals == ["bob", "cia"])
    #expect(approved.next.active == .standby && approved.next.epoch == 2 && approved.next.runbook == document.runbook.id)
    #expect(refusal(document, approved.next)?.code == "other-configuration", "a runbook is executed once")
  }

  @Test("No approval, one approval, one person twice and the proposer's own are not enough")
  func tooFew() throws {
    let k = persons.map(\.key)
    for keys in [[k[0]], [k[0], k[1]], [k[0], k[1], k[1]], [k[0], k[0], k[1]], [k[0], second, k[1]], [k[0], stranger, k[1]]] {
      #expect(try code(keys) == "not-enough-approvals")
    }
    let configuration = try configuration()
    let own = refusal(try signed(runbook(configuration), [k[0], second, k[1]]), configuration)
    #expect(own?.description.contains("ann proposed it and cannot approve it") == true)
  }

  @Test("A proposal without its proposer's signature, or by nobody in the configuration, is refused")
  func unsigned() throws {
    let k = persons.map(\.key)
    #expect(try code([k[1], k[2], k[3]]) == "unsigned-proposal")
    let strange = try public_(stranger).fingerprint
    #expect(try code([stranger, k[1], k[2]]) { $0.proposerKey = strange } == "unsigned-proposal")
    #expect(try code([k[0], k[1], k[2]]) { $0.proposer = "bob" } == "unsigned-proposal")
  }

  @Test("An expired runbook, one from the future, one for other keys or another outcome is refused")
  func circumstances() throws {
    let k = persons.map(\.key)
    #expect(try code([k[0], k[1], k[2]], now: now + 3601) == "expired")
    #expect(try code([k[0], k[1], k[2]], { $0.proposedAt = now + 900 }) == "not-yet")
    #expect(try code([k[0], k[1], k[2]], { $0.standby = "https://evil.example/keys/release" }) == "other-keys")
    #expect(try code([k[0], k[1], k[2]], { $0.after = String(repeating: "0", count: 64) }) == "other-outcome")
    #expect(try code([k[0], k[1], k[2]], { $0.before = String(repeating: "0", count: 64) }) == "other-configuration")
    #expect(try code([k[0], k[1], k[2]], { $0.action = .demote }) == "nothing-to-do")
  }

  @Test("A promotion that is not planned needs a proof of the outage")
  func unproven() throws {
    let k = persons.map(\.key)
    #expect(try code([k[0], k[1], k[2]], { $0.outage = [] }) == "outage-unproven")
    #expect(try code([k[0], k[1], k[2]], { $0.outage.append(Attempts.at(11, .answered(status: 403, code: nil))) }) == "outage-unproven")
    #expect(try code([k[0], k[1], k[2]], { $0.outage = []; $0.isPlanned = true }) == nil)
  }

  @Test("A signature over other content, or by an approver whose time has ended, does not count")
  func spoiled() throws {
    let k = persons.map(\.key)
    let configuration = try configuration()
    let other = try signed(runbook(configuration) { $0.why = "another reason" }, [k[1], k[2]])
    var document = try signed(runbook(configuration), [k[0]])
    document.signatures += other.signatures
    #expect(refusal(document, configuration)?.code == "not-enough-approvals")
    let ended = try self.configuration { $0.approvers[1].until = now - 1 }
    #expect(refusal(try signed(runbook(ended), [k[0], k[1], k[2]]), ended)?.code == "not-enough-approvals")
    // The right signature under another approver's fingerprint counts for nobody.
    var swapped = try signed(runbook(configuration), [k[0], k[1], k[2]])
    swapped.signatures[1].keyFingerprint = try public_(k[3]).fingerprint
    #expect(refusal(swapped, configuration)?.code == "not-enough-approvals")
  }

  @Test("Documents with unknown, missing or oversized members are refused")
  func malformed() throws {
    let configuration = try configuration()
    let document = try signed(runbook(configuration), [persons[0].key])
    func change(_ path: [String], _ value: JSONValue?) -> [UInt8] {
      func apply(_ node: JSONValue, _ path: ArraySlice<String>) -> JSONValue {
        guard let name = path.first, var object = node.object else { return node }
        object[name] = path.count == 1 ? value : object[name].map { apply($0, path.dropFirst()) }
        return .object(object)
      }
      var top = document.json.object ?? [:]
      top["payload"] = .string(Base64.encode(apply(document.runbook.statement, path[...]).serialized()))
      return JSONValue.object(top).serialized()
    }
    let cases: [([String], JSONValue?)] = [
      (["_type"], "x"), (["predicateType"], "urn:hallmark:merkle-batch:v1"), (["subject"], []), (["predicate", "action"], "destroy"),
      (["predicate", "extra"], 1), (["predicate", "why"], nil), (["predicate", "why"], .string(String(repeating: "w", count: 3000))),
      (["predicate", "expires"], "2020-01-01T00:00:00Z"), (["predicate", "name"], "other"), (["predicate", "planned"], "yes"),
      (["predicate", "proposer", "spkiSha256"], "00"), (["predicate", "after", "sha256"], nil), (["predicate", "id"], "short"),
      (["predicate", "steps"], .array(Array(repeating: "s", count: 33))), (["predicate", "steps"], [1]),
      (["predicate", "outage"], .array(Array(repeating: outage[0].json, count: 65))), (["predicate"], nil),
    ]
    for (path, value) in cases { #expect(throws: StandbyError.self, "\(path)") { try RunbookDocument(parsing: change(path, value)) } }
    for text in ["", "{}", "[]", #"{"payloadType":"text/plain","payload":"e30=","signatures":[]}"#, #"{"payloadType":"application/vnd.in-toto+json","payload":"!","signatures":[]}"#] {
      #expect(throws: StandbyError.self) { try RunbookDocument(parsing: Array(text.utf8)) }
    }
    let text = String(decoding: document.serialized, as: UTF8.self)
    #expect(throws: StandbyError.self) { try RunbookDocument(parsing: Array(text.replacing(#""sig""#, with: #""cert""#).utf8)) }
    #expect(throws: StandbyError.self) { try RunbookDocument(parsing: document.serialized.dropLast(10)) }
    #expect(try RunbookDocument(parsing: document.serialized) == document)
  }

  @Test("A configuration is read as it was written, and refuses bare names, one key twice and unknown members")
  func configurations() throws {
    let configuration = try configuration { $0.approvers[2].until = now }
    #expect(try StandbyConfiguration.parse(try JSONValue.parse(configuration.serialized)) == configuration)
    func broken(_ change: (inout JSONObject) -> Void) throws -> JSONValue {
      var object = configuration.json.object ?? [:]
      change(&object)
      return .object(object)
    }
    for value in try [
      broken { $0["primary"] = "release" }, broken { $0["standby"] = $0["primary"] }, broken { $0["threshold"] = 0 }, broken { $0["epoch"] = 0 },
      broken { $0["active"] = "both" }, broken { $0["owner"] = "x" }, broken { $0["rules"] = nil }, broken { $0["schema"] = "hallmark.trust/v1" },
      broken { $0["approvers"] = .array(($0["approvers"]?.array ?? []) + ($0["approvers"]?.array ?? [])) },
      broken { $0["approvers"] = [["person": "x", "pem": "no key"]] },
    ] {
      #expect(throws: StandbyError.self) { try StandbyConfiguration.parse(value) }
    }
  }
}
