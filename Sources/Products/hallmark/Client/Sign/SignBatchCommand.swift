import ArgumentParser
import Clocks
import Encodings
import Foundation
import Outbound
import Signing
import Telemetry

struct SignBatchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "batch", abstract: "Sign what a manifest lists: files, images and attestations, thousands of them.",
    discussion: """
      The manifest holds one JSON object a line: {"kind":"blob","artifact":"dist/app.tar.gz"}, \
      {"kind":"image","artifact":"registry.example/app:1.2","formats":["bundle","notary-jws"],"annotations":{"build":"77"},"recursive":true}, \
      {"kind":"attestation","artifact":"registry.example/app:1.2","sbom":"app.spdx.json"} (or "provenance", or "predicate" with "type"). \
      Blobs may say where "bundle" and "signature" go. Paths are relative to the working folder.

      Every document that is in place is noted in a journal. A run that was killed goes on when it is started again: what is there with the same \
      digest, key version and format is left alone. One bad item does not stop the others. Exit code 0: everything is signed. 1: some items are \
      not. 4: some are not, all of them because a service did not do its part; start it again.
      """)

  @Argument(help: "The manifest, or - for standard input.")
  var path: String?

  @Option(help: "The same as the argument: `hallmark sign --batch FILE` is `hallmark sign batch FILE`.")
  var batch: String?

  @Option(help: "How many items are worked on at the same time.")
  var jobs = 8

  @Option(help: "The journal; default MANIFEST.journal. Needed with - to be resumable.")
  var journal: String?

  @Flag(help: "Keep no journal and read none.")
  var noJournal = false

  @Option(name: .customLong("as"), help: "plain: a signature each. statement: up to 1024 files in one attestation. merkle: a proof each, for hallmark verify. Files only.")
  var form = BatchForm.plain

  @OptionGroup var registry: RegistryOptions
  @OptionGroup var options: SigningOptions

  func run() async throws {
    try await SigningFailure.run("cannot sign the batch \(manifest)") {
      guard (path == nil) != (batch == nil) else {
        throw CommandFailure.usage("cannot sign", why: "name one manifest", next: "hallmark sign --help lists what can be signed")
      }
      guard (1...64).contains(jobs) else { throw CommandFailure.usage("cannot sign the batch", why: "--jobs is 1 to 64") }
      let lines = try lines()
      guard !lines.isEmpty else { throw CommandFailure.usage("cannot sign the batch \(manifest)", why: "it holds no item") }
      let items = lines.compactMap { try? $0.item.get() }
      let formats = Set(items.flatMap(\.outputs).map(\.format))
      let code = try await SigningSession.open(options, formats: formats, registry: items.contains(where: \.isAboutImage) ? registry : nil) { session in
        if options.dryRun { return try await plan(lines, session) }
        if form != .plain {
          try await BatchAs(form: form, session: session, promotion: session.economy.promotion, ledger: session.ledger).run(lines, format: options.output.format)
          return nil
        }
        let file = try journalPath.map { path in try BatchJournalFile(path, signers: session.signers) }
        return await SigningBatch(lines: lines, width: jobs, session: session, journal: file).run()
      }
      if let code { throw code }
    }
  }

  private var manifest: String { path ?? batch ?? "" }

  private var journalPath: String? {
    if noJournal { return nil }
    return journal ?? (manifest == "-" ? nil : "\(manifest).journal")
  }

  private func lines() throws -> [(line: Int, item: Result<BatchItem, BatchError>)] {
    let bytes: [UInt8]
    if manifest == "-" {
      guard let data = try FileHandle.standardInput.read(upToCount: BatchManifest.maxBytes + 1) else { return [] }
      bytes = Array(data)
    } else {
      bytes = try LocalFile.bytes(manifest, maxBytes: BatchManifest.maxBytes)
    }
    do { return try BatchManifest.parse(bytes) } catch {
      throw CommandFailure.usage("cannot read \(manifest)", why: error.description)
    }
  }

  /// Prints the plan of every item that can be planned; the others are named on standard error.
  private func plan(_ lines: [(line: Int, item: Result<BatchItem, BatchError>)], _ session: SigningSession) async throws -> ExitCode? {
    var plans: [JobPlan] = []
    var isWhole = true
    for (line, item) in lines {
      do {
        for job in try await ArtifactReading(session: session).jobs(item.get()) { plans.append(try await session.run.plan(job)) }
      } catch {
        isWhole = false
        let failure = SigningFailure.explain(error, "line \(line)")
        Console.note("hallmark: line \(line): \(Console.plain(failure.why))")
      }
    }
    SigningReport.show(plan: SigningPlan(plans), options.output.format)
    return isWhole ? nil : Exit.no
  }
}
