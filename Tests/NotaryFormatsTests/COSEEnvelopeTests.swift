import Encodings
import NotaryFormats
import Testing

@Suite("COSE envelopes")
struct COSEEnvelopeTests {
  typealias Header = NotaryEnvelope.Header

  static let genuine: [CBORValue] = {
    let vector = NotationVector.all.first { $0.name == "ec256" && $0.format == .cose }
    guard case .tagged(18, .array(let parts))? = try? CBORValue.parse(vector?.bytes ?? []) else { return [] }
    return parts
  }()

  static func envelope(
    tag: UInt64 = 18, parts: (inout [CBORValue]) -> Void = { _ in }, protected: (inout CBORMap) -> Void = { _ in },
    unprotected: (inout CBORMap) -> Void = { _ in }
  ) throws -> [UInt8] {
    var all = genuine
    let header = try #require(all[0].bytes)
    var signed = try #require(try CBORValue.parse(header).map)
    protected(&signed)
    all[0] = .bytes(CBORValue.map(signed).serialized())
    var unsigned = try #require(all[1].map)
    unprotected(&unsigned)
    all[1] = .map(unsigned)
    parts(&all)
    return CBORValue.tagged(tag, .array(all)).serialized()
  }

  static func refusal(_ bytes: [UInt8]) -> NotaryError? {
    do throws(NotaryError) {
      _ = try NotaryEnvelope.parse(bytes, format: .cose)
      return nil
    } catch { return error }
  }

  @Test("The writer puts notation's own parts together again byte for byte")
  func unchanged() throws {
    #expect(try Self.envelope() == NotationVector.all.first { $0.name == "ec256" && $0.format == .cose }?.bytes)
  }

  @Test("Only four elements under tag 18 are an envelope")
  func shape() throws {
    let shape = NotaryError.badMember(path: "envelope", wanted: "a COSE_Sign1 of four elements under tag 18")
    #expect(try Self.refusal(Self.envelope(tag: 1)) == shape)
    #expect(Self.refusal(CBORValue.array(Self.genuine).serialized()) == shape)
    #expect(try Self.refusal(Self.envelope(parts: { $0.removeLast() })) == shape)
    #expect(try Self.refusal(Self.envelope(parts: { $0.append(.null) })) == shape)
    #expect(try Self.refusal(Self.envelope(tag: 98)) != nil)
    for i in 0..<4 { #expect(try Self.refusal(Self.envelope(parts: { $0[i] = .null })) != nil, "element \(i)") }
    #expect(try Self.refusal(Self.envelope(parts: { $0[0] = .bytes([]) })) != nil)
    #expect(try Self.refusal(Self.envelope(parts: { $0[0] = .bytes([0x80]) })) == .badMember(path: "protected", wanted: "a map"))
  }

  @Test("x5chain is an array, also of one certificate, and holds byte strings")
  func chain() throws {
    let leaf = try #require(Self.genuine[1].map?[.integer(33)]?.array?[0])
    #expect(try Self.refusal(Self.envelope(unprotected: { $0[.integer(33)] = leaf })) == .badMember(path: "unprotected.33", wanted: "an array of certificates"))
    #expect(try Self.refusal(Self.envelope(unprotected: { $0[.integer(33)] = nil })) != nil)
    #expect(try Self.refusal(Self.envelope(unprotected: { $0[.integer(33)] = .array([]) })) != nil)
    #expect(try Self.refusal(Self.envelope(unprotected: { $0[.integer(33)] = .array([.text("x")]) })) != nil)
    #expect(try Self.refusal(Self.envelope(unprotected: { $0[.integer(33)] = .array(Array(repeating: leaf, count: 17)) })) != nil)
    #expect(try Self.refusal(Self.envelope(unprotected: { $0[.integer(33)] = .array([leaf]) })) == nil)
  }

  @Test("A time without tag 1, with a fraction or as a text is refused")
  func times() throws {
    for wrong: CBORValue in [.integer(1_795_559_726), .text("2026-11-23T22:35:26Z"), .tagged(1, .text("1")), .null] {
      let error = try Self.refusal(Self.envelope(protected: { $0[.text(Header.signingTime)] = wrong }))
      #expect(error == .badMember(path: "protected.\(Header.signingTime)", wanted: "a whole number of seconds under tag 1"))
    }
  }

  @Test("Only the six algorithms exist", arguments: [-257, -8, -47, 5, 0, -65535] as [Int64])
  func algorithms(_ number: Int64) throws {
    #expect(try Self.refusal(Self.envelope(protected: { $0[.integer(1)] = .integer(number) })) == .unknownAlgorithm(String(number)))
    #expect(try Self.refusal(Self.envelope(protected: { $0[.integer(1)] = .text("ES256") })) != nil)
  }

  @Test("A signature in DER or of another algorithm's length is refused")
  func signatureLength() throws {
    let der: [UInt8] = [0x30, 68] + [UInt8](repeating: 2, count: 68)
    #expect(try Self.refusal(Self.envelope(parts: { $0[3] = .bytes(der) })) == .badSignatureLength(algorithm: "ES256", wanted: 64, got: 70))
    #expect(
      try Self.refusal(Self.envelope(protected: { $0[.integer(1)] = .integer(-37) })) == .badSignatureLength(algorithm: "PS256", wanted: 256, got: 64))
  }

