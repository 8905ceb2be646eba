import Foundation
import NotaryFormats

/// notation's plugin for keys in a Managed HSM, a vault or Hallmark.
///
/// One program with two faces, told apart by the name it is started under, because notation uses raw signing whenever a plugin names it:
/// - `notation-hallmark` signs what notation puts into the envelope (`SIGNATURE_GENERATOR.RAW`, scheme `notary.x509`, timestamps by
///   notation) and answers `verify-signature` (`SIGNATURE_VERIFIER.TRUSTED_IDENTITY`).
/// - `notation-hallmark-authority`, a link to the same file, makes whole envelopes of scheme `notary.x509.signingAuthority`
///   (`SIGNATURE_GENERATOR.ENVELOPE`): the signing time is part of what is signed, and verifiers trust it through a `signingAuthority` store.
///
/// notation starts it once for each command, three processes for one signature: token and nothing else is kept between them (`PrivateCache`).
/// Key ids: `https://HOST[:PORT]/keys/NAME[/VERSION]`, the same with `hallmark://`. Credentials and CA come from the environment as for
/// `hallmark`; `PluginSettings` lists what `--plugin-config` takes.
@main
struct NotationHallmark {
  static func main() async {
    do throws(NotaryPlugin.Failure) {
      let answer = try await answer(CommandLine.arguments)
      // One write: notation reads standard output as one document.
      FileHandle.standardOutput.write(Data(answer))
    } catch {
      FileHandle.standardError.write(Data(error.serialized()))
      exit(1)
    }
  }

  private static func answer(_ arguments: [String]) async throws(NotaryPlugin.Failure) -> [UInt8] {
    let face = Face(program: arguments.first ?? "")
    guard arguments.count == 2 else {
      throw NotaryPlugin.Failure(
        .validation, "notation-\(face.name) is a plugin that notation starts by itself; next: notation sign --plugin \(face.name) --id https://HOST/keys/NAME IMAGE")
    }
    if arguments[1] == "version" { return Array("\(face.name) - \(face.metadata.description)\nVersion: \(face.metadata.version)\n".utf8) }
    guard let command = NotaryPlugin.Command(rawValue: arguments[1]), face.commands.contains(command) else {
      throw NotaryPlugin.Failure(
        .validation, "notation-\(face.name) has no command \"\(arguments[1].prefix(60))\"; it has \(face.commands.map(\.rawValue).joined(separator: ", "))")
    }
    let request = try NotaryPlugin.Request.parse(command, try RequestInput.bytes(optional: command == .metadata))
    return try await PluginSession(face: face, environment: ProcessInfo.processInfo.environment).answer(request)
  }
}
