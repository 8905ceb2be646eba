package import Clocks

/// Who asked, as far as it was proved.
package struct AuditPrincipal: Sendable, Equatable {
  package var objectID: String
  package var clientID: String?
  package var issuer: String
  package var subject: String
  /// The claims that matter, in the order to be written, names distinct: at most `AuditLimits.claims`.
  package var claims: [AuditClaim]

  package init(objectID: String, clientID: String? = nil, issuer: String, subject: String, claims: [AuditClaim] = []) {
    self.objectID = objectID
    self.clientID = clientID
    self.issuer = issuer
    self.subject = subject
    self.claims = claims
  }
}

/// One claim of the presented identity, such as `repository`, `workflow` or `run_id`.
package struct AuditClaim: Sendable, Equatable {
  package var name: String
  package var value: String

  package init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

/// Whether the request was allowed. A request that was allowed and failed later is `allow` with its status.
package enum AuditDecision: String, Sendable { case allow, deny }

/// Which engine performed the operation.
package enum AuditEngine: String, Sendable, CaseIterable {
  case software, token
  case azureManagedHSM = "azure-managed-hsm"
  case azureKeyVault = "azure-key-vault"
}

/// The digest that was signed or verified.
package struct AuditDigest: Sendable, Equatable, Hashable {
  package enum Algorithm: String, Sendable, CaseIterable {
    case sha256, sha384, sha512

    package var byteCount: Int {
      switch self {
      case .sha256: 32
      case .sha384: 48
      case .sha512: 64
      }
    }
  }

  package let algorithm: Algorithm
  /// Exactly `algorithm.byteCount` bytes.
  package let bytes: [UInt8]

  /// Nil when the length does not fit the algorithm.
  package init?(_ algorithm: Algorithm, _ bytes: [UInt8]) {
    guard bytes.count == algorithm.byteCount else { return nil }
    self.algorithm = algorithm
    self.bytes = bytes
  }
}

/// One request to be recorded: everything of a record but its sequence and node, which the trail gives.
///
/// Texts longer than `AuditLimits.textBytes` are cut and end in `…`; nothing makes a record too large to write.
package struct AuditEntry: Sendable, Equatable {
  package var time: Instant
  /// The service's `x-ms-request-id`.
  package var requestID: String?
  package var clientRequestID: String?
  /// Nil for a request that no valid token came with.
  package var principal: AuditPrincipal?
  package var operation: AuditOperation
  /// The HSM's name.
  package var store: String
  package var key: String?
  package var version: String?
  /// The full identifier of the object acted on: the key version's URL, or the role assignment's path.
  package var kid: String?
  package var algorithm: String?
  package var digest: AuditDigest?
  package var decision: AuditDecision
  /// Why it was refused or failed; for an allowed change of rights or settings, what was changed.
  package var reason: String?
  /// The role assignment that permitted it.
  package var assignment: String?
  package var engine: AuditEngine?
  /// HTTP status of the reply.
  package var status: Int
  package var durationMilliseconds: Int
  package var callerAddress: String?
  package var purpose: String?

  package init(
    time: Instant, requestID: String?, clientRequestID: String? = nil, principal: AuditPrincipal?, operation: AuditOperation,
    store: String, key: String? = nil, version: String? = nil, kid: String? = nil, algorithm: String? = nil,
    digest: AuditDigest? = nil, decision: AuditDecision, reason: String? = nil, assignment: String? = nil,
    engine: AuditEngine? = nil, status: Int, durationMilliseconds: Int, callerAddress: String? = nil, purpose: String? = nil
  ) {
    self.time = time
    self.requestID = requestID
    self.clientRequestID = clientRequestID
    self.principal = principal
    self.operation = operation
    self.store = store
    self.key = key
    self.version = version
    self.kid = kid
    self.algorithm = algorithm
    self.digest = digest
    self.decision = decision
    self.reason = reason
    self.assignment = assignment
    self.engine = engine
    self.status = status
    self.durationMilliseconds = durationMilliseconds
    self.callerAddress = callerAddress
    self.purpose = purpose
  }
}

/// Bounds of what one record holds. They keep the longest possible line under `lineBytes`.
package enum AuditLimits {
  /// UTF-8 bytes of one text member.
  package static let textBytes = 512
  /// Claims of a principal.
  package static let claims = 16
  /// Bytes of one record's line, as a reader accepts it: (16 × 2 + 20 texts) × 512 × 6 (all escaped) and the frame.
  package static let lineBytes = 192 * 1024
}
