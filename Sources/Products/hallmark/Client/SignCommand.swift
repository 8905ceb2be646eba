import ArgumentParser
import Clocks
import Encodings
import Outbound
import Signing
import SigstoreFormats
import Trust

struct SignCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sign", abstract: "Sign artifacts with a key that stays in the HSM.", subcommands: [SignBlobCommand.self])
}

extension SignatureScheme: ExpressibleByArgument {}

struct SignBlobCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "blob", abstract: "Sign a file: hash it here, one sign call, write a Sigstore bundle.",
    discussion: """
      The key is pinned to one version before anything is signed, and the signature is checked before anything is written. The bundle is \
      accepted by `cosign verify-blob --key pub.pem --bundle B --insecure-ignore-tlog FILE`; for P-384 and P-521 keys cosign also needs \
      --signature-digest-algorithm sha384 or sha512.
      """)

  @Argument(help: "The file to sign.")
  var file: String

  @Option(help: "The key: a name, or https://HOST/keys/NAME[/VERSION].")
  var key: String

  @Option(help: "The key version; else the newest.")
  var version: String?

  @Option(help: "Where the bundle goes; default FILE.sigstore.json unless only a plain signature is asked for.")
  var bundle: String?

  @Option(
    name: [.customLong("output-signature"), .customLong("signature")],
    help: "Where the plain signature goes: DER for EC keys, the signature octets for RSA.")
  var signature: String?

  @Option(help: "ES256, ES384, ES512, ES256K, RS256 … PS512; default by the key, RSA: RS256.")
  var algorithm: SignatureScheme?

  @Option(help: "Append a record of every sign attempt to this file; always done for services that are not Hallmark.")
  var ledger: String?

  @Flag(help: "Print the plan and do nothing.")
  var dryRun = false

  @Flag(name: .customLong("profile-times"), help: "Print what each step took.")
  var profileTimes = false

  @OptionGroup var connection: ConnectionOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await Console.run("cannot sign \(file)") {
      let reference = try reference()
      try await connection.connect(to: reference.store) { try await sign(reference, $0) }
    }
  }

  private func reference() throws -> KeyReference {
    let parsed = try KeyReference(parsing: key)
    guard let version else { return parsed }
    guard KeyReference.isVersion(version) else {
      throw CommandFailure.usage("cannot sign \(file)", why: "--version \(version) is not 32 hexadecimal digits")
    }
    guard parsed.version == nil || parsed.version == version else {
      throw CommandFailure.usage("cannot sign \(file)", why: "--key and --version name different versions")
    }
    return KeyReference(store: parsed.store, name: parsed.name, version: version)
  }

  private func sign(_ reference: KeyReference, _ connection: ServiceConnection) async throws {
    var times = StepTimes()
    let ledgerPath = self.connection.settings.ledgerPath(ledger, address: connection.client.address)
    let service = RemoteSigning(client: connection.client, ledger: ledgerPath.map { SigningLedger(file: $0) })
    let pinned = try await service.pin(reference)
    times.mark("look up key")
    let scheme = try SigningPlan.scheme(for: pinned, wanted: algorithm)
    let digests = try LocalFile.digests(file, [scheme.hash])
    times.mark("hash file")
    let plan = try SigningPlan.make(
      key: pinned, scheme: scheme, artifacts: [(name: file, digests: digests, placements: placements)],
      now: TimeSource.system.now().seconds)
    if dryRun { return show(plan) }
    let result = try await plan.run(with: service, verifier: Verification.verifier)
    times.mark("sign and check")
    for item in result.outputs { try LocalFile.write(item.bytes, to: item.path) }
    times.mark("write")
    show(result, times)
  }

  private var placements: [PlannedArtifact.Placement] {
    var placements: [PlannedArtifact.Placement] = []
    if bundle != nil || signature == nil { placements.append(.bundle(path: bundle ?? "\(file).sigstore.json")) }
    if let signature { placements.append(.signature(path: signature)) }
    return placements
  }

  private func show(_ plan: SigningPlan) {
    switch output.format {
    case .json: Console.print(plan.json)
    case .text: Console.print((["plan (nothing was done)"] + plan.lines).joined(separator: "\n"))
    }
  }

  private func show(_ result: SigningResult, _ times: StepTimes) {
    let plan = result.plan
    for made in result.signatures where made.attempts > 1 {
      Console.note("note: \(made.attempts) sign requests may have been performed for \(made.digest.text); the audit log shows each")
    }
    for made in result.signatures where !made.isChecked {
      Console.note("note: the signature was not checked here, there is no verifier for \(plan.key.publicKey.kindText) keys")
    }
    switch output.format {
    case .json:
      var object: JSONObject = [
        "schema": "hallmark.signed/v1", "plan": plan.json,
        "signatures": .array(
          result.signatures.map {
            [
              "digest": .string($0.digest.text), "signature": .string(Base64.encode($0.signature)),
              "requestId": $0.requestID.map { .string($0) } ?? .null, "attempts": .integer($0.attempts),
              "checked": .bool($0.isChecked), "milliseconds": .integer($0.milliseconds),
            ]
          }),
      ]
      if profileTimes { object["steps"] = times.json }
      Console.print(.object(object))
    case .text:
      Console.print("signed   \(file) (\(plan.artifacts[0].digest.text))")
      Console.print("key      \(plan.key.kid) \(plan.scheme.rawValue)")
      for placement in plan.artifacts[0].placements { Console.print("wrote    \(placement.path)") }
      if profileTimes {
        Console.print(times.text)
        Console.print("HSM operations: \(plan.calls.count)")
      }
    }
  }
}

/// What each step of a command took.
struct StepTimes {
  private let clock = ContinuousClock()
  private var last: ContinuousClock.Instant
  private var steps: [(name: String, took: Duration)] = []

  init() { last = clock.now }

  mutating func mark(_ name: String) {
    let now = clock.now
    steps.append((name, now - last))
    last = now
  }

  private func milliseconds(_ took: Duration) -> Int64 {
    took.components.seconds * 1000 + took.components.attoseconds / 1_000_000_000_000_000
  }

  var text: String { Console.table(steps.map { ["time", $0.name, "\(milliseconds($0.took)) ms"] }) }
  var json: JSONValue { .array(steps.map { ["step": .string($0.name), "milliseconds": .integer(milliseconds($0.took))] }) }
}
