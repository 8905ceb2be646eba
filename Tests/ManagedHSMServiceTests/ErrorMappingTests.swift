import Access
import Clocks
import Custody
import ManagedHSMWire
import Testing

@testable import ManagedHSMService

/// What the wire answers to each refusal of the cores: one row per case, written from the reference's tables.
@Suite("The wire's answers to refusals of the cores")
struct ErrorMappingTests {
  static let identity = ServiceIdentity(
    name: "forge", host: "forge.managedhsm.example", port: 443, tenant: HSM.tenant, region: "r", build: "b")!
  static let name = KeyName("release")!
  static let version = KeyVersionID("0123456789abcdef0123456789abcdef")!
  static let key = KeyIdentity(name: name, version: version)

  struct Row: Sendable {
    var error: CustodyError
    var status: Int
    var code: String
    var inner: String?
    /// What the message must say.
    var says: String
    init(_ error: CustodyError, _ status: Int, _ code: String, inner: String? = nil, says: String) {
      (self.error, self.status, self.code, self.inner, self.says) = (error, status, code, inner, says)
    }
  }

  static let kid = "https://forge.managedhsm.example/keys/release/0123456789abcdef0123456789abcdef"
  static let custody: [Row] = [
    Row(.unsupportedSpec(.rsaSize(1024)), 400, "BadParameter", says: "1024"), Row(.unsupportedSpec(.octSize(100)), 400, "BadParameter", says: "100"),
    Row(.unsupportedSpec(.publicExponent(4)), 400, "BadParameter", says: "public_exponent"),
    Row(.invalidMaterial(.rsaModulusSize(bits: 1024)), 400, "BadParameter", says: "1024"), Row(.invalidMaterial(.rsaExponent), 400, "BadParameter", says: "exponent"),
    Row(.invalidMaterial(.rsaInconsistent), 400, "BadParameter", says: "RSA"), Row(.invalidMaterial(.rsaMemberTooLong), 400, "BadParameter", says: "RSA"),
    Row(.invalidMaterial(.curvePointInvalid), 400, "BadParameter", says: "curve"), Row(.invalidMaterial(.curveScalarInvalid), 400, "BadParameter", says: "private"),
    Row(.invalidMaterial(.octSize(bytes: 3)), 400, "BadParameter", says: "3 bytes"), Row(.tooManyTags(count: 16, limit: 15), 400, "BadParameter", says: "15"),
    Row(.tagTooLong(limit: 256), 400, "BadParameter", says: "256"), Row(.importMustStandAlone(name), 400, "BadParameter", says: "'import'"),
    // Recorded words.
    Row(.exportableIsFixed(key), 400, "BadParameter", says: "Cannot modify the exportable state of a key"),
    Row(.exportableNeedsReleasePolicy(name), 400, "BadParameter", says: "release policy"),
    Row(.invalidRandomCount(129, allowed: 1...128), 400, "BadParameter", says: "128"),
    Row(.invalidRotationPolicy(name, .expiryTooShort(minimumDays: 28)), 400, "BadParameter", says: "28"),
    Row(.invalidRotationPolicy(name, .rotationTooSoon(minimumDays: 7)), 400, "BadParameter", says: "7"),
    Row(.invalidRotationPolicy(name, .expiryMissing), 400, "BadParameter", says: "expiryTime"),
    Row(.algorithmDoesNotFit(key, .rs256, .ec(.p256)), 400, "BadParameter", says: "RS256"),
    Row(.wrongDigestLength(key, .es256, given: 31, allowed: 32...32), 400, "BadParameter", says: "32 bytes"),
    Row(.wrongDigestLength(key, .rsnull, given: 999, allowed: 0...245), 400, "BadParameter", says: "0 to 245"),
    // Recorded: `Key not found: <url>`.
    Row(.keyNotFound(name, version: nil), 404, "KeyNotFound", says: "Key not found: https://forge.managedhsm.example/keys/release"),
    Row(.keyNotFound(name, version: version), 404, "KeyNotFound", says: "Key not found: " + kid),
    Row(.deletedKeyNotFound(name), 404, "KeyNotFound", says: "Key not found: https://forge.managedhsm.example/deletedkeys/release"),
    Row(.nameIsDeleted(name), 409, "Conflict", inner: "ObjectIsDeletedButRecoverable", says: "recover"),
    Row(.keyDisabled(key), 403, "Forbidden", inner: "KeyDisabled", says: kid),
    Row(.notYetValid(key, notBefore: UnixTime(seconds: 5)), 403, "Forbidden", inner: "KeyNotYetValid", says: "nbf"),
    Row(.expired(key, expires: UnixTime(seconds: 5)), 403, "Forbidden", inner: "KeyExpired", says: "exp"),
    Row(.operationNotInKeyOps(key, .sign), 403, "Forbidden", inner: "KeyOperationForbidden", says: "key_ops"),
    Row(.purgeProtected(name, until: UnixTime(seconds: 5)), 403, "Forbidden", inner: "ForbiddenByPolicy", says: "purge protection"),
    Row(.tooManyKeys(limit: 5000), 403, "QuotaExceeded", says: "5000"), Row(.tooManyVersions(name, limit: 100), 403, "QuotaExceeded", says: "100"),
    Row(.permitDoesNotFit(wanted: "w", given: "g"), 500, "InternalError", says: "not performed"),
    Row(.rowTampered(.key("release")), 500, "IntegrityFailure", says: "refused"),
    Row(.rowTampered(.version(name: "release", version: version.text)), 500, "IntegrityFailure", says: "refused"),
    Row(.changedMeanwhile(name), 409, "Conflict", says: "try again"), Row(.engine(.bindingBroken), 500, "InternalError", says: "engine"),
    Row(.engine(.libraryFailed(step: "s", code: 7)), 500, "InternalError", says: "engine"), Row(.engineMissing(key, engine: "token"), 500, "InternalError", says: "engine"),
    Row(.store(.unavailable(reason: "disk /var/secret")), 503, "ServiceUnavailable", says: "try again"),
    Row(.store(.unknownOutcome(reason: "r")), 503, "ServiceUnavailable", says: "try again"),
  ]

