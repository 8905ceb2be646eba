import Encodings
import Foundation
import Signing
import SigstoreFormats
import Trust

/// Results for people and machines.
enum SigningReport {
  static func show(plan: SigningPlan, _ format: OutputFormat) {
    switch format {
    case .json: Console.print(plan.json)
    case .text: Console.print((["plan (nothing was done)"] + plan.lines).joined(separator: "\n"))
    }
  }

  /// Several jobs that all ended well.
  static func show(_ results: [JobResult], _ session: SigningSession) async {
    notes(results)
    let operations = await session.hsmOperations
    switch session.options.output.format {
    case .json:
      var object: JSONObject = [
        "schema": "hallmark.signed/v1", "plan": SigningPlan(results.map(\.plan)).json, "results": .array(results.map(json)),
        "hsmOperations": .integer(operations),
      ]
      object.set("standby", ifPresent: await session.standby?.reason?.json)
      if session.options.wantsProfile { object["profile"] = session.meter.json }
      Console.print(.object(object))
    case .text:
      for result in results { Console.print(lines(result).joined(separator: "\n")) }
      if session.options.wantsProfile { Console.print(profile(session.meter, operations)) }
    }
  }

  /// Said on standard error, whatever the output: they must not be lost in a pipe.
  static func notes(_ results: [JobResult]) {
    for result in results {
      for (replaced, by, why) in result.substitutions { Console.note("note: \(by) signed in place of \(replaced): \(Console.plain(why))") }
      for made in result.signatures {
        if made.attempts > 1 {
          Console.note("note: \(made.attempts) sign requests may have been performed for \(made.call.digest.text); the audit log shows each")
        }
        if !made.isChecked { Console.note("note: a signature was not checked here, there is no verifier for this kind of key (\(made.call.kid))") }
      }
    }
  }

  static func profile(_ meter: StepMeter, _ operations: Int) -> String {
    var lines = [Console.table(meter.rows), "HSM operations: \(operations)"]
    if let slowest = meter.slowest { lines.append("slowest: \(slowest.rawValue)") }
    return lines.joined(separator: "\n")
  }

  static func lines(_ result: JobResult) -> [String] {
    var lines = ["signed   \(Console.plain(result.plan.job.name))"]
    if case .image(let image) = result.plan.job.artifact, let tag = image.tag { lines[0] += " (tag \(tag) at this moment)" }
    var keys: Set<String> = []
    for document in result.documents {
      if keys.insert("\(document.planned.call.kid) \(document.planned.call.scheme.rawValue)").inserted {
        lines.append("key      \(document.planned.call.kid) \(document.planned.call.scheme.rawValue)")
      }
      switch (document.origin, document.placed) {
      case (.doneBefore, _), (_, nil): lines.append("done     \(document.planned.format.rawValue) before: \(document.planned.placement.text)")
      case (.reused(let from), let placed?):
        lines.append("reused   \(document.planned.format.rawValue) \(Console.plain(placed.text)) (found at \(Console.plain(from)))")
      case (.signed, let placed?):
        let verb =
          switch document.planned.placement {
          case .file: "wrote   "
          case .referrer, .tag: "pushed  "
          }
        lines.append("\(verb) \(document.planned.format.rawValue) \(Console.plain(placed.text))" + (placed.listing.map { " (listed by \($0))" } ?? ""))
      }
    }
    return lines
  }

  static func json(_ result: JobResult) -> JSONValue {
    var object: JSONObject = ["artifact": .string(result.plan.job.name)]
    object["digest"] = result.documents.first.map { .string($0.planned.cacheKey.artifact.text) } ?? .null
    object["documents"] = .array(result.documents.map(json))
    object["signatures"] = .array(result.signatures.map(json))
    if !result.substitutions.isEmpty {
      object["substitutions"] = .array(
        result.substitutions.map { ["replaced": .string($0.replaced), "by": .string($0.by), "why": .string($0.why)] })
    }
    return .object(object)
  }

  private static func json(_ document: DocumentResult) -> JSONValue {
    guard var object = document.planned.json.object else { return .null }
    switch document.origin {
    case .doneBefore: object["origin"] = "done-before"
    case .reused(let from):
      object["origin"] = "reused"
      object["reusedFrom"] = .string(from)
    case .signed(let made):
      object["origin"] = "signed"
      object["requestId"] = made.requestID.map { .string($0) } ?? .null
    }
    if let placed = document.placed {
      object["placed"] = .string(placed.text)
      object["placedDigest"] = .string(placed.digest.text)
      object.set("listing", ifPresent: placed.listing.map { .string($0) })
    }
    return .object(object)
  }

  private static func json(_ made: CompletedSignature) -> JSONValue {
    [
      "digest": .string(made.call.digest.text), "kid": .string(made.call.kid), "algorithm": .string(made.call.scheme.rawValue),
      "signature": .string(Base64.encode(made.signature)), "requestId": made.requestID.map { .string($0) } ?? .null,
      "attempts": .integer(made.attempts), "checked": .bool(made.isChecked), "milliseconds": .integer(made.milliseconds),
    ]
  }
}
