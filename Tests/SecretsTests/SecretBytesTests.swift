import Encodings
import Secrets
import Testing

func secret(_ bytes: [UInt8]) -> SecretBytes {
  var copy = bytes
  return SecretBytes(wiping: &copy)
}

func bytes(of secret: SecretBytes) -> [UInt8] { secret.withUnsafeBytes { Array($0) } }

func random(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255) } }

struct SecretBytesTests {
  @Test("Bytes moved in are lent out again, and the source is empty")
  func moved() {
    var source: [UInt8] = [1, 2, 3]
    let held = SecretBytes(wiping: &source)
    #expect(source.isEmpty)
    #expect(bytes(of: held) == [1, 2, 3])
    #expect(held.count == 3)
  }

  @Test("No description and no mirror shows content")
  func silent() {
    let held = secret(Array("top-secret".utf8))
    var dumped = ""
    dump(held, to: &dumped)
    for text in ["\(held)", String(reflecting: held), String(describing: held), dumped] {
      #expect(!text.contains("top-secret") && !text.contains("116"))
    }
    #expect(Mirror(reflecting: held).children.isEmpty)
  }

  @Test("An empty secret and one larger than a page work")
  func sizes() {
    #expect(bytes(of: secret([])) == [])
    let large = random(10_000)
    #expect(bytes(of: secret(large)) == large)
  }

  @Test("Comparison tells equal from unequal, lengths included")
  func comparison() {
    #expect(constantTimeEqual([1, 2], [1, 2]))
    #expect(!constantTimeEqual([1, 2], [1, 3]))
    #expect(!constantTimeEqual([1, 2], [1, 2, 0]))
    #expect(constantTimeEqual([UInt8](), []))
    #expect(secret([5]).isEqual(to: secret([5])))
    #expect(!secret([5]).isEqual(to: secret([6])))
  }
}

struct SealTests {
  let key = SecretBytes(random: 32, entropy: random)

  @Test("A box opens under its key and context only")
  func opens() throws {
    let box = try Seal.seal([1, 2, 3], key: key, context: [7])
    #expect(box.count == 3 + Seal.overhead)
    #expect(bytes(of: try Seal.open(box, key: key, context: [7])) == [1, 2, 3])
    #expect(throws: SecretsError.authenticationFailed) { try Seal.open(box, key: key, context: [8]) }
    #expect(throws: SecretsError.authenticationFailed) { try Seal.open(box, key: SecretBytes(random: 32, entropy: random), context: [7]) }
    #expect(throws: SecretsError.wrongKeySize(expected: 32)) { try Seal.open(box, key: secret([1]), context: [7]) }
  }

  @Test("No changed, cut or extended box opens")
  func changed() throws {
    let box = try Seal.seal(Array("partition".utf8), key: key, context: [])
    for i in box.indices {
      var other = box
      other[i] ^= 1
      #expect(throws: SecretsError.self) { try Seal.open(other, key: key, context: []) }
      #expect(throws: SecretsError.self) { try Seal.open(Array(box[..<i]), key: key, context: []) }
    }
    #expect(throws: SecretsError.authenticationFailed) { try Seal.open(box + [0], key: key, context: []) }
    #expect(throws: SecretsError.notABox) { try Seal.open([], key: key, context: []) }
  }

  @Test("The same plaintext never makes the same box")
  func fresh() throws {
    #expect(try Seal.seal([1], key: key, context: []) != Seal.seal([1], key: key, context: []))
  }

  @Test("A passphrase box opens with its passphrase only, and absurd costs are refused before work")
  func passphrase() throws {
    let cost = Passphrase.Cost(log2N: 10, r: 8, p: 1)
    let word = secret(Array("correct horse".utf8))
    let box = try Passphrase.seal(key, passphrase: word, context: [1], entropy: random, cost: cost)
    #expect(try Passphrase.open(box, passphrase: word, context: [1]).isEqual(to: key))
    #expect(throws: SecretsError.authenticationFailed) { try Passphrase.open(box, passphrase: secret([1]), context: [1]) }
    #expect(throws: SecretsError.authenticationFailed) { try Passphrase.open(box, passphrase: word, context: [2]) }
    for (index, value) in [(5, UInt8(30)), (5, 9), (5, 0), (6, 255), (6, 0), (7, 200), (7, 0)] {
      var absurd = box
      absurd[index] = value
      #expect(throws: SecretsError.unreasonableCost) { try Passphrase.open(absurd, passphrase: word, context: [1]) }
    }
    var weaker = box
    weaker[7] = 2
    #expect(throws: SecretsError.authenticationFailed) { try Passphrase.open(weaker, passphrase: word, context: [1]) }
    #expect(throws: SecretsError.notABox) { try Passphrase.open([1, 2, 3], passphrase: word, context: []) }
    #expect(throws: SecretsError.unreasonableCost) {
      try Passphrase.seal(key, passphrase: word, context: [], entropy: random, cost: .init(log2N: 40, r: 8, p: 1))
    }
  }

  @Test("The standard cost is N = 2^15, r = 8, p = 1 and works")
  func standardCost() throws {
    let word = secret(Array("w".utf8))
    let box = try Passphrase.seal(key, passphrase: word, context: [], entropy: random)
    #expect(Array(box[5...7]) == [15, 8, 1])
    #expect(try Passphrase.open(box, passphrase: word, context: []).isEqual(to: key))
  }
}

