package import Encodings

extension CosignPlugin.Response {
  /// The one line for standard output, with its line feed.
  package func line() -> [UInt8] { json.serialized() + [UInt8(ascii: "\n")] }

  package var json: JSONValue {
    switch self {
    case .defaultAlgorithm(let name): ["defaultAlgorithm": ["defaultAlgorithm": .string(name)]]
    case .supportedAlgorithms(let names): ["supportedAlgorithms": ["supportedAlgorithms": .array(names.map { .string($0) })]]
    case .createKey(let pem): ["createKey": ["publicKeyPEM": .string(Base64.encode(pem.utf8))]]
    case .publicKey(let pem): ["publicKey": ["publicKeyPEM": .string(Base64.encode(pem.utf8))]]
    case .signMessage(let signature): ["signMessage": ["signature": .string(Base64.encode(signature))]]
    case .verifySignature: ["verifySignature": [:]]
    case .failure(let why): ["errorMessage": .string(why.isEmpty ? "the plugin failed without saying why" : why)]
    }
  }

  /// Reads an answer: for tests, and for whoever drives a plugin.
  package static func parse(_ line: some Sequence<UInt8>) throws(DocumentError) -> CosignPlugin.Response {
    let value: JSONValue
    do { value = try JSONValue.parse(line, limits: CosignPlugin.limits) } catch {
      throw .malformed(.pluginResponse, .notJSON(error.description))
    }
    do throws(BundleError) { return try response(MemberReader(value, path: "")) } catch { throw .malformed(.pluginResponse, error) }
  }

  private static func response(_ whole: MemberReader) throws(BundleError) -> CosignPlugin.Response {
    if let why = try whole.optionalString("errorMessage", maxBytes: CosignPlugin.maxRequestBytes), !why.isEmpty { return .failure(why) }
    let method = try whole.only(of: ["defaultAlgorithm", "supportedAlgorithms", "createKey", "publicKey", "signMessage", "verifySignature"])
    let member = try whole.object(method)
    func pem() throws(BundleError) -> String {
      String(decoding: try member.bytes("publicKeyPEM", maxBytes: 16 << 10), as: UTF8.self)
    }
    switch method {
    case "defaultAlgorithm": return .defaultAlgorithm(try member.string(method, maxBytes: 256))
    case "supportedAlgorithms": return .supportedAlgorithms((try member.array(method, limit: 64) ?? []).compactMap(\.string))
    case "createKey": return .createKey(publicKeyPEM: try pem())
    case "publicKey": return .publicKey(publicKeyPEM: try pem())
    case "signMessage": return .signMessage(signature: try member.bytes("signature", maxBytes: CosignPlugin.maxSignatureBytes))
    default: return .verifySignature
    }
  }
}
