import ArgumentParser
import Clocks
import Encodings
import Foundation
import Signing
import SigstoreFormats
import Telemetry

/// Runs many items side by side: one line of output for each as it ends, one summary at the end.
struct SigningBatch: Sendable {
  let lines: [(line: Int, item: Result<BatchItem, BatchError>)]
  /// Items at a time.
  let width: Int
  let session: SigningSession
  let journal: BatchJournalFile?

  private enum Outcome: Sendable {
    case done([JobResult])
    /// What was done of the item before it failed, and why it failed.
    case failed([JobResult], CommandFailure)
  }

  private struct Counts {
    var signed = 0
    var reused = 0
    var doneBefore = 0
    var failed = 0
    var failedRemotely = 0
  }

  /// - Returns: nil when every item is signed.
  func run() async -> ExitCode? {
    if let journal, journal.placedBefore > 0 { Console.note("note: the journal knows \(journal.placedBefore) documents that are in place") }
    let bar = ProgressBar("signing", total: lines.count, environment: ProcessInfo.processInfo.environment)
    var counts = Counts()
    await withTaskGroup(of: (Int, Outcome).self) { group in
      var next = 0
      func add() {
        guard next < lines.count else { return }
        let index = next
        next += 1
        group.addTask { (index, await perform(lines[index].item)) }
      }
      for _ in 0..<min(width, lines.count) { add() }
      while let (index, outcome) = await group.next() {
        add()
        count(outcome, &counts)
        bar.interrupt { show(index, outcome) }
        if case .failed = outcome { bar.step(failed: true) } else { bar.step() }
      }
    }
    bar.finish()
    await summary(counts)
    guard counts.failed > 0 else { return nil }
    return counts.failed == counts.failedRemotely ? Exit.remote : Exit.no
  }

  private func perform(_ item: Result<BatchItem, BatchError>) async -> Outcome {
    var results: [JobResult] = []
    do {
      let item = try item.get()
      for job in try await ArtifactReading(session: session).jobs(item) {
        results.append(try await session.perform(job, journal: journal))
      }
      return .done(results)
    } catch { return .failed(results, SigningFailure.explain(error, "cannot sign")) }
  }

  private func count(_ outcome: Outcome, _ counts: inout Counts) {
    let results: [JobResult]
    switch outcome {
    case .done(let all): results = all
    case .failed(let some, let failure):
      results = some
      counts.failed += 1
      if failure.code == Exit.remote { counts.failedRemotely += 1 }
    }
    for document in results.flatMap(\.documents) {
      switch document.origin {
      case .signed: counts.signed += 1
      case .reused: counts.reused += 1
      case .doneBefore: counts.doneBefore += 1
      }
    }
  }

  private func show(_ index: Int, _ outcome: Outcome) {
    let (line, item) = lines[index]
    let name = (try? item.get())?.artifact ?? "line \(line)"
    var results: [JobResult] = []
    var failure: CommandFailure?
    switch outcome {
    case .done(let all): results = all
    case .failed(let some, let why): (results, failure) = (some, why)
    }
    notes(results, name)
    switch session.options.output.format {
    case .json:
      var object: JSONObject = [
        "schema": "hallmark.signed-item/v1", "line": .integer(line), "artifact": .string(name),
        "status": .string(failure == nil ? Self.isAllBefore(results) ? "done-before" : "signed" : "failed"),
        "results": .array(results.map(SigningReport.json)),
      ]
      if let failure {
        object["error"] = .string(failure.why)
        object["code"] = .integer(Int(failure.code.rawValue))
      }
      Console.print(JSONValue.object(object).text())
    case .text:
      if let failure { return Console.print("failed   \(Console.plain(name)): \(Console.plain(failure.why))") }
      let places = results.flatMap(\.documents).map { $0.placed?.text ?? $0.planned.placement.text }
      Console.print("\(Self.isAllBefore(results) ? "done    " : "signed  ") \(Console.plain(name)) -> \(Console.plain(places.joined(separator: ", ")))")
    }
  }

  private func notes(_ results: [JobResult], _ name: String) {
    SigningReport.notes(results)
    guard let journal else { return }
    for document in results.flatMap(\.documents) {
      guard case .signed = document.origin, journal.wasBegun(document.planned) else { continue }
      Console.note(
        "note: an earlier run asked for a signature over \(document.planned.call.digest.text) (\(name)) and did not get to place it; it was asked for again, the audit log shows both")
    }
  }

  private static func isAllBefore(_ results: [JobResult]) -> Bool {
    !results.isEmpty && results.flatMap(\.documents).allSatisfy { $0.origin == .doneBefore }
  }

  private func summary(_ counts: Counts) async {
    let operations = await session.hsmOperations
    switch session.options.output.format {
    case .json:
      var object: JSONObject = [
        "schema": "hallmark.signed-summary/v1", "items": .integer(lines.count), "failed": .integer(counts.failed),
        "documents": ["signed": .integer(counts.signed), "reused": .integer(counts.reused), "doneBefore": .integer(counts.doneBefore)],
        "hsmOperations": .integer(operations),
      ]
      object.set("standby", ifPresent: await session.standby?.reason?.json)
      if session.options.wantsProfile { object["profile"] = session.meter.json }
      Console.print(JSONValue.object(object).text())
    case .text:
      Console.print(
        "\(lines.count) \(lines.count == 1 ? "item" : "items"), \(counts.failed) failed; documents: \(counts.signed) signed, \(counts.reused) reused, \(counts.doneBefore) done before; HSM operations: \(operations)")
      if session.options.wantsProfile { Console.print(SigningReport.profile(session.meter, operations)) }
    }
  }
}