  @Test("crit must list every critical header and nothing that is absent")
  func critical() throws {
    func crit(_ labels: [CBORValue]) throws -> NotaryError? { try Self.refusal(Self.envelope(protected: { $0[.integer(2)] = .array(labels) })) }
    let (scheme, expiry) = (CBORValue.text(Header.signingScheme), CBORValue.text(Header.expiry))
    #expect(try crit([]) != nil)
    #expect(try crit([scheme]) == .criticalHeader(Header.expiry, why: "it must be listed in crit"))
    #expect(try crit([expiry]) == .criticalHeader(Header.signingScheme, why: "it must be listed in crit"))
    #expect(try crit([scheme, expiry, .integer(99)]) == .criticalHeader("99", why: "crit lists it, but it is not in the protected header"))
    #expect(try crit([scheme, expiry, scheme]) == .criticalHeader(Header.signingScheme, why: "crit lists it twice"))
    #expect(try crit([scheme, expiry, .bytes([1])]) != nil)
    #expect(try Self.refusal(Self.envelope(protected: { $0[.integer(2)] = nil })) != nil)
    #expect(try Self.refusal(Self.envelope(protected: { $0[.integer(2)] = scheme })) != nil)
  }

  @Test("An unknown critical label, integer or text, is read and reported")
  func unknownCritical() throws {
    let bytes = try Self.envelope(protected: {
      $0[.integer(99)] = .bytes([1, 2])
      $0[.text("com.example")] = .array([.bool(true)])
      $0[.integer(2)] = .array([.text(Header.signingScheme), .text(Header.expiry), .integer(99), .text("com.example")])
    })
    let unknown = try NotaryEnvelope.parse(bytes, format: .cose).unknownCritical
    #expect(unknown.map(\.name.description).sorted() == ["99", "com.example"])
    #expect(unknown.first { $0.name == .integer(99) }?.value == "AQI=")
  }

  @Test("A header may not be protected and unprotected at once")
  func disjoint() throws {
    for label: CBORLabel in [.integer(1), .integer(2), .integer(3), .text(Header.expiry)] {
      #expect(try Self.refusal(Self.envelope(unprotected: { $0[label] = .integer(-7) })) != nil, "\(label)")
    }
  }

  @Test("The content type is a text, and the scheme a known one")
  func types() throws {
    #expect(try Self.refusal(Self.envelope(protected: { $0[.integer(3)] = .integer(50) })) != nil)
    #expect(try Self.refusal(Self.envelope(protected: { $0[.text(Header.signingScheme)] = .text("x") })) != nil)
    #expect(try Self.refusal(Self.envelope(protected: { $0[.text(Header.signingScheme)] = .integer(1) })) != nil)
    let other = try NotaryEnvelope.parse(Self.envelope(protected: { $0[.integer(3)] = .text("text/plain") }), format: .cose)
    #expect(throws: NotaryError.self) { try other.artifact() }
  }

  @Test("A timestamp is kept as bytes, and only as bytes")
  func timestamp() throws {
    let bytes = try Self.envelope(unprotected: { $0[.text(Header.timestampSignature)] = .bytes([0x30, 0]) })
    #expect(try NotaryEnvelope.parse(bytes, format: .cose).timestampToken == [0x30, 0])
    #expect(try Self.refusal(Self.envelope(unprotected: { $0[.text(Header.timestampSignature)] = .text("MAA=") })) != nil)
    #expect(try Self.refusal(Self.envelope(unprotected: { $0[.text(Header.signingAgent)] = .bytes([1]) })) != nil)
  }
}
