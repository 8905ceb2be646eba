import Custody
import Foundation
import Testing

/// The `openssl` command line: an implementation that is not the code under test, reading what it is given as files.
struct OpenSSL {
  let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("engine-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }
  func close() { try? FileManager.default.removeItem(at: folder) }

  func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let url = folder.appendingPathComponent(name)
    try Data(bytes).write(to: url)
    return url.path
  }

  struct Failed: Error { let output: String }

  func run(_ arguments: [String]) throws -> [UInt8] {
    let (status, output) = try outcome(arguments)
    guard status == 0 else { throw Failed(output: arguments.joined(separator: " ") + "\n" + String(decoding: output, as: UTF8.self)) }
    return output
  }

  func outcome(_ arguments: [String]) throws -> (Int32, [UInt8]) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["openssl"] + arguments
    process.standardInput = FileHandle.nullDevice
    let output = folder.appendingPathComponent("out-\(UUID().uuidString)")
    try Data().write(to: output)
    let handle = try FileHandle(forWritingTo: output)
    process.standardOutput = handle
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    try handle.close()
    return (process.terminationStatus, [UInt8](try Data(contentsOf: output)))
  }

  /// The `-pkeyopt`s that make pkeyutl do what the algorithm says.
  static func options(_ algorithm: SignatureAlgorithm) -> [String] {
    let hash = algorithm.digest.map { ["-pkeyopt", "digest:" + $0.rawValue.lowercased().replacingOccurrences(of: "-", with: "")] } ?? []
    switch algorithm.family {
    case .pkcs1: return ["-pkeyopt", "rsa_padding_mode:pkcs1"] + hash
    case .pss: return ["-pkeyopt", "rsa_padding_mode:pss"] + hash + ["-pkeyopt", "rsa_pss_saltlen:digest"]
    case .raw: return ["-pkeyopt", "rsa_padding_mode:pkcs1"]
    case .ecdsa: return []
    }
  }

  /// Whether `openssl pkeyutl -verify` takes the signature; EC signatures are given to it in DER.
  func verifies(_ signature: [UInt8], _ digest: [UInt8], _ algorithm: SignatureAlgorithm, _ key: PublicKey) throws -> Bool {
    let tag = UUID().uuidString
    let form = algorithm.family == .ecdsa ? DER.signature(signature) : signature
    let (status, _) = try outcome(
      [
        "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", write("pub-\(tag)", DER.publicKey(key)), "-sigfile", write("sig-\(tag)", form),
        "-in", write("digest-\(tag)", digest),
      ] + Self.options(algorithm))
    return status == 0
  }

  /// A private key that openssl made: the integers its `-text` form shows, by label.
  func newKey(_ arguments: [String]) throws -> (path: String, members: [String: [UInt8]]) {
    let path = folder.appendingPathComponent("key-\(UUID().uuidString).pem").path
    _ = try run(["genpkey"] + arguments + ["-out", path])
    var members: [String: [UInt8]] = [:]
    var label = ""
    for line in String(decoding: try run(["pkey", "-in", path, "-text", "-noout"]), as: UTF8.self).split(separator: "\n") {
      if line.hasPrefix("    ") {
        members[label, default: []] += line.split(whereSeparator: { $0 == ":" || $0 == " " }).compactMap { UInt8($0, radix: 16) }
      } else {
        label = String(line.prefix { $0 != ":" })
      }
    }
    return (path, members)
  }
}

/// Just enough DER to write public keys (RFC 5280, 8017, 5480) and ECDSA signatures.
enum DER {
  static func value(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
    var length: [UInt8]
    switch content.count {
    case 0..<128: length = [UInt8(content.count)]
    case 128..<256: length = [0x81, UInt8(content.count)]
    default: length = [0x82, UInt8(content.count >> 8), UInt8(content.count & 255)]
    }
    return [tag] + length + content
  }
  static func integer(_ bytes: some Collection<UInt8>) -> [UInt8] {
    var significant = Array(bytes.drop { $0 == 0 })
    if significant.isEmpty { significant = [0] }
    if significant[0] >= 0x80 { significant.insert(0, at: 0) }
    return value(2, significant)
  }
  static func signature(_ raw: [UInt8]) -> [UInt8] { value(0x30, integer(raw.prefix(raw.count / 2)) + integer(raw.suffix(raw.count / 2))) }

  static func publicKey(_ key: PublicKey) -> [UInt8] {
    switch key {
    case .rsa(let n, let e):
      let identifier = value(0x30, [6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1, 5, 0])
      return value(0x30, identifier + value(3, [0] + value(0x30, integer(n) + integer(e))))
    case .ec(let curve, let x, let y):
      let oid: [UInt8] =
        switch curve {
        case .p256: [6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7]
        case .p384: [6, 5, 0x2B, 0x81, 4, 0, 0x22]
        case .p521: [6, 5, 0x2B, 0x81, 4, 0, 0x23]
        case .p256K: [6, 5, 0x2B, 0x81, 4, 0, 0x0A]
        }
      return value(0x30, value(0x30, [6, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1] + oid) + value(3, [0, 4] + x + y))
    case .oct: return []
    }
  }
}
