import Signing
import SigstoreFormats
import Testing

@Suite("Batches")
struct BatchTests {
  @Test("Lines of every kind are read")
  func items() throws {
    let blob = try BatchItem.parse(Array(#"{"kind":"blob","artifact":"a b","bundle":"x.json","signature":"x.sig"}"#.utf8))
    #expect(blob.kind == .blob && blob.artifact == "a b" && blob.bundle == "x.json" && blob.signature == "x.sig")
    let image = try BatchItem.parse(
      Array(#"{"kind":"image","artifact":"r.example/a:1","formats":["bundle","notary-cose"],"annotations":{"k":"v"},"recursive":true}"#.utf8))
    #expect(image.formats == [.bundle, .notaryCOSE] && image.annotations == [.init(name: "k", value: "v")] && image.recursive)
    #expect(try BatchItem.parse(Array(#"{"kind":"attestation","artifact":"a","sbom":"s"}"#.utf8)).predicate == .sbom(path: "s"))
    #expect(try BatchItem.parse(Array(#"{"kind":"attestation","artifact":"a","provenance":"s"}"#.utf8)).predicate == .provenance(path: "s"))
    #expect(
      try BatchItem.parse(Array(#"{"kind":"attestation","artifact":"a","predicate":"s","type":"vuln"}"#.utf8)).predicate
        == .file(path: "s", type: "vuln"))
  }

  @Test("Anything else is refused, with the member named", arguments: [
    ("", "JSON"), ("[]", "whole"), ("{", "JSON"), (#"{"kind":"blob"}"#, "artifact"), (#"{"artifact":"a"}"#, "kind"),
    (#"{"kind":"file","artifact":"a"}"#, "kind"), (#"{"kind":"blob","artifact":""}"#, "artifact"), (#"{"kind":"blob","artifact":7}"#, "artifact"),
    (#"{"kind":"blob","artifact":"a\u0000b"}"#, "artifact"), (#"{"kind":"blob","artifact":"a","format":"bundle"}"#, "format"),
    (#"{"kind":"blob","kind":"image","artifact":"a"}"#, "JSON"), (#"{"kind":"blob","artifact":"a","formats":[]}"#, "formats"),
    (#"{"kind":"blob","artifact":"a","formats":["pgp"]}"#, "formats"), (#"{"kind":"blob","artifact":"a","formats":["bundle","bundle"]}"#, "formats"),
    (#"{"kind":"blob","artifact":"a","formats":"bundle"}"#, "formats"), (#"{"kind":"blob","artifact":"a","annotations":{"a":"b"}}"#, "annotations"),
    (#"{"kind":"image","artifact":"a","annotations":{"a":1}}"#, "annotations.a"), (#"{"kind":"image","artifact":"a","annotations":[]}"#, "annotations"),
    (#"{"kind":"blob","artifact":"a","recursive":true}"#, "recursive"), (#"{"kind":"image","artifact":"a","recursive":"yes"}"#, "recursive"),
    (#"{"kind":"image","artifact":"a","bundle":"b"}"#, "bundle"), (#"{"kind":"attestation","artifact":"a"}"#, "predicate"),
    (#"{"kind":"blob","artifact":"a","sbom":"s"}"#, "predicate"), (#"{"kind":"attestation","artifact":"a","sbom":"s","provenance":"p"}"#, "predicate"),
    (#"{"kind":"attestation","artifact":"a","predicate":"p"}"#, "type"), (#"{"kind":"attestation","artifact":"a","sbom":"s","type":"t"}"#, "type"),
    (#"{"kind":"attestation","artifact":"a","sbom":"s","signature":"x"}"#, "signature"),
    (#"{"kind":"blob","artifact":"a"} {"kind":"blob","artifact":"b"}"#, "JSON"),
    ("{\"kind\":\"blob\",\"artifact\":\"" + String(repeating: "a", count: 5000) + "\"}", "artifact"),
    ("{\"kind\":\"blob\",\"artifact\":\"" + String(repeating: "a", count: 70_000) + "\"}", "JSON"),
    (#"{"kind":"image","artifact":"a","annotations":{"a":{"b":{"c":{"d":1}}}}}"#, "JSON"),
  ])
  func badItems(_ line: String, _ named: String) {
    do {
      _ = try BatchItem.parse(Array(line.utf8))
      Issue.record("was read")
    } catch { #expect(error.description.contains(named), "\(error)") }
  }

  @Test("A bad line keeps its number and does not spoil the others; empty lines are passed over")
  func manifests() throws {
    let text = "\n{\"kind\":\"blob\",\"artifact\":\"a\"}\r\n  \nnot json\n{\"kind\":\"blob\",\"artifact\":\"b\"}"
    let lines = try BatchManifest.parse(Array(text.utf8))
    #expect(lines.map(\.line) == [2, 4, 5])
    #expect((try? lines[0].item.get())?.artifact == "a" && (try? lines[1].item.get()) == nil && (try? lines[2].item.get())?.artifact == "b")
    #expect(try BatchManifest.parse([]).isEmpty)
  }

  /// A journal as a run of two documents writes it: one placed, one begun.
  func journal() async throws -> (bytes: [UInt8], placed: DocumentResult, begun: PlannedDocument) {
    let key = try MemoryKey()
    let memory = MemoryRun(FixedSigners([key.seat()]))
    let result = try await memory.run.perform(Fixture.blob("one", "a")).documents[0]
    let open = try JobPlan.make(Fixture.blob("two", "b"), signers: [key.seat().signer], now: Fixture.now).documents[0]
    let bytes =
      BatchJournal.begun(result.planned, artifact: "one", at: Fixture.now) + BatchJournal.placed(result, artifact: "one", at: Fixture.now)
      + BatchJournal.begun(open, artifact: "two", at: Fixture.now)
    return (bytes, result, open)
  }

  @Test("A journal tells what is placed, with what, and what was begun only")
  func journalReading() async throws {
    let (bytes, placed, begun) = try await journal()
    let journal = try BatchJournal.parse(bytes)
    #expect(journal.placed == [placed.planned.identity: try #require(placed.placed).digest])
    #expect(journal.begun == [begun.identity])
    #expect(try BatchJournal.parse([]).placed.isEmpty)
  }

  @Test("A run may be killed after any byte of its journal")
  func tornJournal() async throws {
    let (bytes, placed, _) = try await journal()
    let firstEnd = try #require(bytes.firstIndex(of: UInt8(ascii: "\n")))
    let secondEnd = try #require(bytes[(firstEnd + 1)...].firstIndex(of: UInt8(ascii: "\n")))
    for length in 0...bytes.count {
      let journal = try BatchJournal.parse(Array(bytes[..<length]))
      #expect((journal.placed[placed.planned.identity] != nil) == (length >= secondEnd), "\(length)")
    }
  }

  @Test("A spoilt line in the middle stops the run: nothing may be guessed", arguments: [
    "rubbish", "{}", #"{"schema":"hallmark.journal/v2","event":"begun","document":"sha256:00"}"#,
    #"{"schema":"hallmark.journal/v1","event":"begun","document":"sha256:00"}"#, #"{"schema":"hallmark.journal/v1","event":"begun"}"#,
    #"{"schema":"hallmark.journal/v1","event":"ended","document":"sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"}"#,
    #"{"schema":"hallmark.journal/v1","event":"placed","document":"sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"}"#,
  ])
  func spoiltJournal(_ line: String) async throws {
    let (bytes, _, _) = try await journal()
    #expect(throws: BatchError.self) { try BatchJournal.parse(Array((line + "\n").utf8) + bytes) }
  }
}
