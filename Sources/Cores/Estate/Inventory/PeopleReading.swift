internal import Encodings

extension InventorySnapshot.Identity {
  init(_ value: JSONValue, _ path: String) throws(DocumentError) {
    let object = try StrictObject(
      value, document: InventorySnapshot.document, path: path,
      known: ["objectId", "clientId", "kind", "name", "armId", "federated", "secrets", "certificates", "tags"])
    self.init(
      objectId: try object.requiredText("objectId"), clientId: try object.text("clientId"),
      kind: try object.word("kind", InventorySnapshot.IdentityKind.self), name: try object.text("name"), armId: try object.text("armId"),
      federated: try object.list("federated", atMost: 1000) { (v, p) throws(DocumentError) in try InventorySnapshot.Federated(v, p) },
      secrets: try object.count("secrets"), certificates: try object.count("certificates"), tags: try object.map("tags"))
  }
}

extension InventorySnapshot.Federated {
  init(_ value: JSONValue, _ path: String) throws(DocumentError) {
    let object = try StrictObject(
      value, document: InventorySnapshot.document, path: path, known: ["issuer", "subject", "audiences"])
    self.init(
      issuer: try object.requiredText("issuer"), subject: try object.text("subject"), audiences: try object.texts("audiences", atMost: 100))
  }
}

extension InventorySnapshot.Group {
  init(_ value: JSONValue, _ path: String) throws(DocumentError) {
    let object = try StrictObject(
      value, document: InventorySnapshot.document, path: path, known: ["objectId", "name", "members"])
    self.init(
      objectId: try object.requiredText("objectId"), name: try object.text("name"), members: try object.texts("members", atMost: 1_000_000))
  }
}

extension InventorySnapshot.Artifact {
  init(_ value: JSONValue, _ path: String) throws(DocumentError) {
    let object = try StrictObject(
      value, document: InventorySnapshot.document, path: path, known: ["digest", "names", "closure", "signatures", "running"])
    self.init(
      digest: try Self.digest(object.required("digest"), object.at("digest")), names: try object.texts("names") ?? [],
      closure: try object.list("closure", atMost: 10_000) { (v, p) throws(DocumentError) in try Self.digest(v, p) } ?? [],
      signatures: try object.list("signatures", atMost: 10_000) { (v, p) throws(DocumentError) in try InventorySnapshot.Signature(v, p) },
      running: try object.list("running", atMost: 100_000) { (v, p) throws(DocumentError) in try InventorySnapshot.Running(v, p) })
  }

  /// `algorithm:hexadecimal`.
  private static func digest(_ value: JSONValue, _ path: String) throws(DocumentError) -> String {
    let parts = (value.string ?? "").split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, (1...128).contains(parts[1].utf8.count),
      parts[1].utf8.allSatisfy({ $0 &- 0x30 < 10 || $0 &- 0x61 < 6 })
    else { throw DocumentError(document: InventorySnapshot.document, path: path, .wanted("a digest such as sha256:…")) }
    return value.string ?? ""
  }
}

extension InventorySnapshot.Signature {
  init(_ value: JSONValue, _ path: String) throws(DocumentError) {
    let object = try StrictObject(
      value, document: InventorySnapshot.document, path: path, known: ["format", "spkiSha256", "kid", "requestId", "time", "verified"])
    guard let format = try object.word("format", InventorySnapshot.SignatureFormat.self) else { throw object.fail("format", .missing) }
    self.init(
      format: format, spkiSha256: try object.fingerprint("spkiSha256"), kid: try object.text("kid"),
      requestId: try object.text("requestId"), time: try object.time("time"), verified: try object.bool("verified"))
  }
}

extension InventorySnapshot.Running {
  init(_ value: JSONValue, _ path: String) throws(DocumentError) {
    let object = try StrictObject(
      value, document: InventorySnapshot.document, path: path, known: ["cluster", "namespace", "workload", "since"])
    self.init(
      cluster: try object.requiredText("cluster"), namespace: try object.text("namespace"), workload: try object.requiredText("workload"),
      since: try object.time("since"))
  }
}
