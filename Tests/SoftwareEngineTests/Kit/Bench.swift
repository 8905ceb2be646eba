import Clocks
import Custody
import Secrets
@testable import SoftwareEngine
import Testing

/// One engine and one key of each kind, shared by all tests: RSA keys take up to seconds to make.
enum Bench {
  static let partition = PartitionKey(SecretBytes(random: 32) { Entropy.system.bytes($0) })!
  static let engine = SoftwareEngine(partition)
  static let hsm = HSMIdentity("bench")!

  static func binding(_ spec: KeySpec, name: String = "key", version: String? = nil, hsm: HSMIdentity = hsm, exportable: Bool = false, created: Int64 = 1_800_000_000) -> KeyBinding {
    let id = version.flatMap { KeyVersionID($0) } ?? KeyVersionID(entropy: .system)
    return KeyBinding(
      hsm: hsm, identity: KeyIdentity(name: KeyName(name)!, version: id), spec: spec, exportable: exportable, created: UnixTime(seconds: created))
  }

  struct Made: Sendable {
    let binding: KeyBinding
    let key: EngineKey
    let handle: any KeyHandle
    init(_ spec: KeySpec) throws {
      binding = Bench.binding(spec)
      key = try engine.generate(binding)
      handle = try engine.load(key.sealed, binding)
    }
  }

  static let specs: [KeySpec] = KeySpec.rsaSizes.map { .rsa(bits: $0, publicExponent: 65537) } + Curve.allCases.map { .ec($0) }
  private static let rsa2048 = Result { try Made(.rsa(bits: 2048, publicExponent: 65537)) }
  private static let rsa3072 = Result { try Made(.rsa(bits: 3072, publicExponent: 65537)) }
  private static let rsa4096 = Result { try Made(.rsa(bits: 4096, publicExponent: 65537)) }
  private static let curves = Result { try Dictionary(uniqueKeysWithValues: Curve.allCases.map { ($0, try Made(.ec($0))) }) }

  static func key(_ spec: KeySpec) throws -> Made {
    switch spec {
    case .rsa(2048, _): try rsa2048.get()
    case .rsa(3072, _): try rsa3072.get()
    case .rsa: try rsa4096.get()
    case .ec(let curve): try #require(try curves.get()[curve])
    case .oct: try Made(spec)
    }
  }

  /// Every algorithm with every key it fits: 7 × 3 for RSA and 4 for EC.
  struct Cell: Sendable, CustomTestStringConvertible {
    let algorithm: SignatureAlgorithm
    let spec: KeySpec
    var testDescription: String { "\(algorithm.rawValue) with \(spec)" }
  }
  static let cells: [Cell] = SignatureAlgorithm.allCases.flatMap { algorithm in specs.filter { algorithm.fits($0) }.map { Cell(algorithm: algorithm, spec: $0) } }

  static func digest(_ cell: Cell) -> [UInt8] { Entropy.system.bytes(cell.algorithm.digest?.length ?? 36) }
}

func failure<R>(_ body: () throws -> R) -> EngineFailure? {
  do {
    _ = try body()
    return nil
  } catch { return error as? EngineFailure }
}
