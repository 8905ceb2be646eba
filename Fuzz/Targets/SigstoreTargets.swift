import Encodings
import Signing
import SigstoreFormats

/// The documents of SigstoreFormats besides the bundle, and the key URIs of the plugin.
enum SigstoreTargets {
  /// Laws: signing in pieces is signing the whole, and what is written is read as the same.
  static func envelope(_ bytes: UnsafeRawBufferPointer) {
    guard let all = try? Envelope.parse(bytes), let first = all.first else { return }
    precondition(all.count <= Envelope.maxSignatures && all.allSatisfy { $0.payload == first.payload })
    precondition(first.signedBytes.starts(with: "DSSEv1 ".utf8) && first.signedBytes.count > first.payload.count)
    var again = first
    again.keyID = first.keyID ?? ""
    precondition((try? Envelope.parse(again.serialized())) == [again])
  }

  /// Laws: the predicate stands in the text byte for byte, and writing and reading gives the same statement.
  static func statement(_ bytes: UnsafeRawBufferPointer) {
    guard let statement = try? Statement.parse(bytes) else { return }
    precondition(statement.subjects.count <= Statement.maxSubjects && statement.subjects.allSatisfy { $0.digests.count <= Statement.maxDigests })
    guard let predicate = statement.predicate else { return }
    let text = statement.serialized()
    precondition((try? Statement.parse(text)) == statement)
    precondition(text.suffix(predicate.count + 1).dropLast().elementsEqual(predicate))
  }

  static func predicate(_ bytes: UnsafeRawBufferPointer) {
    _ = try? RecognisedPredicate.sbom(bytes)
    _ = try? RecognisedPredicate.slsaProvenance(bytes)
  }

  static func simpleSigning(_ bytes: UnsafeRawBufferPointer) {
    guard let payload = try? SimpleSigning.parse(bytes) else { return }
    precondition((try? SimpleSigning.parse(payload.serialized())) == payload)
  }

  /// Law: an answer is one line whatever its texts hold.
  static func pluginMessage(_ bytes: UnsafeRawBufferPointer) {
    if let request = try? CosignPlugin.parse(bytes) { _ = try? KeyReference(pluginResource: request.keyResource) }
    _ = try? CosignPlugin.Response.parse(bytes)
    let line = CosignPlugin.Response.failure(text(bytes)).line()
    precondition(line.count { $0 == UInt8(ascii: "\n") } == 1 && line.last == UInt8(ascii: "\n"))
  }

  /// Laws: the reference's own URI is the same reference; neither name nor version holds a separator.
  static func pluginResource(_ bytes: UnsafeRawBufferPointer) {
    guard let reference = try? KeyReference(pluginResource: text(bytes)) else { return }
    precondition(!reference.name.contains("/") && reference.version?.count ?? 32 == 32)
    precondition((try? KeyReference(parsing: reference.uri)) == reference)
  }

  /// Law: listing members and building the tree take the same texts and see the same names.
  static func members(_ bytes: UnsafeRawBufferPointer) {
    let tree = Result { try JSONValue.parse(bytes) }
    let list = Result { try JSONScanner.members(bytes) }
    switch (tree, list) {
    case (.success(let value), .success(let members)): precondition(value.object?.names == members.map(\.name))
    case (.success(let value), .failure): precondition(value.object == nil)
    case (.failure(let a), .failure(let b)): precondition((a as? JSONError) == (b as? JSONError))
    case (.failure, .success): preconditionFailure("the list took a text that the tree refuses")
    }
  }
}
