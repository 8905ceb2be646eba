import Encodings
import SigstoreFormats
import Testing

/// The messages of cosign's plugin protocol, in the shapes cosign 3.1.1 sends.
@Suite("cosign plugin messages")
struct CosignPluginTests {
  static func text(_ method: String, _ argument: JSONValue, _ change: (inout JSONObject) -> Void = { _ in }) -> [UInt8] {
    var initial: JSONObject = [
      "protocolVersion": "v1", "keyResourceID": "h:8443/keys/k", "hashFunc": 5, "rpcOptions": ["keyVersion": "", "remoteVerification": false],
    ]
    change(&initial)
    return JSONValue.object(["initOptions": .object(initial), "methodName": .string(method), method: argument]).serialized()
  }

  static func digest(_ count: Int) -> JSONValue { .string(Base64.encode([UInt8](repeating: 9, count: count))) }

  @Test("The six methods are read")
  func methods() throws {
    let calls: [(String, JSONValue, CosignPlugin.Call)] = [
      ("defaultAlgorithm", [:], .defaultAlgorithm), ("supportedAlgorithms", [:], .supportedAlgorithms),
      ("createKey", ["algorithm": "a"], .createKey(algorithm: "a")), ("publicKey", ["publicKeyOptions": ["rpcOptions": [:]]], .publicKey), ("publicKey", [:], .publicKey),
      ("signMessage", ["signOptions": ["messageOptions": ["digest": Self.digest(48)]]], .signMessage(digest: [UInt8](repeating: 9, count: 48))),
      ("signMessage", ["signOptions": ["messageOptions": ["digest": .null]]], .signMessage(digest: nil)),
      ("signMessage", [:], .signMessage(digest: nil)),
      ("verifySignature", ["signature": "AQ==", "verifyOptions": ["messageOptions": ["digest": .null, "hashFunc": .null]]], .verifySignature(signature: [1], digest: nil)),
    ]
    for (method, argument, call) in calls {
      let request = try CosignPlugin.parse(Self.text(method, argument))
      #expect(request.call == call && request.call.method == method)
      #expect(request.keyResource == "h:8443/keys/k" && request.options == CosignPlugin.RPCOptions() && request.deadline == nil)
    }
  }

  @Test("The earliest deadline counts, and Go's zero time is none")
  func deadlines() throws {
    func deadline(_ inner: JSONValue, _ change: @escaping (inout JSONObject) -> Void = { _ in }) throws -> Int64? {
      try CosignPlugin.parse(Self.text("publicKey", ["publicKeyOptions": ["rpcOptions": inner]], change)).deadline
    }
    #expect(try deadline([:]) == nil)
    #expect(try deadline(["ctxDeadline": "1970-01-01T00:00:02Z"]) == 2_000_000_000)
    #expect(try deadline(["ctxDeadline": "1970-01-01T00:00:02Z"]) { $0["ctxDeadline"] = "1970-01-01T01:00:01+01:00" } == 1_000_000_000)
    #expect(try deadline(["ctxDeadline": "0001-01-01T00:00:00Z"]) == nil)
    #expect(throws: DocumentError.self) { try deadline(["ctxDeadline": "soon"]) }
  }

  @Test("A version in the options goes with the request")
  func version() throws {
    let request = try CosignPlugin.parse(Self.text("publicKey", ["publicKeyOptions": ["rpcOptions": ["keyVersion": "v2", "remoteVerification": true]]]))
    #expect(request.options == CosignPlugin.RPCOptions(keyVersion: "v2", remoteVerification: true))
  }

  @Test("An unknown hash in the caller's settings decides nothing; beside a digest it is refused")
  func hashes() throws {
    #expect(try CosignPlugin.parse(Self.text("publicKey", [:]) { $0["hashFunc"] = 4 }).hash == nil)
    #expect(try CosignPlugin.parse(Self.text("publicKey", [:]) { $0["hashFunc"] = 6 }).hash == .sha384)
    for (digest, hash) in [(32, 6), (48, 5), (64, 5), (32, 4)] as [(Int, Int64)] {
      let options: JSONValue = ["signOptions": ["messageOptions": ["digest": Self.digest(digest), "hashFunc": .integer(hash)]]]
      #expect(throws: DocumentError.self) { try CosignPlugin.parse(Self.text("signMessage", options)) }
    }
  }

