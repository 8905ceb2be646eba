/// Every parser of outside bytes as one function from bytes to nothing: it must neither trap nor hang, and where there is a law, keep it.
///
/// The fuzzer (`Fuzz/Driver`) feeds them; `Tests/FuzzReplayTests` replays `Fuzz/failures` and `Fuzz/seeds` in the normal test run.
/// Imports allowed: the targets whose parsers stand here.
package enum FuzzTarget: String, CaseIterable, Sendable {
  // Ground
  case json
  case jsonScanner = "json-scanner"
  case base64
  case hex
  case pem
  case iso8601
  case duration
  case tile
  case jsonMembers = "json-members"
  case cbor
  // Formats
  case jwk
  case jwks
  case jwt
  case jwe
  case route
  case query
  case keyRequests = "key-requests"
  case signRequest = "sign-request"
  case bundle
  case envelope
  case statement
  case predicate
  case simpleSigning = "simple-signing"
  case pluginMessage = "plugin-message"
  case notaryJWS = "notary-jws"
  case notaryCOSE = "notary-cose"
  case notaryChain = "notary-chain"
  case notaryPlugin = "notary-plugin"
  case notationPolicy = "notation-policy"
  case distinguishedName = "distinguished-name"
  case ociReference = "oci-reference"
  case ociManifest = "oci-manifest"
  case ociIndex = "oci-index"
  case ociChallenge = "oci-challenge"
  case ociLink = "oci-link"
  case ociDocuments = "oci-documents"
  case batchProof = "batch-proof"
  case keyEndorsement = "key-endorsement"
  case merkleBatch = "merkle-batch"
  // Cores
  case tokenRequest = "token-request"
  case scope
  case claims
  case signedNote = "signed-note"
  case auditRecord = "audit-record"
  case domainFile = "domain-file"
  case domainDownload = "domain-download"
  case domainUpload = "domain-upload"
  case trustPolicy = "trust-policy"
  case publicKey = "public-key"
  case keyReference = "key-reference"
  case pluginResource = "plugin-resource"
  case certificateChain = "certificate-chain"
  case certificateSubject = "certificate-subject"
  case runbook
  case runbookStatement = "runbook-statement"
  case standbyConfiguration = "standby-configuration"
  case signingPolicy = "signing-policy"
  case usageRecord = "usage-record"
  case batchManifest = "batch-manifest"
  case batchJournal = "batch-journal"
  case admissionReview = "admission-review"
  case planFile = "plan-file"
  case hcl
  case terraformPlan = "terraform-plan"
  case watchState = "watch-state"
  case logAnalytics = "log-analytics"
  case activityEvent = "activity-event"
  case logBlob = "log-blob"
  case logRecord = "log-record"
  case intentRegister = "intent-register"
  case inventorySnapshot = "inventory-snapshot"
  case armPage = "arm-page"
  case auditLine = "audit-line"
  case gateMemory = "gate-memory"
  case blobList = "blob-list"
  case kubernetesList = "kubernetes-list"
  case pulumiPreview = "pulumi-preview"
  case whatIf = "what-if"
  case templateExpression = "template-expression"
  case armTemplate = "arm-template"

  /// The longest input worth trying, bytes.
  package var lengthLimit: Int {
    switch self {
    case .claims, .route, .query, .iso8601, .duration, .tile, .scope, .keyReference, .distinguishedName, .certificateSubject, .ociReference, .ociChallenge, .ociLink, .pluginResource: 512
    case .hex, .base64, .keyRequests, .signRequest, .tokenRequest, .auditRecord: 2048
    default: 8192
    }
  }

  /// Runs the parser once. Refusals are fine; a trap or a broken law ends the process, which is what the fuzzer looks for.
  package func run(_ bytes: UnsafeRawBufferPointer) {
    switch self {
    case .json: GroundTargets.json(bytes)
    case .jsonScanner: GroundTargets.scanner(bytes)
    case .base64: GroundTargets.base64(bytes)
    case .hex: GroundTargets.hex(bytes)
    case .pem: GroundTargets.pem(bytes)
    case .iso8601: GroundTargets.iso8601(bytes)
    case .duration: GroundTargets.duration(bytes)
    case .tile: GroundTargets.tile(bytes)
    case .jwk: FormatTargets.jwk(bytes)
    case .jwks: FormatTargets.jwks(bytes)
    case .jwt: FormatTargets.jwt(bytes)
    case .jwe: FormatTargets.jwe(bytes)
    case .route: FormatTargets.route(bytes)
    case .query: FormatTargets.query(bytes)
    case .keyRequests: FormatTargets.keyRequests(bytes)
    case .signRequest: FormatTargets.signRequest(bytes)
    case .bundle: FormatTargets.bundle(bytes)
    case .tokenRequest: CoreTargets.tokenRequest(bytes)
    case .scope: CoreTargets.scope(bytes)
    case .claims: CoreTargets.claims(bytes)
    case .signedNote: CoreTargets.signedNote(bytes)
    case .auditRecord: CoreTargets.auditRecord(bytes)
    case .domainFile: CoreTargets.domainFile(bytes)
    case .domainDownload: CoreTargets.domainDownload(bytes)
    case .domainUpload: CoreTargets.domainUpload(bytes)
    case .trustPolicy: CoreTargets.trustPolicy(bytes)
    case .publicKey: CoreTargets.publicKey(bytes)
    case .keyReference: CoreTargets.keyReference(bytes)
    case .jsonMembers: SigstoreTargets.members(bytes)
    case .cbor: NotaryTargets.cbor(bytes)
    case .envelope: SigstoreTargets.envelope(bytes)
    case .statement: SigstoreTargets.statement(bytes)
    case .predicate: SigstoreTargets.predicate(bytes)
    case .simpleSigning: SigstoreTargets.simpleSigning(bytes)
    case .pluginMessage: SigstoreTargets.pluginMessage(bytes)
    case .notaryJWS: NotaryTargets.jws(bytes)
    case .notaryCOSE: NotaryTargets.cose(bytes)
    case .notaryChain: NotaryTargets.chain(bytes)
    case .notaryPlugin: NotaryTargets.plugin(bytes)
    case .notationPolicy: NotaryTargets.policy(bytes)
    case .distinguishedName: NotaryTargets.name(bytes)
    case .ociReference: OCITargets.reference(bytes)
    case .ociManifest: OCITargets.manifest(bytes)
    case .ociIndex: OCITargets.index(bytes)
    case .ociChallenge: OCITargets.challenge(bytes)
    case .ociLink: OCITargets.link(bytes)
    case .ociDocuments: OCITargets.registryDocuments(bytes)
    case .batchProof: EconomyTargets.batchProof(bytes)
    case .keyEndorsement: EconomyTargets.keyEndorsement(bytes)
    case .merkleBatch: EconomyTargets.merkleBatch(bytes)
    case .pluginResource: SigstoreTargets.pluginResource(bytes)
    case .certificateChain: CertificateTargets.chain(bytes)
    case .certificateSubject: CertificateTargets.subject(bytes)
    case .runbook: StandbyTargets.runbook(bytes)
    case .runbookStatement: StandbyTargets.runbookStatement(bytes)
    case .standbyConfiguration: StandbyTargets.configuration(bytes)
    case .signingPolicy: EconomyTargets.signingPolicy(bytes)
    case .usageRecord: EconomyTargets.usageRecord(bytes)
    case .batchManifest: SigningTargets.batchManifest(bytes)
    case .batchJournal: SigningTargets.batchJournal(bytes)
    case .admissionReview: AdmissionTargets.review(bytes)
    case .planFile: TerraformTargets.archive(bytes)
    case .hcl: TerraformTargets.source(bytes)
    case .terraformPlan: TerraformTargets.plan(bytes)
    case .watchState: WatchTargets.watchState(bytes)
    case .logAnalytics: WatchTargets.logAnalytics(bytes)
    case .activityEvent: WatchTargets.activityEvent(bytes)
    case .logBlob: WatchTargets.logBlob(bytes)
    case .logRecord: WatchTargets.logRecord(bytes)
    case .intentRegister: EstateTargets.register(bytes)
    case .inventorySnapshot: EstateTargets.snapshot(bytes)
    case .armPage: CollectionTargets.armPage(bytes)
    case .auditLine: InventoryTargets.auditLine(bytes)
    case .gateMemory: GateTargets.memory(bytes)
    case .blobList: CollectionTargets.blobList(bytes)
    case .kubernetesList: CollectionTargets.kubernetesList(bytes)
    case .pulumiPreview: TemplateTargets.pulumiPreview(bytes)
    case .whatIf: TemplateTargets.whatIf(bytes)
    case .templateExpression: TemplateTargets.expression(bytes)
    case .armTemplate: TemplateTargets.template(bytes)
    }
  }
}

/// Input as text; bytes that are no UTF-8 are replaced, because the parser takes a `String`.
func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes, as: UTF8.self) }
