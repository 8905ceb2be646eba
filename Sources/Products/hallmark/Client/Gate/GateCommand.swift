import ArgumentParser
import Clocks
import Encodings
import Estate
import Foundation
import Gates
import Plans

extension PlanFormat: ExpressibleByArgument {}
extension ARMOptions.Mode: ExpressibleByArgument {}

/// How a verdict is printed.
enum GateOutput: String, ExpressibleByArgument, CaseIterable { case text, json, sarif, github, gitlab, junit }

struct GateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gate",
    abstract: "Judge an infrastructure change before it lands: who gains which right, which signing key moves, which protection is lost.",
    discussion: """
      Inputs are told apart by their content: Terraform plan JSON, saved Terraform plan files (with the JSON, as one change), ARM templates and compiled \
      Bicep, what-if answers, Pulumi previews. Exit code 0: pass or warn. 1: block. 3: undecidable or incomplete. 2: invalid input. 4: internal failure.
      """)

  @Argument(help: "Plan files; a saved Terraform plan file goes together with its JSON.")
  var inputs: [String]

  @Option(help: "The intent register (hallmark-intent.yaml): who is meant to do what.")
  var intent: String?

  @Option(help: "An inventory snapshot: what exists and who may use it.")
  var inventory: String?

  @Option(help: "Parameters of an ARM template (.parameters.json, or compiled .bicepparam).")
  var parameters: String?

  @Option(help: "How an ARM template is deployed: Incremental or Complete.")
  var deploymentMode: ARMOptions.Mode = .incremental

  @Option(help: "ARM id of the resource group (or subscription, or management group) a template is deployed to.")
  var resourceGroup: String?

  @Option(help: "What the inputs are, when their content does not tell: \(PlanFormat.allCases.map(\.rawValue).joined(separator: ", ")).")
  var format: PlanFormat?

  @Option(help: "Folder with the .tf files of the plan, for places in findings, locals and lifecycle settings.")
  var source: String?

  @Flag(help: "Fail on what could not be seen, and block on what otherwise warns.")
  var strict = false

  @Option(help: "Who proposes this change; may not approve a waiver for it.")
  var changedBy: String?

  @Option(help: "File that keeps half-done steps between runs; made by the first one.")
  var memory: String?

  @Option(name: .customLong("output"), help: "text, json, sarif, github, gitlab or junit.")
  var output: GateOutput = .text

  @Option(help: "File to write the report to instead of standard output.")
  var out: String?

  func run() async throws {
    try await Console.run("cannot judge the change") {
      let result: GateResult
      do { result = try judge() } catch let error as GateInputError {
        result = GateResult(verdict: .invalid, reason: error.description, input: error.sources)
      } catch let error as CommandFailure where error.code == Exit.usage {
        result = GateResult(verdict: .invalid, reason: "\(error.what): \(error.why)", input: [])
      }
      if result.verdict == .invalid, let reason = result.reason { Console.note("hallmark: cannot judge the change: \(Console.plain(reason))") }
      try show(result)
      if let memory, let kept = result.memory, result.verdict != .invalid {
        try LocalFile.write(kept.json.serialized() + [UInt8(ascii: "\n")], to: memory, mode: 0o600)
      }
      if result.exitCode != 0 { throw ExitCode(result.exitCode) }
    }
  }

  private func judge() throws -> GateResult {
    let reader = GateInputReader(
      parameters: parameters, mode: deploymentMode, scope: resourceGroup, format: format, source: source)
    let (changes, sources) = try reader.read(inputs)
    let register = try intent.map { try EstateDocuments.register($0) } ?? IntentRegister()
    let snapshot = try inventory.map { try EstateDocuments.snapshot($0) }
    return Gate.evaluate(
      GateInput(
        changes: changes, sources: sources, intent: register, inventory: snapshot,
        options: GateOptions(strict: strict, changedBy: changedBy, now: TimeSource.system.now(), memory: try memory.map(Self.remembered))))
  }

  private static func remembered(_ path: String) throws -> GateMemory {
    guard LocalFile.exists(path) else { return GateMemory() }
    do throws(GateMemoryError) { return try GateMemory(json: try bytes(path)) } catch {
      throw CommandFailure.usage("cannot use --memory \(path)", why: error.description, next: "keep it as the last run left it, or begin a new one")
    }
  }

  private static func bytes(_ path: String) throws(GateMemoryError) -> [UInt8] {
    (try? LocalFile.bytes(path, maxBytes: GateMemory.limits.maxBytes)) ?? []
  }

  private func show(_ result: GateResult) throws {
    let file = inputs.first.map { $0 == "-" ? "stdin" : $0 } ?? "plan"
    let reports = PipelineReports(result, fallbackFile: file)
    let text: String
    switch output {
    case .text: text = result.text(isStrict: strict).split(separator: "\n", omittingEmptySubsequences: false).map { Console.plain(String($0)) }.joined(separator: "\n")
    case .json: text = result.json.text(pretty: true)
    case .sarif: text = SARIFReport(result, version: Version.text, fallbackFile: file).json.text(pretty: true)
    case .github:
      text = reports.github
      if let summary = ProcessInfo.processInfo.environment["GITHUB_STEP_SUMMARY"], let handle = FileHandle(forWritingAtPath: summary) {
        _ = try? handle.seekToEnd()
        try? handle.write(contentsOf: Data(reports.githubSummary.utf8))
        try? handle.close()
      }
    case .gitlab: text = reports.gitlab.text(pretty: true)
    case .junit: text = reports.junit
    }
    if let out { try LocalFile.write(Array(text.utf8) + [UInt8(ascii: "\n")], to: out) } else { Console.print(text) }
  }
}
