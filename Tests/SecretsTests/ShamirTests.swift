import Encodings
import Secrets
import Testing

struct ShamirTests {
  /// The worked example of the wire contract §5.4(b), checked there against the az CLI's own recovery.
  @Test("The worked example comes out byte for byte and recovers")
  func workedExample() throws {
    let slopes: [UInt8] = [200, 0, 0, 1, 1, 0]
    let shares = try ShamirGF257.split(secret([0x41, 0x00, 0xFF]), threshold: 2, count: 3) { count in
      #expect(count == 6)
      return slopes
    }
    #expect(shares.map { Hex.encode(bytes(of: $0)) } == ["080200030003", "d004ff040004", "9706fe06" + "0106"])
    for pair in [[0, 1], [1, 0], [0, 2], [1, 2], [2, 0]] {
      #expect(bytes(of: try ShamirGF257.combine(pair.map { shares[$0] }, threshold: 2)) == [0x41, 0x00, 0xFF])
    }
    #expect(bytes(of: try ShamirGF257.combine(shares, threshold: 2)) == [0x41, 0x00, 0xFF])
  }

  @Test("Any M of N shares recover, fewer are refused, and fewer read as a smaller quorum give something else")
  func anyQuorum() throws {
    for count in 2...7 {
      for threshold in 2...count {
        let original = random(32)
        let shares = try ShamirGF257.split(secret(original), threshold: threshold, count: count, entropy: random)
        for mask in 1..<(1 << count) {
          let chosen = shares.indices.filter { mask >> $0 & 1 == 1 }.map { shares[$0] }
          if chosen.count >= threshold {
            #expect(bytes(of: try ShamirGF257.combine(chosen, threshold: threshold)) == original)
          } else {
            #expect(throws: SecretsError.tooFewShares(needed: threshold, given: chosen.count)) {
              try ShamirGF257.combine(chosen, threshold: threshold)
            }
            if chosen.count >= 2 {
              let wrong = try? ShamirGF257.combine(chosen, threshold: chosen.count)
              #expect(wrong.map { bytes(of: $0) } != original)
            }
          }
        }
      }
    }
  }

  @Test("Below the quorum every value of a byte remains possible")
  func perfect() throws {
    // One share of a 2-of-N sharing with value v at x: for each candidate byte there is exactly one slope that explains it.
    let shares = try ShamirGF257.split(secret([77]), threshold: 2, count: 2, entropy: random)
    let word = bytes(of: shares[0])
    let value = Int(word[0]) | Int(word[1] & 1) << 8
    for candidate in 0..<256 {
      #expect((0...256).filter { (candidate + $0) % 257 == value }.count == 1)
    }
  }

  @Test("The value 256 occurs in shares and survives")
  func largestValue() throws {
    let original = random(600)
    let shares = try ShamirGF257.split(secret(original), threshold: 3, count: 5, entropy: random)
    let all = shares.flatMap { share in
      let bytes = bytes(of: share)
      return stride(from: 0, to: bytes.count, by: 2).map { Int(bytes[$0]) | Int(bytes[$0 + 1] & 1) << 8 }
    }
    #expect(all.contains(256))
    #expect(all.allSatisfy { $0 <= 256 })
    #expect(bytes(of: try ShamirGF257.combine(Array(shares.suffix(3)), threshold: 3)) == original)
  }

  @Test("Coefficients above 256 are drawn again")
  func rejection() throws {
    let asked = Counter()
    let shares = try ShamirGF257.split(secret([1]), threshold: 2, count: 2) { count in
      asked.calls += 1
      return asked.calls == 1 ? [0x01, 0x01] : [5, 0]
    }
    #expect(asked.calls == 2)
    #expect(bytes(of: shares[0]) == [6, 2])
  }

  @Test("A changed share is refused or recovers something else, and a spare share exposes it")
  func changed() throws {
    let original = random(32)
    let shares = try ShamirGF257.split(secret(original), threshold: 2, count: 3, entropy: random)
    for i in 0..<64 {
      var tampered = bytes(of: shares[1])
      tampered[i] ^= 1
      let two = try? ShamirGF257.combine([shares[0], secret(tampered)], threshold: 2)
      #expect(two.map { bytes(of: $0) } != original)
      #expect(throws: SecretsError.self) { try ShamirGF257.combine([shares[0], secret(tampered), shares[2]], threshold: 2) }
    }
  }

  @Test("Malformed and repeated shares are refused")
  func malformed() throws {
    let good = secret([8, 2])
    #expect(throws: SecretsError.duplicateShare(number: 1)) { try ShamirGF257.combine([good, secret([8, 2])], threshold: 2) }
    let bad: [[UInt8]] = [[], [8], [8, 0], [1, 5], [8, 254], [8, 4, 0, 6], [8, 4, 0]]
    for share in bad {
      #expect(throws: SecretsError.malformedShare(index: 1)) { try ShamirGF257.combine([good, secret(share)], threshold: 2) }
    }
    #expect(throws: SecretsError.malformedShare(index: 0)) { try ShamirGF257.combine([secret([]), secret([])], threshold: 2) }
  }

  @Test("Quorums outside of the format are refused", arguments: [(1, 3), (0, 3), (4, 3), (2, 127), (-1, 2), (2, 1)])
  func quorum(threshold: Int, count: Int) {
    #expect(throws: SecretsError.badQuorum(threshold: threshold, count: count)) {
      try ShamirGF257.split(secret([1]), threshold: threshold, count: count, entropy: random)
    }
  }
}

private final class Counter { var calls = 0 }
