package import Encodings

/// Why a body is no admission review. Names members, never shows the object.
package enum AdmissionError: Error, Equatable, Sendable, CustomStringConvertible {
  case json(JSONError)
  /// Not `admission.k8s.io/v1` `AdmissionReview`; `found` is what it says.
  case kind(found: String)
  case member(String, wanted: String)
  /// More containers than an API server would store.
  case tooManyContainers(limit: Int)

  package var description: String {
    switch self {
    case .json(let error): "the body is no JSON: \(error.description)"
    case .kind(let found): "the body is \(found); admission.k8s.io/v1 AdmissionReview expected (admissionReviewVersions: [\"v1\"])"
    case .member(let path, let wanted): "\(path): \(wanted) expected"
    case .tooManyContainers(let limit): "there are more than \(limit) containers"
    }
  }
}

/// The request of an `AdmissionReview`, as far as images need it (admission.k8s.io/v1). Unknown members are the API server's business and stay unread.
package struct AdmissionRequest: Sendable, Equatable {
  package enum Operation: String, Sendable, CaseIterable { case create = "CREATE", update = "UPDATE", delete = "DELETE", connect = "CONNECT" }

  /// Echoed in the response.
  package var uid: String
  package var kind: String
  package var group: String
  package var subresource: String?
  package var name: String?
  package var namespace: String?
  package var operation: Operation
  package var user: String?
  package var object: JSONValue
  package var oldObject: JSONValue?
  package var isDryRun: Bool

  /// Two objects of 3 MiB, which is more than etcd holds, and the frame.
  package static let limits = JSONLimits(maxBytes: 7 << 20, maxDepth: 64, maxElements: 400_000)

  /// Reads the body of a webhook call. Fuzz entry point.
  package init(review body: [UInt8]) throws(AdmissionError) {
    let value: JSONValue
    do { value = try JSONValue.parse(body, limits: Self.limits) } catch { throw .json(error) }
    let version = value["apiVersion"]?.string ?? "without apiVersion"
    let kind = value["kind"]?.string ?? "without kind"
    guard version == "admission.k8s.io/v1", kind == "AdmissionReview" else { throw .kind(found: String("\(version) \(kind)".prefix(120))) }
    guard let request = value["request"], request.object != nil else { throw .member("request", wanted: "an object") }
    guard let uid = request["uid"]?.string, !uid.isEmpty, uid.utf8.count <= 128 else { throw .member("request.uid", wanted: "a text of 1 to 128 bytes") }
    guard let name = request["kind"]?["kind"]?.string, !name.isEmpty else { throw .member("request.kind.kind", wanted: "a text") }
    guard let operation = request["operation"]?.string.flatMap(Operation.init) else {
      throw .member("request.operation", wanted: "CREATE, UPDATE, DELETE or CONNECT")
    }
    if let dryRun = request["dryRun"], !dryRun.isNull, dryRun.bool == nil { throw .member("request.dryRun", wanted: "true or false") }
    self.uid = uid
    self.kind = name
    group = request["kind"]?["group"]?.string ?? ""
    subresource = request["subResource"]?.string.flatMap { $0.isEmpty ? nil : $0 }
    self.name = request["name"]?.string
    namespace = request["namespace"]?.string
    self.operation = operation
    user = request["userInfo"]?["username"]?.string
    object = request["object"] ?? .null
    oldObject = request["oldObject"].flatMap { $0.isNull ? nil : $0 }
    isDryRun = request["dryRun"]?.bool ?? false
    if operation == .create || operation == .update, object.object == nil { throw .member("request.object", wanted: "an object") }
  }
}

/// The answer to one request. It goes out with status 200 also when it denies.
package struct AdmissionResponse: Sendable, Equatable {
  package var uid: String
  package var isAllowed: Bool
  /// Shown to whoever applied the object, when it is denied.
  package var message: String?
  /// One line each; cut to what API servers show.
  package var warnings: [String]
  /// Names without prefix; the API server puts the webhook's name before them.
  package var auditAnnotations: [(name: String, value: String)]
  /// Values to be replaced: JSON pointers (RFC 6901) and new texts.
  package var replacements: [(pointer: String, value: String)]

  /// Recommended length of a warning, and of all together (Kubernetes, Dynamic Admission Control).
  package static let warningCharacters = 120
  package static let allWarningCharacters = 4096

  package init(uid: String, isAllowed: Bool, message: String? = nil, warnings: [String] = []) {
    self.uid = uid
    self.isAllowed = isAllowed
    self.message = message
    self.warnings = warnings
    auditAnnotations = []
    replacements = []
  }

  package static func == (a: Self, b: Self) -> Bool { a.review == b.review }

  /// The whole `AdmissionReview`.
  package var review: JSONValue {
    var response: JSONObject = ["uid": .string(uid), "allowed": .bool(isAllowed)]
    if let message {
      let status: JSONObject = ["code": .integer(isAllowed ? 200 : 403), "message": .string(message), "reason": isAllowed ? "" : "Forbidden"]
      response["status"] = .object(status)
    }
    let shown = Self.shown(warnings)
    if !shown.isEmpty { response["warnings"] = .array(shown.map { .string($0) }) }
    if !auditAnnotations.isEmpty {
      var annotations = JSONObject()
      for annotation in auditAnnotations { annotations[annotation.name] = .string(annotation.value) }
      response["auditAnnotations"] = .object(annotations)
    }
    if isAllowed, !replacements.isEmpty {
      let patch = JSONValue.array(
        replacements.map { ["op": "replace", "path": .string($0.pointer), "value": .string($0.value)] })
      response["patchType"] = "JSONPatch"
      response["patch"] = .string(Base64.encode(patch.serialized()))
    }
    return ["apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": .object(response)]
  }

  private static func shown(_ warnings: [String]) -> [String] {
    var left = allWarningCharacters
    var result: [String] = []
    for warning in warnings {
      let line = warning.count > warningCharacters ? warning.prefix(warningCharacters - 1) + "…" : warning[...]
      guard line.count <= left else { break }
      left -= line.count
      result.append(String(line))
    }
    return result
  }
}
