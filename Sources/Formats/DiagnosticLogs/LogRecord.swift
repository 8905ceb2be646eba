/// Where a record was read from: what an alert shows as evidence.
package struct LogPlace: Sendable, Hashable {
  package var source: String
  /// From 1; 0 when the layout has no lines.
  package var line: Int
  /// Offset of the line or element in the source, bytes.
  package var offset: Int

  package init(source: String, line: Int = 0, offset: Int = 0) {
    self.source = source
    self.line = line
    self.offset = offset
  }
}

/// The caller of a request, from any of the four shapes that Azure writes (estate-and-gates §2.4) and from our own records.
package struct LogIdentity: Sendable, Hashable {
  package var objectId: String?
  package var appId: String?
  package var upn: String?
  /// `app` or `user`.
  package var idtyp: String?
  /// Delegated scopes: present only when a human signed in.
  package var scp: String?
  /// ARM id of a managed identity.
  package var mirid: String?

  package init(objectId: String? = nil, appId: String? = nil, upn: String? = nil, idtyp: String? = nil, scp: String? = nil, mirid: String? = nil) {
    self.objectId = objectId
    self.appId = appId
    self.upn = upn
    self.idtyp = idtyp
    self.scp = scp
    self.mirid = mirid
  }

  package var isEmpty: Bool { objectId == nil && appId == nil && upn == nil }
  /// Whether a person's token was used.
  package var isHuman: Bool { scp != nil || idtyp?.lowercased() == "user" || upn != nil }
}

/// One request on a key store, whoever logged it: a vault, a Managed HSM, or Hallmark itself.
///
/// Everything that a source may leave out is nil. Whether a request succeeded is decided by `status` alone: a refused sign can carry
/// `resultType: "Success"` (estate-and-gates §0 fact 5).
package struct LogRecord: Sendable, Hashable {
  package enum Origin: String, Sendable, Hashable { case azure, hallmark }
  package enum StoreKind: String, Sendable, Hashable { case managedHsm, vault }

  package var origin: Origin
  /// Nanoseconds since the epoch, UTC.
  package var time: Int64
  /// Lower case.
  package var resourceId: String?
  /// Name of the store, lower case for Azure.
  package var store: String?
  package var storeKind: StoreKind?
  package var operation: LogOperation
  package var operationName: String
  package var category: String?
  /// Lower case, slashes collapsed, query cut off.
  package var path: String?
  package var key: String?
  package var version: String?
  /// Whether the request itself named a version; a vault's record names one even when the request did not.
  package var isVersionedRequest: Bool?
  package var status: Int?
  package var resultType: String?
  package var resultDescription: String?
  package var durationMilliseconds: Int?
  /// The id the service gave the request.
  package var correlationId: String?
  /// Without port and brackets; nil when it was not logged.
  package var callerAddress: String?
  package var identity: LogIdentity
  package var clientInfo: String?
  package var algorithm: String?
  /// The assignment that permitted or denied it, when the source says so.
  package var appliedAssignmentId: String?
  package var isRbacAuthorized: Bool?
  package var isAccessPolicyMatch: Bool?
  package var isAddressAuthorized: Bool?
  package var enablePurgeProtection: Bool?
  /// Only Hallmark's own records.
  package var digest: String?
  package var purpose: String?
  package var reason: String?
  package var sequence: Int64?
  package var node: String?
  /// How many members of the record have no place here.
  package var unknownMembers: Int
  package var place: LogPlace

  package init(time: Int64, operation: LogOperation, operationName: String, origin: Origin = .azure, place: LogPlace) {
    self.time = time
    self.operation = operation
    self.operationName = operationName
    self.origin = origin
    self.place = place
    self.identity = LogIdentity()
    self.unknownMembers = 0
  }

  package var isSuccess: Bool { status.map { (200..<300).contains($0) } ?? false }
  /// The first leg of the challenge flow, which every client makes.
  package var isChallenge: Bool { status == 401 && (operation == .authentication || identity.isEmpty) }

  /// Equal for two exports of one record: resource, correlation id, operation, time.
  package var duplicateKey: UInt64 {
    var hash = StableHash()
    hash.combine(resourceId ?? store ?? "")
    hash.combine(correlationId ?? "")
    hash.combine(operationName)
    hash.combine(UInt64(bitPattern: time))
    if correlationId == nil { hash.combine(path ?? ""); hash.combine(UInt64(bitPattern: sequence ?? 0)) }
    return hash.value
  }
}

/// A 64-bit FNV-1a: the same in every run, unlike `Hasher`. Not for anything an adversary chooses freely.
package struct StableHash: Sendable {
  package private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

  package init() {}

  package mutating func combine(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      var state = value
      for byte in bytes { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
      value = (state ^ 0xFF) &* 0x100_0000_01B3
    }
  }

  package mutating func combine(_ number: UInt64) {
    var number = number
    for _ in 0..<8 {
      value = (value ^ (number & 0xFF)) &* 0x100_0000_01B3
      number >>= 8
    }
  }
}

/// One event of the activity log (control plane), REST or exported form.
package struct ActivityEvent: Sendable, Hashable {
  package var time: Int64
  package var id: String?
  package var correlationId: String?
  /// Lower case, such as `microsoft.authorization/locks/delete`.
  package var operation: String
  /// `Succeeded`, `Started`, `Failed`, …; nil when not given.
  package var status: String?
  package var caller: String?
  package var callerObjectId: String?
  package var callerAppId: String?
  package var callerAddress: String?
  /// As written.
  package var resourceId: String?
  package var scope: String?
  /// The request's body, as JSON text, when it was logged.
  package var requestBody: String?
  package var place: LogPlace

  /// Exported logs say `Success`, the REST API `Succeeded`; `Accepted` and `Started` come before the outcome.
  package var isSuccess: Bool { ["succeeded", "success", "ok", "created"].contains(status?.lowercased() ?? "") }
  package var isOutcomeOfDeletion: Bool { isSuccess || status?.lowercased() == "accepted" }

  package var duplicateKey: UInt64 {
    var hash = StableHash()
    hash.combine(id ?? "")
    hash.combine(correlationId ?? "")
    hash.combine(operation)
    hash.combine(status ?? "")
    hash.combine(resourceId?.lowercased() ?? "")
    hash.combine(UInt64(bitPattern: time))
    return hash.value
  }
}

/// A token given to a workload identity, from the directory's sign-in logs.
package struct SignInEvent: Sendable, Hashable {
  package var time: Int64
  package var objectId: String?
  package var appId: String?
  package var address: String?
  package var federatedCredentialId: String?
  package var tokenId: String?
  package var correlationId: String?
  package var place: LogPlace
}

/// Whatever stood on one line.
package enum LogEntry: Sendable, Hashable {
  case request(LogRecord)
  case activity(ActivityEvent)
  case signIn(SignInEvent)

  package var time: Int64 {
    switch self {
    case .request(let record): record.time
    case .activity(let event): event.time
    case .signIn(let event): event.time
    }
  }
}
