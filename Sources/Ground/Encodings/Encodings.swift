/// Encodings: the texts and byte forms everything else is written in.
///
/// Base64 and base64url, hexadecimal, PEM, ISO 8601 / RFC 3339 times and durations, and JSON (RFC 8259) as a tree,
/// as a writer and as a fast scanner for hot routes. Every decoder here takes bytes from outside: it is strict (one accepted
/// form per value, apart from what its comment names), bounded, and never traps.
///
/// Must never know: keys, time sources, files, sockets, or what any member of a document means.
/// Allowed imports: the standard library only.

/// Why a text was not a valid encoding of bytes. It carries positions, never the bytes themselves.
package enum EncodingError: Error, Equatable, Sendable, CustomStringConvertible {
  /// No encoding has this many characters.
  case badLength(Int)
  /// The character at this offset is not of the alphabet, or belongs to another alphabet than those before it.
  case badCharacter(offset: Int)
  /// Padding is present but not the padding this length needs.
  case badPadding
  /// The last character carries bits that encode nothing, so the text is not the only one for its bytes.
  case trailingBits
  /// The text is longer than its limit.
  case tooLong(limit: Int)
  /// The text does not follow its grammar; `expected` says what was wanted at `offset`.
  case malformed(expected: String, offset: Int)

  package var description: String {
    switch self {
    case .badLength(let count): "no encoding is \(count) characters long"
    case .badCharacter(let offset): "character \(offset) is not in the alphabet"
    case .badPadding: "wrong padding"
    case .trailingBits: "the last character carries unused bits"
    case .tooLong(let limit): "longer than \(limit) bytes"
    case .malformed(let expected, let offset): "expected \(expected) at byte \(offset)"
    }
  }
}

/// Runs `body` over the bytes of any sequence, without a copy where they are contiguous.
func withBytes<T, E: Error>(
  of bytes: some Sequence<UInt8>, _ body: (UnsafeRawBufferPointer) throws(E) -> T
) throws(E) -> T {
  let fast: Result<T, E>? = bytes.withContiguousStorageIfAvailable { storage in
    do throws(E) { return .success(try body(UnsafeRawBufferPointer(storage))) } catch { return .failure(error) }
  }
  if let fast { return try fast.get() }
  let slow: Result<T, E> = Array(bytes).withUnsafeBytes { storage in
    do throws(E) { return .success(try body(storage)) } catch { return .failure(error) }
  }
  return try slow.get()
}