  @Test("Each refusal of Custody has its status, code and words", arguments: custody.indices)
  func custodyRow(_ index: Int) {
    let row = Self.custody[index]
    let error = WireError(row.error, identity: Self.identity)
    #expect(error.status == row.status)
    #expect(error.code == row.code)
    #expect(error.inner == row.inner)
    #expect(error.message.contains(row.says), "\(error.message)")
    #expect((error.retryAfter != nil) == (row.status == 503))
    // What is beneath is our business: no path, no library step.
    #expect(!error.message.contains("/var/secret") && !error.message.contains("step"))
  }

  @Test("Recorded messages are exact")
  func exact() {
    #expect(WireError(.exportableIsFixed(Self.key), identity: Self.identity).message == "Cannot modify the exportable state of a key")
    #expect(WireError(.keyNotFound(Self.name, version: nil), identity: Self.identity).message == "Key not found: https://forge.managedhsm.example/keys/release")
    #expect(
      WireError(.deletedKeyNotFound(Self.name), identity: Self.identity).message == "Key not found: https://forge.managedhsm.example/deletedkeys/release")
  }

  static let role = RoleDefinitionID("21dbd100-6940-42c2-9190-5d6cb909625b")!
  static let assignment = RoleAssignmentID("21dbd100-6940-42c2-9190-5d6cb9096299")!
  static let accessRows: [(error: AccessError, status: Int, code: String, says: String)] = [
    (.definitionNotFound, 404, "RoleDefinitionNotFound", "Requested role definition not found"), (.builtInDefinition(role), 400, "BadParameter", "built-in"),
    (.definitionInUse(role, assignments: 2), 409, "Conflict", "2"), (.tooManyDefinitions(limit: 50), 403, "QuotaExceeded", "50"),
    (.badRoleName("empty"), 400, "BadParameter", "name"), (.roleNameTaken("x", by: role), 409, "Conflict", "taken"),
    (.tooManyPermissions(limit: 9), 400, "BadParameter", "9"), (.unknownDataAction("x/*"), 400, "BadParameter", "x/*"),
    (.assignmentNotFound, 404, "RoleAssignmentNotFound", "Requested role assignment not found"),
    // The service's own misspelling: terraform matches it to retry.
    (.unknownRole(role), 400, "BadParameter", "Unkown role definition"), (.sameAssignmentExists(assignment), 409, "Conflict", "already"),
    (.assignmentIDTaken(assignment), 409, "Conflict", "exists"), (.tooManyAssignments(limit: 10, scope: .keys), 403, "QuotaExceeded", "10"),
    (.wouldLockEverybodyOut(assignment), 409, "Conflict", "last"), (.alreadyInitialised, 409, "Conflict", "already"),
    (.permitDoesNotServe(needed: .keysSign, at: .root), 500, "InternalError", "not performed"),
    (.rowTampered(.assignment, id: "i"), 500, "IntegrityFailure", "refused"), (.rowsMissingOrRevived, 500, "IntegrityFailure", "refused"),
    (.rowUnreadable(.assignment, id: "i"), 500, "IntegrityFailure", "refused"), (.rowTooLong(.assignment, id: "i", limit: 7), 400, "BadParameter", "7"),
    (.storeChangedUnderneath, 503, "ServiceUnavailable", "try again"), (.store(.commitFailed(detail: "disk /var/secret")), 503, "ServiceUnavailable", "try again"),
    (.store(.unreadable(detail: "disk /var/secret")), 503, "ServiceUnavailable", "try again"),
  ]

  @Test("Each refusal of Access has its status, code and words", arguments: accessRows.indices)
  func accessRow(_ index: Int) throws {
    let row = Self.accessRows[index]
    guard case .wire(let error) = RouteFailure(row.error) else {
      Issue.record("\(row.error) is no error of the wire")
      return
    }
    #expect(error.status == row.status)
    #expect(error.code == row.code)
    #expect(error.message.contains(row.says), "\(error.message)")
    #expect(!error.message.contains("/var/secret"))
    #expect((error.retryAfter != nil) == (row.status == 503))
  }

  @Test("Every case of both vocabularies has a row")
  func complete() {
    // CustodyError has 27 cases, AccessError 24; `.refused` carries a refusal, which the refusal matrix covers.
    #expect(Set(Self.custody.map { String("\($0.error)".prefix { $0 != "(" }) }).count == 27)
    #expect(Self.accessRows.count == 23)
  }
}
