internal import Encodings

extension CosignPlugin {
  static let limits = JSONLimits(maxBytes: maxRequestBytes, maxDepth: 8, maxElements: 256)

  /// The request's frame: enough to answer a request that cannot be read further.
  ///
  /// - Parameter text: `argv[2]`.
  /// - Throws: `.malformed`, or `.unsupported` for another protocol version or an unknown method. Members that could change what is signed
  ///   or checked must be known; others are passed over, so that a newer caller's additions do no harm. `null` is absence, as in Go.
  package static func parse(_ text: some Sequence<UInt8>) throws(DocumentError) -> Request {
    let value: JSONValue
    do { value = try JSONValue.parse(text, limits: limits) } catch { throw .malformed(.pluginRequest, .notJSON(error.description)) }
    let whole = MemberReader(withoutNulls(value), path: "")
    let version: String
    let method: String
    do throws(BundleError) {
      version = try whole.object("initOptions").string("protocolVersion", maxBytes: 64)
      method = try whole.string("methodName", maxBytes: 64)
    } catch { throw .malformed(.pluginRequest, error) }
    guard version == protocolVersion else {
      throw .unsupported(.pluginRequest, "protocol version \"\(version)\" is not \(protocolVersion), the only one this plugin speaks")
    }
    guard let read = readers[method] else { throw .unsupported(.pluginRequest, "method \"\(method)\" is not one of the protocol's six") }
    do throws(BundleError) { return try request(whole, method, read) } catch { throw .malformed(.pluginRequest, error) }
  }

  /// What a method's own member gives: the call, and the options that came with it.
  private typealias MethodReader = @Sendable (MemberReader) throws(BundleError) -> (call: Call, options: MemberReader?)

  private static let readers: [String: MethodReader] = [
    "defaultAlgorithm": { (_) throws(BundleError) in (.defaultAlgorithm, nil) },
    "supportedAlgorithms": { (_) throws(BundleError) in (.supportedAlgorithms, nil) },
    "createKey": { (member) throws(BundleError) in
      try member.allow(["ctxDeadline", "algorithm"])
      return (.createKey(algorithm: try member.string("algorithm", maxBytes: 256)), member)
    },
    "publicKey": { (member) throws(BundleError) in (.publicKey, try rpcOptions(in: member, "publicKeyOptions")) },
    "signMessage": { (member) throws(BundleError) in
      try member.allow(["signOptions"])
      return (.signMessage(digest: try digest(in: member, "signOptions")), try rpcOptions(in: member, "signOptions"))
    },
    "verifySignature": { (member) throws(BundleError) in
      try member.allow(["signature", "verifyOptions"])
      let signature = try member.bytes("signature", maxBytes: maxSignatureBytes)
      return (
        .verifySignature(signature: signature, digest: try digest(in: member, "verifyOptions")), try rpcOptions(in: member, "verifyOptions")
      )
    },
  ]

  private static func request(_ whole: MemberReader, _ method: String, _ read: MethodReader) throws(BundleError) -> Request {
    let initial = try whole.object("initOptions")
    let (call, inner) = try read(try whole.object(method))
    var deadlines = [try deadline(initial)]
    var options = RPCOptions()
    for reader in [initial.has("rpcOptions") ? try initial.object("rpcOptions") : nil, inner] {
      guard let reader else { continue }
      deadlines.append(try deadline(reader))
      if let version = try reader.optionalString("keyVersion", maxBytes: 64), !version.isEmpty { options.keyVersion = version }
      if let remote = reader.object?["remoteVerification"] {
        guard let wanted = remote.bool else { throw .badMember(path: "\(reader.path).remoteVerification", wanted: "true or false") }
        options.remoteVerification = wanted
      }
    }
    return Request(
      keyResource: try initial.string("keyResourceID", maxBytes: maxTextBytes), hash: try? hash(initial), options: options, call: call,
      deadline: deadlines.compactMap(\.self).min())
  }

  private static func rpcOptions(in member: MemberReader, _ name: String) throws(BundleError) -> MemberReader? {
    guard member.has(name) else { return nil }
    let options = try member.object(name)
    return options.has("rpcOptions") ? try options.object("rpcOptions") : nil
  }

  /// The digest of `messageOptions`, whose hash, when it is named, must have that length.
  private static func digest(in member: MemberReader, _ name: String) throws(BundleError) -> [UInt8]? {
    guard member.has(name) else { return nil }
    let outer = try member.object(name)
    try outer.allow(["rpcOptions", "messageOptions"])
    guard outer.has("messageOptions") else { return nil }
    let options = try outer.object("messageOptions")
    try options.allow(["digest", "hashFunc"])
    let named = try hash(options)
    guard options.has("digest"), options.object?["digest"]?.string != "" else { return nil }
    let bytes = try options.bytes("digest", maxBytes: 64)
    guard HashAlgorithm.allCases.contains(where: { $0.byteCount == bytes.count }), named == nil || named?.byteCount == bytes.count else {
      throw .badMember(path: "\(options.path).digest", wanted: "\(named?.byteCount.description ?? "32, 48 or 64") bytes")
    }
    return bytes
  }

  /// Go's `crypto.Hash` numbers; zero stands for none.
  private static func hash(_ reader: MemberReader) throws(BundleError) -> HashAlgorithm? {
    guard let value = reader.object?["hashFunc"] else { return nil }
    switch value.int {
    case 0: return nil
    case 5: return .sha256
    case 6: return .sha384
    case 7: return .sha512
    default: throw .badMember(path: "\(reader.path).hashFunc", wanted: "5, 6 or 7 (SHA-256, SHA-384, SHA-512)")
    }
  }

  private static func deadline(_ reader: MemberReader) throws(BundleError) -> Int64? {
    // Go's zero time stands for none.
    guard let text = try reader.optionalString("ctxDeadline", maxBytes: 64), !text.hasPrefix("0001-01-01T") else { return nil }
    do { return try ISO8601.parse(text) } catch { throw .badMember(path: "\(reader.path).ctxDeadline", wanted: "an RFC 3339 time") }
  }

  /// Go writes `null` for an empty pointer: it means absence.
  private static func withoutNulls(_ value: JSONValue) -> JSONValue {
    guard case .object(let object) = value else { return value }
    var result: JSONObject = [:]
    for member in object.members where !member.value.isNull { result[member.name] = withoutNulls(member.value) }
    return .object(result)
  }
}
