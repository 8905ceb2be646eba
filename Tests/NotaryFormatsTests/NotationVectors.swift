import Encodings
import Foundation
import NotaryFormats
import Testing

/// The envelopes of `Tests/Vectors/Notary`: made by notation 1.3.2 with local keys.
struct NotationVector: Sendable, CustomTestStringConvertible {
  let name: String
  let keySpec: NotaryKeySpec
  let format: NotaryEnvelope.Format
  let bytes: [UInt8]

  var testDescription: String { "\(name).\(format.rawValue)" }

  static let folder = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent().appending(path: "../Vectors/Notary").standardizedFileURL

  static func file(_ name: String) -> [UInt8] {
    guard let data = try? Data(contentsOf: folder.appending(path: name)) else { return [] }
    return Array(data)
  }

  static let specs: [(String, NotaryKeySpec)] = [
    ("rsa2048", .rsa2048), ("rsa3072", .rsa3072), ("rsa4096", .rsa4096), ("ec256", .ec256), ("ec384", .ec384), ("ec521", .ec521),
  ]

  static let all: [NotationVector] = specs.flatMap { name, spec in
    NotaryEnvelope.Format.allCases.map { NotationVector(name: name, keySpec: spec, format: $0, bytes: file("\(name).\($0.rawValue)")) }
  }

  static var artifact: (digest: String, size: Int64) {
    let parts = String(decoding: file("artifact.txt"), as: UTF8.self).split(whereSeparator: \.isWhitespace)
    return (String(parts[0]), Int64(parts[1]) ?? -1)
  }
}

