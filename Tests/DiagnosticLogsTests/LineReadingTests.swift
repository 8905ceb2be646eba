import Encodings
import Testing

@testable import DiagnosticLogs

/// The walker of usual lines must never say anything other than the parser of trees would.
@Suite struct LineReadingTests {
  private static let limits = JSONLimits(maxBytes: 1 << 20, maxDepth: 32, maxElements: 1_000_000)
  private static let place = LogPlace(source: "s", line: 3, offset: 9)

  private static func usual(_ text: String) -> LogRecord? {
    var reading = LineReading(names: [:], limits: limits)
    return Array(text.utf8).withUnsafeBytes { reading.record($0, place: place) }
  }

  private static func tree(_ text: String) -> LogRecord? {
    guard let value = try? JSONValue.parse(Array(text.utf8), limits: limits), case .request(let record)? = LogEntry(value, place: place, names: [:]) else { return nil }
    return record
  }

  /// Lines near the usual shape: what the walker takes must be the same record, and it may always leave a line to the parser.
  static let edges: [String] = {
    let hsm = Sample.hsm
    let vault = Sample.vault
    let changes: [(String, String)] = [
      ("\"httpStatusCode\":200", "\"httpStatusCode\":\"200\""), ("\"httpStatusCode\":200", "\"httpStatusCode\":200.0"), ("\"httpStatusCode\":200", "\"httpStatusCode\":2e2"),
      ("\"httpStatusCode\":200", "\"httpStatusCode\":-1"), ("\"httpStatusCode\":200", "\"httpStatusCode\":0200"), ("\"httpStatusCode\":200", "\"httpStatusCode\":\"0200\""),
      ("\"httpStatusCode\":200", "\"httpStatusCode\":null"), ("\"httpStatusCode\":200", "\"httpStatusCode\":true"), ("\"httpStatusCode\":200", "\"httpStatusCode\":12345678901234567890"),
      ("\"httpStatusCode\":200", "\"httpStatusCode\":200,\"httpStatusCode\":500"), ("\"httpStatusCode\":200", "\"HttpStatusCode\":200"), ("\"httpStatusCode\":200", "\"httpStatusCode_d\":200"),
      ("\"httpStatusCode\":200", "\"httpStatusCode\":200,\"HTTPSTATUSCODE\":500"), ("\"httpStatusCode\":200", "\"httpStatusCode\":200,\"new\":1"), ("\"httpStatusCode\":200", "\"httpStatusCode\":200,"),
      ("KeySign", "KeyUnwrap"), ("KeySign", "KEYSIGN"), ("KeySign", ""), ("KeySign", "Microsoft.KeyVault/vaults/write"), ("KeySign", "Key\\u0053ign"), ("KeySign", "Schlüssel"), ("KeySign", "a\u{01}b"),
      ("\"operationName\":\"KeySign\"", "\"operationName\":7"), ("\"operationName\":\"KeySign\"", "\"operationName\":null"), ("\"operationName\":\"KeySign\"", "\"operationName\":{\"value\":\"a/b\"}"),
      ("2026-08-11T09:1", "2026-02-30T09:1"), ("2026-08-11T09:1", "2026-08-11t09:1"), ("2026-08-11T09:1", "2026-08-11T29:1"), ("2026-08-11T09:1", "2026-08-11 09:1"), ("Z\"", "+02:00\""), ("Z\"", "\""), ("Z\"", ".Z\""), ("Z\"", ".5x\""),
      ("\"category\":\"AuditEvent\"", "\"category\":\"\""), ("\"category\":\"AuditEvent\"", "\"category\":null"), ("\"category\":\"AuditEvent\"", "\"category\":[]"), ("\"category\":\"AuditEvent\",", ""),
      ("\"resultType\":\"Success\"", "\"resultType\":\"Success\",\"properties\":{\"resultType\":\"Failed\"}"), ("\"resultType\":\"Success\"", "\"resultType\":\"Success\",\"schema\":\"hallmark.audit/v1\""),
      ("\"resultType\":\"Success\"", "\"resultType\":\"Success\",\"properties\":{\"category\":\"Inner\"}"), ("\"resultType\":\"Success\"", "\"properties\":{\"resultType\":\"Inner\"},\"resultType\":null"),
      ("\"resultType\":\"Success\"", "\"properties\":\"{}\",\"resultType\":\"a\""), ("\"resultType\":\"Success\"", "\"properties\":{\"properties\":{}},\"resultType\":\"a\""),
      ("\"resultType\":\"Success\"", "\"properties\":null,\"resultType\":\"a\""), ("\"resultType\":\"Success\"", "\"resultType\":\"Success\",\"time\":\"2020-01-01T00:00:00Z\""),
      ("20.51.7.9:4711", ""), ("20.51.7.9:4711", " "), ("20.51.7.9:4711", "20.51.7.9"), ("[2001:db8::7]:51234", "2001:db8::7"), ("[2001:db8::7]:51234", "[2001:db8::7"), ("[2001:db8::7]:51234", "::ffff:1.2.3.4"),
      ("\"isRbacAuthorized\":true", "\"isRbacAuthorized\":\"true\""), ("\"isRbacAuthorized\":true", "\"isRbacAuthorized\":false"), ("\"isRbacAuthorized\":true", "\"isRbacAuthorized\":null"),
      ("\"isRbacAuthorized\":true", "\"isRbacAuthorized\":tru"), ("\"isRbacAuthorized\":true", "\"isRbacAuthorized\":1"),
      ("\"identity\":{\"claim\"", "\"identity\":{\"claim\":1,\"claim\""), ("\"identity\":{", "\"identity\":{{"), ("\"identity\":{\"claim\":{\"oid\"", "\"identity\":{\"claim\":{\"OID\""), ("\"oid\":\"1", "\"oid\":\"\\u0031"),
      ("{\\\"claim\\\"", "[\\\"claim\\\""), ("{\\\"claim\\\"", "{\\\"cl\\u0061im\\\""), ("{\\\"claim\\\"", "{\\\"cl\\\\u0061im\\\""), ("{\\\"claim\\\"", "{\\\"claim"), ("\\\"appid\\\":\\\"9999\\\"", "\\\"appid\\\":\\\"a\\\\\\\"b\\\""), ("\\\"appid\\\":\\\"9999\\\"", "\\\"appid\\\":9"),
      ("{\\\"claim\\\"", "\\/{\\\"claim\\\""), ("identity_claims", "x"), ("/subscriptions/0a", "/Subscriptions/0A"), ("hsm-acme\",", "hsm-acme/\","), ("/managedHSMs/hsm-acme\"", "\""), ("/managedHSMs/", "/sites/"),
      ("\"6d1c\"", "\"6D1C\""), ("\"6d1c\"", "\"\""), ("\"durationMs\":21", "\"durationMs\":21.9"), ("\"durationMs\":21", "\"durationMs\":\"\""), ("\"durationMs\":21", "\"durationMs\":\" 21\""), ("\"durationMs\":21", "\"durationMs\":{}"),
      ("/keys/code-sign/0f3e/sign?", "/keys/code-sign/sign?"), ("/keys/code-sign/0f3e/sign?", "//keys//Code-Sign/0F3E/unwrapkey?"), ("/keys/code-sign/0f3e/sign?", "/deletedkeys/code-sign?"), ("https://hsm", "hsm"),
      ("https://hsm-acme.managedhsm.azure.net/keys/code-sign/0f3e/sign?api-version=7.6", ""), ("\"requestUri\"", "\"RequestUri\""), ("{\"", " {\t\""), ("}", "} x"), ("}", ""), ("{", ""), (",", " , "), (":", " : "), ("\"", "'"),
    ]
    return [hsm, vault, "", " ", "{}", "[]", "{\"time\":\"2026-08-11T09:16:40Z\"}"] + changes.flatMap { from, to in
      [hsm, vault].filter { $0.contains(from) }.flatMap { line in [line.replacing(from, with: to, maxReplacements: 1), line.replacing(from, with: to)] }
    }
  }()

