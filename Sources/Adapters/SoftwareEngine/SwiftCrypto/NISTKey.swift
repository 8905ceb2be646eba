import Crypto
import Custody
import FoundationEssentials
import Secrets

/// A P-256 or P-384 key in swift-crypto.
final class NISTKey: KeyHandle, ExportableKey {
  private enum Key: Sendable {
    case p256(P256.Signing.PrivateKey)
    case p384(P384.Signing.PrivateKey)
  }
  private let key: Key
  /// Kept, since deriving it costs a point multiplication.
  private let verifier: Verifier
  private enum Verifier: Sendable {
    case p256(P256.Signing.PublicKey)
    case p384(P384.Signing.PublicKey)
  }

  private init(_ key: Key) {
    self.key = key
    switch key {
    case .p256(let key): verifier = .p256(key.publicKey)
    case .p384(let key): verifier = .p384(key.publicKey)
    }
  }

  static func generate(_ curve: Curve) throws(EngineFailure) -> NISTKey {
    switch curve {
    case .p256: NISTKey(.p256(P256.Signing.PrivateKey()))
    case .p384: NISTKey(.p384(P384.Signing.PrivateKey()))
    case .p521, .p256K: throw .unsupported(.ec(curve))
    }
  }

  /// - Parameters x, y: at fixed width.
  static func take(_ curve: Curve, x: [UInt8], y: [UInt8], d: SecretBytes) throws(EngineFailure) -> NISTKey {
    let point = x + y
    let width = curve.coordinateLength
    let key: Key
    let derived: [UInt8]
    switch curve {
    case .p256:
      guard (try? P256.Signing.PublicKey(rawRepresentation: point)) != nil else { throw .material(.curvePointInvalid) }
      guard let scalar = paddedScalar(d, width), let made = try? scalar.withUnsafeBytes({ try P256.Signing.PrivateKey(rawRepresentation: $0) })
      else { throw .material(.curveScalarInvalid) }
      key = .p256(made)
      derived = Array(made.publicKey.rawRepresentation)
    case .p384:
      guard (try? P384.Signing.PublicKey(rawRepresentation: point)) != nil else { throw .material(.curvePointInvalid) }
      guard let scalar = paddedScalar(d, width), let made = try? scalar.withUnsafeBytes({ try P384.Signing.PrivateKey(rawRepresentation: $0) })
      else { throw .material(.curveScalarInvalid) }
      key = .p384(made)
      derived = Array(made.publicKey.rawRepresentation)
    case .p521, .p256K: throw .unsupported(.ec(curve))
    }
    guard derived == point else { throw .material(.curveScalarInvalid) }
    return NISTKey(key)
  }

  convenience init(_ curve: Curve, pkcs8: SecretBytes) throws(EngineFailure) {
    // The bytes authenticated, so a failure here is a fault of ours or of the library.
    let made: Key? = pkcs8.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return nil }
      let der = Data(bytesNoCopy: UnsafeMutableRawPointer(mutating: start), count: bytes.count, deallocator: .none)
      switch curve {
      case .p256: return (try? P256.Signing.PrivateKey(derRepresentation: der)).map { .p256($0) }
      case .p384: return (try? P384.Signing.PrivateKey(derRepresentation: der)).map { .p384($0) }
      case .p521, .p256K: return nil
      }
    }
    guard let made else { throw .libraryFailed(step: "load EC", code: 0) }
    self.init(made)
  }

  func isCheap(_ operation: KeyOperation) -> Bool { true }

  func sign(_ digest: [UInt8], _ algorithm: SignatureAlgorithm) throws(EngineFailure) -> [UInt8] {
    do {
      switch (key, algorithm) {
      case (.p256(let key), .es256) where digest.count == 32:
        return Array(try key.signature(for: SHA256Sized(bytes: digest)).rawRepresentation)
      case (.p384(let key), .es384) where digest.count == 48:
        return Array(try key.signature(for: SHA384Sized(bytes: digest)).rawRepresentation)
      default: throw EngineFailure.algorithmDoesNotFit
      }
    } catch let failure as EngineFailure { throw failure } catch { throw .libraryFailed(step: "sign EC", code: 0) }
  }

  func verify(_ signature: [UInt8], _ digest: [UInt8], _ algorithm: SignatureAlgorithm) throws(EngineFailure) -> Bool {
    switch (verifier, algorithm) {
    case (.p256(let key), .es256) where digest.count == 32:
      guard let parsed = try? P256.Signing.ECDSASignature(rawRepresentation: signature) else { return false }
      return key.isValidSignature(parsed, for: SHA256Sized(bytes: digest))
    case (.p384(let key), .es384) where digest.count == 48:
      guard let parsed = try? P384.Signing.ECDSASignature(rawRepresentation: signature) else { return false }
      return key.isValidSignature(parsed, for: SHA384Sized(bytes: digest))
    default: throw .algorithmDoesNotFit
    }
  }

  func publicKey(of spec: KeySpec) throws(EngineFailure) -> PublicKey {
    let (curve, point): (Curve, [UInt8]) =
      switch verifier {
      case .p256(let key): (.p256, Array(key.rawRepresentation))
      case .p384(let key): (.p384, Array(key.rawRepresentation))
      }
    return .ec(curve, x: Array(point.prefix(curve.coordinateLength)), y: Array(point.suffix(curve.coordinateLength)))
  }

  func plainForm() throws(EngineFailure) -> SecretBytes {
    var der =
      switch key {
      case .p256(let key): key.derRepresentation
      case .p384(let key): key.derRepresentation
      }
    return SecretBytes(wiping: &der)
  }
}

/// A private scalar at the curve's width, leading zeros accepted; nil if it is longer.
private func paddedScalar(_ d: SecretBytes, _ width: Int) -> SecretBytes? {
  d.withUnsafeBytes { bytes in
    let excess = max(0, bytes.count - width)
    guard bytes.prefix(excess).allSatisfy({ $0 == 0 }) else { return nil }
    let significant = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(excess))
    return SecretBytes(count: width) { room in
      for index in 0..<significant.count { room[width - significant.count + index] = significant[index] }
    }
  }
}