  @Test("A digest of no hash's length is refused", arguments: [1, 20, 28, 31, 33, 47, 49, 63, 65])
  func lengths(_ count: Int) {
    #expect(throws: DocumentError.self) {
      try CosignPlugin.parse(Self.text("signMessage", ["signOptions": ["messageOptions": ["digest": Self.digest(count)]]]))
    }
  }

  @Test("Members that could change what is signed must be known")
  func unknown() throws {
    let bad: [(String, JSONValue)] = [
      ("signMessage", ["signOptions": ["messageOptions": ["prehash": "x"]]]), ("signMessage", ["signOptions": ["more": 1]]), ("signMessage", ["more": 1]),
      ("verifySignature", ["signature": "AQ==", "more": 1]), ("createKey", ["algorithm": "a", "more": 1]),
    ]
    for (method, argument) in bad { #expect(throws: DocumentError.self) { try CosignPlugin.parse(Self.text(method, argument)) } }
    // A newer caller's addition elsewhere does no harm.
    #expect(try CosignPlugin.parse(Self.text("publicKey", [:]) { $0["newer"] = 1 }).call == .publicKey)
  }

  @Test("Misshapen requests are refused")
  func misshapen() {
    let bad: [[UInt8]] = [
      [], Array("[]".utf8), Array("{}".utf8), Self.text("createKey", [:]), Self.text("createKey", ["algorithm": 1]), Self.text("verifySignature", [:]),
      Self.text("verifySignature", ["signature": "!"]), Self.text("verifySignature", ["signature": ""]), Self.text("signMessage", []), Self.text("publicKey", "x"),
      Self.text("publicKey", [:]) { $0["protocolVersion"] = nil }, Self.text("publicKey", [:]) { $0["keyResourceID"] = nil },
      Self.text("publicKey", [:]) { $0["rpcOptions"] = [] }, Self.text("publicKey", [:]) { $0["rpcOptions"] = ["remoteVerification": "yes"] },
      Array(#"{"initOptions":{"protocolVersion":"v1","keyResourceID":"h/k"},"methodName":"publicKey"}"#.utf8),
      Array(#"{"initOptions":{"protocolVersion":"v1","keyResourceID":"h/k"},"methodName":"publicKey","methodName":"createKey","publicKey":{}}"#.utf8),
    ]
    for text in bad { #expect(throws: DocumentError.self) { try CosignPlugin.parse(text) } }
    let long = Self.text("publicKey", [:]) { $0["keyResourceID"] = .string(String(repeating: "a", count: 70_000)) }
    #expect(throws: DocumentError.self) { try CosignPlugin.parse(long) }
  }

  @Test("Another version and an unknown method are refused by name")
  func unsupported() {
    #expect(throws: DocumentError.unsupported(.pluginRequest, #"protocol version "v2" is not v1, the only one this plugin speaks"#)) {
      try CosignPlugin.parse(Self.text("publicKey", [:]) { $0["protocolVersion"] = "v2" })
    }
    #expect(throws: DocumentError.unsupported(.pluginRequest, #"method "decrypt" is not one of the protocol's six"#)) {
      try CosignPlugin.parse(Self.text("decrypt", [:]))
    }
  }

  @Test("Answers are one line and are read as what they are", arguments: [
    CosignPlugin.Response.defaultAlgorithm("a"), .supportedAlgorithms(["a", "b"]), .createKey(publicKeyPEM: "P\nQ\n"), .publicKey(publicKeyPEM: "P\n"),
    .signMessage(signature: [0x30, 0xFF]), .verifySignature, .failure("first\nsecond \"quoted\" \u{1}"),
  ])
  func answers(_ response: CosignPlugin.Response) throws {
    let line = response.line()
    #expect(line.last == 0x0A && line.count { $0 == 0x0A } == 1)
    #expect(try CosignPlugin.Response.parse(line) == response)
  }

  @Test("An empty failure is still a failure")
  func emptyFailure() throws {
    guard case .failure(let why) = try CosignPlugin.Response.parse(CosignPlugin.Response.failure("").line()) else {
      Issue.record("read as success")
      return
    }
    #expect(!why.isEmpty)
  }
}