  @Test(arguments: edges)
  func `what the walker takes is what the parser of trees reads`(line: String) {
    if let record = Self.usual(line) { #expect(record == Self.tree(line)) }
  }

  @Test func `the documented samples take the short way`() {
    #expect(Self.usual(Sample.hsm) != nil && Self.usual(Sample.vault) != nil)
  }

  @Test(arguments: [Sample.hsm, Sample.vault])
  func `a line cut or changed at any byte is never read otherwise`(line: String) {
    let bytes = Array(line.utf8)
    var reading = LineReading(names: [:], limits: Self.limits)
    for index in bytes.indices {
      var variants = [Array(bytes[..<index])]
      for byte: UInt8 in [0x00, 0x0D, 0x20, 0x22, 0x2C, 0x2F, 0x30, 0x41, 0x5C, 0x7B, 0x7D, 0x80, 0xFF] {
        var changed = bytes
        changed[index] = byte
        variants.append(changed)
      }
      for variant in variants {
        guard let record = variant.withUnsafeBytes({ reading.record($0, place: Self.place) }) else { continue }
        var tree: LogRecord?
        if let value = try? JSONValue.parse(variant, limits: Self.limits), case .request(let known)? = LogEntry(value, place: Self.place, names: [:]) { tree = known }
        #expect(record == tree, "byte \(index) of \(String(decoding: variant, as: UTF8.self))")
      }
    }
  }

  @Test func `texts that share a place in the cache are kept apart`() {
    var cache = ByteCache<String>()
    for round in 0..<2 {
      for number in 0..<5000 {
        let text = "text \(number)"
        #expect(Array(text.utf8).withUnsafeBytes { cache.value($0) { String(decoding: $0, as: UTF8.self) } } == text, "round \(round)")
      }
    }
  }
}
