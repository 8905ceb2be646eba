import Encodings
import Foundation
import SigstoreFormats
import Trust

/// The signatures of a file: those named, or those that lie beside it.
enum BlobEvidence {
  /// What is looked for beside a file: `FILE.sigstore.json`, `FILE.<signer>.sigstore.json` and their like.
  static let suffixes = [".sigstore.json", ".batch-proof.json", KeyEndorsement.fileSuffix]
  static let maxFiles = 64

  static func gather(_ file: String, bundles: [String], signature: String?) throws -> [SignatureEvidence] {
    if let signature {
      guard bundles.isEmpty else { throw CommandFailure.usage("cannot verify \(file)", why: "--bundle and --signature exclude each other") }
      return [try Verification.detached(signature)]
    }
    // A file that was named and cannot be read is an error of the caller's; one that merely lies there is evidence like any other.
    if !bundles.isEmpty { return try bundles.flatMap { try read($0) } }
    let found = beside(file)
    guard !found.isEmpty else {
      throw CommandFailure.usage("cannot verify \(file)", why: "there is no \(file).sigstore.json beside it", next: "name the signature with --bundle or --signature")
    }
    return try found.flatMap { try read($0) }
  }

  private static func read(_ path: String) throws -> [SignatureEvidence] {
    SignatureEvidence.file(try LocalFile.bytes(path, maxBytes: SigstoreBundle.limits.maxBytes), source: path)
  }

  private static func beside(_ file: String) -> [String] {
    let url = URL(fileURLWithPath: file)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: url.deletingLastPathComponent().path)) ?? []
    let base = url.lastPathComponent
    let folder = file.hasSuffix(base) ? String(file.dropLast(base.count)) : ""
    // `app` must not take what belongs to `app.tar`: between the name and the suffix stands at most one signer's name.
    return names.filter { name in
      guard name.hasPrefix("\(base)."), let suffix = suffixes.first(where: name.hasSuffix) else { return false }
      let between = name.dropFirst(base.count).dropLast(suffix.count)
      if between.isEmpty { return true }
      let signer = between.dropFirst()
      return !signer.isEmpty && !signer.contains(".") && !names.contains("\(base).\(signer)")
    }.sorted().prefix(maxFiles).map { folder + $0 }
  }
}
