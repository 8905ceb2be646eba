import Access
import Clocks
import Encodings
import ManagedHSMWire
import Secrets
import SecurityDomain
import Synchronization

/// The security domain's download, which activates the HSM, and its status.
struct DomainRoutes: Sendable {
  let identity: ServiceIdentity
  let hsmID: String
  let partitionKey: SecretBytes
  let activation: Activation
  let gate: Gate
  let clock: TimeSource
  let entropy: Entropy

  func download(_ call: Authenticated<Call>, _ notes: inout AuditNotes) throws(RouteFailure) -> Answer {
    _ = try gate.permit(call, .securityDomainDownload, .root, &notes)
    let request: DownloadRequest
    do { request = try DownloadRequest.parse(call.request.body) } catch { throw .wire(.badParameter("The security domain cannot be made: \(error.sentence)")) }
    let outcome: Result<String, RouteFailure> = activation.downloading.withLock { _ in
      do throws(SecurityDomainError) {
        let text = try SecurityDomainPackage.make(
          partitionKey: partitionKey, hsmName: identity.name, hsmID: hsmID, custodians: request.custodians, required: request.required,
          entropy: entropy, clock: clock)
        do { try activation.activate() } catch {
          return .failure(.wire(WireError(503, "ServiceUnavailable", "The store did not take the activation; try again", retryAfter: 1)))
        }
        return .success(text)
      } catch {
        return .failure(.wire(WireError(500, "InternalError", "The security domain could not be made: \(error.sentence)")))
      }
    }
    let file = try outcome.get()
    notes.reason = "quorum \(request.required) of \(request.custodians.count): \(request.custodians.map(\.digest).joined(separator: ", "))"
    return Answer(["value": .string(file)], status: 202, headers: [pendingHeader(call)])
  }

  func downloadStatus(_ call: Authenticated<Call>, _ notes: inout AuditNotes) throws(RouteFailure) -> Answer {
    _ = try gate.permit(call, .securityDomainDownloadRead, .root, &notes)
    // The download is synchronous here, so there is nothing in between.
    let (status, details) = activation.isActive ? ("Success", "The resource is active.") : ("InProgress", "The resource is not activated.")
    return Answer(
      ["status": .string(status), "statusDetails": .string(details), "status_details": .string(details)], headers: [pendingHeader(call)])
  }

  /// Recorded with the api-version of the request.
  private func pendingHeader(_ call: Authenticated<Call>) -> (name: String, value: String) {
    let version = Query(call.request.request.query)?["api-version"].flatMap { ManagedHSMWire.isVersion($0) ? $0 : nil } ?? "7.5"
    return ("azure-asyncoperation", "\(identity.url)/securitydomain/download/pending?api-version=\(version)")
  }
}

extension SecurityDomainError {
  /// For people who sent the request.
  var sentence: String {
    switch self {
    case .badJSON(let error): "the request body is not valid JSON: \(error)"
    case .badMember(let path): "property '\(path)' is missing or not what it must be"
    case .badCustodianCount(let count): "there must be 3 to 10 certificates, not \(count)"
    case .badQuorum(let required, let custodians): "property 'required' is \(required); with \(custodians) certificates it must be from 2 to \(custodians)"
    case .badCertificate(let index, let error): "certificates[\(index)] cannot be used (an RSA certificate of 2048 bits or more is needed): \(error)"
    case .duplicateCustodian(let index): "certificates[\(index)] repeats an earlier certificate or key"
    default: "\(self)"
    }
  }
}