struct RowMACTests {
  let mac = RowMAC(key: SecretBytes(random: 32, entropy: random))

  @Test("A tag holds for its fields only")
  func fields() {
    func fields(_ texts: [String], kind: String = "k") -> RowMAC.Fields {
      var fields = RowMAC.Fields(kind: kind)
      for text in texts { fields.append(text) }
      return fields
    }
    let tag = mac.tag(fields(["ab", "c"]))
    #expect(tag.count == 32)
    #expect(mac.isValid(tag, for: fields(["ab", "c"])))
    for other in [fields(["a", "bc"]), fields(["abc"]), fields(["ab", "c", ""]), fields(["c", "ab"]), fields([]), fields(["ab", "c"], kind: "other")] {
      #expect(!mac.isValid(tag, for: other))
    }
    #expect(!mac.isValid(Array(tag.dropLast()), for: fields(["ab", "c"])))
    #expect(!RowMAC(key: secret([1])).isValid(tag, for: fields(["ab", "c"])))
  }

  @Test("An absent value is not an empty one, nor zero")
  func absent() {
    var absentText = RowMAC.Fields(kind: "k"), emptyText = absentText, absentNumber = absentText, zero = absentText
    absentText.append(String?.none)
    emptyText.append(String?.some(""))
    absentNumber.append(Int64?.none)
    zero.append(Int64?.some(0))
    #expect(mac.tag(absentText) != mac.tag(emptyText))
    #expect(mac.tag(absentNumber) != mac.tag(zero))
  }
}

struct DerivationTests {
  @Test("HKDF-SHA-256 gives test case 3 of RFC 5869 appendix A")
  func hkdf() {
    let key = secret([UInt8](repeating: 0x0B, count: 22)).derive(label: "", count: 42)
    #expect(Hex.encode(bytes(of: key)) == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8")
  }

  @Test("Labels, contexts and hashes make different keys")
  func distinct() {
    let key = secret([UInt8](0..<32))
    let derived = [
      key.derive(label: "a"), key.derive(label: "b"), key.derive(label: "a", context: []), key.derive(label: "a", context: [1]),
      key.derive(label: "a", hash: .sha512),
    ].map(bytes(of:))
    #expect(Set(derived).count == 5)
  }

  /// The first vector is the self-test of the az CLI's security-domain code; the second was computed with the same code.
  @Test("SP 800-108 in counter mode gives the vectors of the az CLI")
  func sp800108() {
    let vectors: [(key: [UInt8], label: String, context: String, bits: Int, output: String)] = [
      ([UInt8](repeating: 0x41, count: 32), "label", "context", 256, "f0ca51f6308791404bf68b56024ee7c64d6c737716f81d47e1e68b5c4e399575"),
      (
        [UInt8](0..<32), "hsm_backup", "", 512,
        "2d34f55a1dd64e68d793ce19439e032e913bc2c83a99237a33c1bde888fb91da91626f37c72aaff2d718d3e7a37f0a39417a66839669da3c76fe4336aec9747c"
      ),
    ]
    #expect(vectors.count == 2)
    for vector in vectors {
      let output = SP800108.derive(key: secret(vector.key), label: Array(vector.label.utf8), context: Array(vector.context.utf8), bits: vector.bits)
      #expect(Hex.encode(bytes(of: output)) == vector.output)
    }
  }

  @Test("The length is an input: a shorter output is no prefix of a longer one")
  func length() {
    let key = secret([UInt8](0..<32))
    let long = bytes(of: SP800108.derive(key: key, label: [1], bits: 1024))
    #expect(long.count == 128)
    #expect(bytes(of: SP800108.derive(key: key, label: [1], bits: 512)) != Array(long[..<64]))
  }
}
