import Encodings

/// A C2SP signed note: a text and the signatures below it (c2sp.org/signed-note).
///
///     <text lines>\n\n— <key name> <base64(4-byte key id ‖ signature)>\n
package struct SignedNote: Sendable, Equatable {
  package struct Signature: Sendable, Equatable {
    package var name: String
    /// 4 bytes.
    package var keyID: [UInt8]
    package var bytes: [UInt8]

    package init(name: String, keyID: [UInt8], bytes: [UInt8]) {
      self.name = name
      self.keyID = keyID
      self.bytes = bytes
    }
  }

  /// What is signed: ends in a line feed, and that line feed is signed too.
  package let text: [UInt8]
  package let signatures: [Signature]

  /// Bytes of a note that a reader accepts; a checkpoint of ours has about 200.
  package static let byteLimit = 64 * 1024
  package static let signatureLimit = 32
  private static let mark = Array("— ".utf8)

  package init(text: [UInt8], signatures: [Signature]) {
    self.text = text
    self.signatures = signatures
  }

  /// Parses a note; signatures are not verified.
  /// - Throws: `.malformedNote` for anything but the one accepted form.
  package init(parsing bytes: [UInt8]) throws(LedgerError) {
    guard bytes.count <= Self.byteLimit else { throw .malformedNote("longer than \(Self.byteLimit) bytes") }
    guard String(validating: bytes, as: UTF8.self) != nil else { throw .malformedNote("not UTF-8") }
    guard bytes.allSatisfy({ $0 >= 0x20 || $0 == 0x0A }) else { throw .malformedNote("control characters") }
    guard bytes.last == 0x0A else { throw .malformedNote("no line feed at the end") }
    // The last blank line parts text and signatures.
    var split: Int?
    var index = bytes.count - 1
    while index > 0 {
      if bytes[index] == 0x0A, bytes[index - 1] == 0x0A {
        split = index
        break
      }
      index -= 1
    }
    guard let split else { throw .malformedNote("no blank line before the signatures") }
    text = Array(bytes[..<split])
    var found: [Signature] = []
    for line in bytes[(split + 1)...].split(separator: 0x0A, omittingEmptySubsequences: false).dropLast() {
      guard found.count < Self.signatureLimit else { throw .malformedNote("more than \(Self.signatureLimit) signatures") }
      found.append(try Self.signature(line))
    }
    guard !found.isEmpty else { throw .malformedNote("no signature") }
    signatures = found
  }

  private static func signature(_ line: ArraySlice<UInt8>) throws(LedgerError) -> Signature {
    guard line.starts(with: mark) else { throw .malformedNote("a signature line that does not start with an em dash") }
    let fields = line.dropFirst(mark.count).split(separator: 0x20, omittingEmptySubsequences: false)
    guard fields.count == 2, !fields[0].isEmpty else { throw .malformedNote("a signature line without name and signature") }
    // A note has one form only: padded base64 in the standard alphabet.
    guard let bytes = try? Base64.decode(fields[1]), Base64.encode(bytes).utf8.elementsEqual(fields[1]) else {
      throw .malformedNote("a signature that is not base64")
    }
    guard bytes.count > 4 else { throw .malformedNote("a signature that is too short") }
    return Signature(name: String(decoding: fields[0], as: UTF8.self), keyID: Array(bytes[..<4]), bytes: Array(bytes[4...]))
  }

  /// The bytes of the note.
  package func serialized() -> [UInt8] {
    var out = text
    out.append(0x0A)
    for signature in signatures {
      out.append(contentsOf: Self.mark)
      out.append(contentsOf: signature.name.utf8)
      out.append(0x20)
      Base64.append(signature.keyID + signature.bytes, to: &out)
      out.append(0x0A)
    }
    return out
  }

  /// Whether one of the signatures is by `verifier`'s key under its name.
  package func isSigned(by verifier: CheckpointVerifier) -> Bool {
    signatures.contains {
      $0.name == verifier.name && $0.keyID == verifier.keyID && verifier.verifies($0.bytes, of: text)
    }
  }
}
