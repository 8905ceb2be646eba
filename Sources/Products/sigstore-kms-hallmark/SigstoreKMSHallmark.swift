import Clocks
import Foundation
import SigstoreFormats

/// cosign's plugin for keys in a Managed HSM, a vault or Hallmark: `sigstore-kms-hallmark`, and under the name `sigstore-kms-azurekms` the
/// same program for URIs that begin with `azurekms://`.
///
/// cosign starts it once per call with the protocol version and a JSON request as arguments and the message on standard input; it prints
/// one JSON line. Key URIs: `hallmark://HOST[:PORT]/keys/NAME[/VERSION]`, the same without `keys/`, and with `azurekms`.
///
/// Credentials and addresses come from the environment, as for `hallmark`: HALLMARK_TOKEN, HALLMARK_PROFILE, HALLMARK_CA,
/// HALLMARK_AUTHORITY, HALLMARK_TENANT, HALLMARK_CLIENT_ID and Azure's own variables. Besides: HALLMARK_NO_CACHE=1 keeps nothing between
/// calls, HALLMARK_NEW_KEY_ALGORITHM names the algorithm of `cosign generate-key-pair` (default ecdsa-sha2-256-nistp256), HALLMARK_LEDGER
/// the file for the record of sign requests, which is kept by default for services whose own log names no digests.
@main
struct SigstoreKMSHallmark {
  static func main() async {
    let line = AnswerLine()
    line.give(await answer(CommandLine.arguments, line))
  }

  private static func answer(_ arguments: [String], _ line: AnswerLine) async -> CosignPlugin.Response {
    let program = arguments.first.map { URL(fileURLWithPath: $0).lastPathComponent } ?? "sigstore-kms-hallmark"
    guard arguments.count == 3 else {
      return .failure("\(program) is a plugin that cosign starts by itself; next: cosign sign --key hallmark://HOST/keys/NAME IMAGE")
    }
    guard arguments[1] == CosignPlugin.protocolVersion else {
      return .failure("\(program) speaks protocol version \(CosignPlugin.protocolVersion), not \"\(arguments[1].prefix(40))\"; next: install the plugin of the matching Hallmark release")
    }
    let request: CosignPlugin.Request
    do { request = try CosignPlugin.parse(arguments[2].utf8) } catch {
      return .failure("\(program) cannot read its request: \(error.description); next: check that cosign and the plugin are of matching releases")
    }
    let environment = ProcessInfo.processInfo.environment
    let explain: @Sendable (any Error) -> CosignPlugin.Response = {
      .failure(Explanation.text($0, key: request.keyResource, doing: request.call))
    }
    do {
      return try await Deadline(nanoseconds: request.deadline, clock: .system).run {
        try await PluginSession(request: request, environment: environment).response()
      } late: {
        line.give(explain(Deadline.Passed()))
      }
    } catch { return explain(error) }
  }
}
