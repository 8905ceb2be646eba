import Custody
import Synchronization

/// An engine without cryptography: a "sealed key" is its binding, a "signature" says which key made it over what.
final class CountingEngine: KeyEngine {
  let name = "counting"
  let loads = Atomic<Int>(0)
  let generated = Atomic<Int>(0)
  /// Runs inside `load`, before it returns.
  let duringLoad = Mutex<(@Sendable () -> Void)?>(nil)

  func generate(_ binding: KeyBinding) throws(EngineFailure) -> EngineKey {
    generated.add(1, ordering: .relaxed)
    return EngineKey(publicKey: Self.publicKey(binding.spec), sealed: binding.bytes)
  }
  func take(_ material: borrowing ImportedKey, _ binding: KeyBinding) throws(EngineFailure) -> EngineKey {
    EngineKey(publicKey: Self.publicKey(binding.spec), sealed: binding.bytes)
  }
  func load(_ sealed: [UInt8], _ binding: KeyBinding) throws(EngineFailure) -> any KeyHandle {
    loads.add(1, ordering: .relaxed)
    duringLoad.withLock { $0 }?()
    guard sealed == binding.bytes else { throw .bindingBroken }
    return Handle(binding)
  }
  func random(_ count: Int) throws(EngineFailure) -> [UInt8] { [UInt8](repeating: 7, count: count) }

  private static func publicKey(_ spec: KeySpec) -> PublicKey {
    switch spec {
    case .rsa(let bits, _): .rsa(modulus: [UInt8](repeating: 0xAB, count: bits / 8), exponent: [1, 0, 1])
    case .ec(let curve):
      .ec(
        curve, x: [UInt8](repeating: 1, count: curve.coordinateLength), y: [UInt8](repeating: 2, count: curve.coordinateLength))
    case .oct: .oct
    }
  }

  final class Handle: KeyHandle {
    let binding: KeyBinding
    init(_ binding: KeyBinding) { self.binding = binding }
    func isCheap(_ operation: KeyOperation) -> Bool { binding.spec.type != .rsa || operation == .verify }
    func sign(_ digest: [UInt8], _ algorithm: SignatureAlgorithm) throws(EngineFailure) -> [UInt8] {
      Array(binding.identity.path.utf8) + Array(algorithm.rawValue.utf8) + digest
    }
    func verify(_ signature: [UInt8], _ digest: [UInt8], _ algorithm: SignatureAlgorithm) throws(EngineFailure) -> Bool {
      try sign(digest, algorithm) == signature
    }
  }
}
