import ArgumentParser
import Clocks
import Encodings
import Foundation
import Outbound
import Signing
import SigstoreFormats
import Trust

extension BatchForm: ExpressibleByArgument {}

/// `sign batch --as statement|merkle`: many files, few sign calls. Files only: an image's signature lies beside the image, each its own.
struct BatchAs {
  let form: BatchForm
  let session: SigningSession
  let promotion: Promotion?
  let ledger: SigningLedger?

  /// Signs the items of a manifest.
  ///
  /// - Throws: before anything is signed when an item is not a plain file, or a name cannot be used.
  func run(_ items: [(line: Int, item: Result<BatchItem, BatchError>)], format: OutputFormat) async throws {
    var artifacts: [BatchArtifact] = []
    for (line, read) in items {
      let item: BatchItem
      do { item = try read.get() } catch { throw CommandFailure.usage("cannot sign the batch", why: "line \(line): \(error)") }
      guard item.kind == .blob, item.formats.isEmpty || item.formats == [.bundle] else {
        throw CommandFailure.usage("cannot sign the batch as \(form.rawValue)", why: "line \(line) is not a plain file in format bundle", next: "use --as plain")
      }
      let digests = try session.meter.measure(.hash) { try LocalFile.digests(item.artifact, session.hashes) }
      artifacts.append(BatchArtifact(name: item.artifact, digests: digests))
    }
    let plan = try BatchPlan.make(artifacts, as: form)
    let chooser = session.chooser
    var operations: [BatchSigning.Operation] = []
    for (index, seated) in try await chooser.signers().enumerated() {
      operations += try await BatchSigning(signer: seated, desk: session.desk, promotion: promotion).sign(artifacts, plan: plan) { document in
        let path = Placement.path(artifacts[document.artifact].name + document.fileSuffix, signer: seated.signer.name, isFirst: index == 0)
        try session.meter.measure(.write) { try LocalFile.write(document.bytes, to: path) }
      }
    }
    if let endorsement = session.economy.shortLived?.endorsement.serialized() {
      for artifact in artifacts { try LocalFile.write(endorsement, to: artifact.name + KeyEndorsement.fileSuffix) }
    }
    for operation in operations { try ledger?.write(operation.record(at: TimeSource.system.now().nanoseconds)) }
    await show(artifacts.count, plan, operations, format)
  }

  private func show(_ count: Int, _ plan: BatchPlan, _ operations: [BatchSigning.Operation], _ format: OutputFormat) async {
    let performed = await session.hsmOperations
    switch format {
    case .json:
      var object: JSONObject = [
        "schema": "hallmark.signed-batch/v1", "form": .string(form.rawValue), "artifacts": .integer(count), "hsmOperations": .integer(performed),
        "savedOperations": .integer(plan.savedOperations),
        "signatures": .array(
          operations.map { operation in
            [
              "kid": .string(operation.kid), "artifacts": .integer(operation.members), "signed": .string(operation.signature.call.digest.text),
              "requestId": operation.signature.requestID.map { .string($0) } ?? .null, "attempts": .integer(operation.signature.attempts),
            ]
          }),
      ]
      if session.options.wantsProfile { object["profile"] = session.meter.json }
      Console.print(JSONValue.object(object).text())
    case .text:
      Console.print("\(count) files signed as \(form.rawValue): \(performed) HSM operations, \(plan.savedOperations) saved")
      if session.options.wantsProfile { Console.print(SigningReport.profile(session.meter, performed)) }
    }
  }
}
