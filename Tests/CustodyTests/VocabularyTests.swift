import Clocks
import Custody
import Testing

@Suite("Custody's vocabulary")
struct VocabularyTests {
  @Test("Key names take letters, digits and hyphens, 1 to 127 of them", arguments: [
    ("a", true), ("codesign-prod-2026", true), (String(repeating: "x", count: 127), true), ("-", true), ("0", true),
    ("", false), (String(repeating: "x", count: 128), false), ("a_b", false), ("a b", false), ("a/b", false), ("é", false),
    ("a.b", false), ("a\u{0}", false), ("ａ", false), ("a\u{301}", false), ("%41", false),
  ])
  func names(text: String, valid: Bool) { #expect((KeyName(text) != nil) == valid) }

  @Test("Names that differ in case only are one name, and keep their spelling")
  func nameCase() throws {
    let a = try name("MyKey"), b = try name("mykey")
    #expect(a == b && a.hashValue == b.hashValue)
    #expect(a.text == "MyKey" && a.folded == "mykey")
  }

  @Test("Version identifiers are 32 hex digits, written in lower case", arguments: [
    ("0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef"),
    ("0123456789ABCDEF0123456789abcdef", "0123456789abcdef0123456789abcdef"),
    ("0123456789abcdef0123456789abcde", nil), ("0123456789abcdef0123456789abcdef0", nil), ("", nil),
    ("0123456789abcdef0123456789abcdeg", nil), ("0123456789abcdef-123456789abcdef", nil),
  ])
  func versions(text: String, expected: String?) { #expect(KeyVersionID(text)?.text == expected) }

  @Test("A fresh version identifier writes the bytes it was given")
  func freshVersion() {
    let entropy = Entropy { count in (0..<count).map { UInt8($0 * 16 + 1) } }
    #expect(KeyVersionID(entropy: entropy).text == "01112131415161718191a1b1c1d1e1f1")
  }

  @Test("Calendar spans count years as 365 days and refuse times of day", arguments: [
    ("P90D", 90), ("P1Y", 365), ("P6M", 180), ("P2W", 14), ("P1Y2M3W4D", 365 + 60 + 21 + 4),
    ("P", nil), ("P0D", nil), ("PT1H", nil), ("P1DT1H", nil), ("P1D1Y", nil), ("90D", nil), ("P-1D", nil), ("P1", nil), ("P1D2", nil),
    ("P1D1D", nil), ("p1d", nil), ("P999999999999999999999D", nil), ("P1.5D", nil), ("", nil),
  ] as [(String, Int64?)])
  func spans(text: String, days: Int64?) { #expect(CalendarSpan(text)?.days == days) }

  @Test("Tags: 15 of 256 characters pass, one more of either does not")
  func tags() throws {
    let full = Dictionary(uniqueKeysWithValues: (0..<15).map { ("tag\($0)", String(repeating: "é", count: 256)) })
    #expect(try KeyTags(full).pairs.count == 15)
    #expect(throws: CustodyError.tooManyTags(count: 16, limit: 15)) { try KeyTags(full.merging(["one more": ""]) { a, _ in a }) }
    #expect(throws: CustodyError.tagTooLong(limit: 256)) { try KeyTags(["a": String(repeating: "x", count: 257)]) }
    #expect(throws: CustodyError.tagTooLong(limit: 256)) { try KeyTags([String(repeating: "x", count: 257): ""]) }
    #expect(try KeyTags([" inner and trailing ": "  x "]).pairs == [" inner and trailing ": "  x "])
  }

  @Test("The recovery level names what Azure names", arguments: [
    (90, false, "Recoverable+Purgeable"), (7, false, "CustomizedRecoverable+Purgeable"), (90, true, "Recoverable"),
    (30, true, "CustomizedRecoverable"),
  ])
  func recoveryLevels(days: Int, protection: Bool, level: String) throws {
    #expect(try #require(RecoveryPolicy(days: days, purgeProtection: protection)).level == level)
  }

  @Test("Recoverable days are 7 to 90", arguments: [6, 91, 0, -1, Int.max])
  func badDays(days: Int) { #expect(RecoveryPolicy(days: days) == nil) }

  @Test("Default operations are the recorded ones")
  func defaultOperations() {
    #expect(Set(KeySpec.ec(.p256).defaultOperationsWhenCreated.list) == [.sign, .verify, .deriveKey])
    #expect(Set(KeySpec.ec(.p256).defaultOperationsWhenImported.list) == [.sign, .verify])
    #expect(
      Set(KeySpec.rsa(bits: 2048, publicExponent: 3).defaultOperationsWhenCreated.list)
        == [.encrypt, .decrypt, .sign, .verify, .wrapKey, .unwrapKey])
    #expect(
      Set(KeySpec.oct(bits: 256).defaultOperationsWhenCreated.list)
        == [.encrypt, .decrypt, .wrapKey, .unwrapKey, .sign, .verify, .deriveKey])
  }

  @Test("Each operation has a place of its own in the set")
  func operationBits() {
    #expect(Set(KeyOperation.allCases.map { KeyOperations($0).rawValue }).count == KeyOperation.allCases.count)
    for operation in KeyOperation.allCases { #expect(KeyOperations(operation).list == [operation]) }
  }

  @Test("A page size is at least 1 and at most 25 whatever was asked", arguments: [(nil, 25), (1, 1), (25, 25), (26, 25), (0, nil), (-1, nil)] as [(Int?, Int?)])
  func pageSizes(asked: Int?, given: Int?) { #expect(PageRequest(size: asked)?.size == given) }

  @Test("Page tokens that we did not write are refused", arguments: ["", "0", "ffffffffffffffff", "000000000000000G", "00000000000000 1", "+000000000000001", "00000000000000001", "00000000000000AB"])
  func badTokens(text: String) { #expect(PageToken(text) == nil) }

  @Test("A page token survives being written and read")
  func tokens() throws { #expect(try #require(PageToken("17a0000000000001")).text == "17a0000000000001") }

  @Test("Every algorithm fits exactly the key types of its row")
  func algorithmFit() {
    let specs: [KeySpec] = KeySpec.rsaSizes.map { .rsa(bits: $0, publicExponent: 65537) } + Curve.allCases.map { .ec($0) } + [.oct(bits: 256)]
    let expected: [SignatureAlgorithm: [KeySpec]] = [
      .rs256: Array(specs.prefix(3)), .rs384: Array(specs.prefix(3)), .rs512: Array(specs.prefix(3)), .ps256: Array(specs.prefix(3)),
      .ps384: Array(specs.prefix(3)), .ps512: Array(specs.prefix(3)), .rsnull: Array(specs.prefix(3)), .es256: [.ec(.p256)],
      .es384: [.ec(.p384)], .es512: [.ec(.p521)], .es256K: [.ec(.p256K)],
    ]
    var cells = 0
    for algorithm in SignatureAlgorithm.allCases {
      for spec in specs {
        #expect(algorithm.fits(spec) == (expected[algorithm]?.contains(spec) ?? false), "\(algorithm) \(spec)")
        cells += 1
      }
    }
    #expect(cells == 11 * 8)
  }
}
