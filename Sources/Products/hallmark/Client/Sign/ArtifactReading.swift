import Foundation
import OCI
import Outbound
import Signing
import SigstoreFormats

/// Reads what is to be signed: files are hashed, references resolved, predicates recognised. Nothing is signed here.
struct ArtifactReading: Sendable {
  /// Manifests of one index, its nested indexes included.
  static let maxManifests = 4096
  static let maxIndexDepth = 4
  /// Predicates are held in memory together with the document made of them.
  static let maxPredicateBytes = 512 << 20

  let session: SigningSession

  func blob(_ path: String) throws -> SigningJob.Artifact {
    .blob(SigningJob.Blob(path: path, digests: try session.meter.measure(.hash) { try LocalFile.digests(path, session.hashes) }))
  }

  /// The image a reference stands for now, and with `recursive` every manifest below it, itself last.
  func images(_ reference: ImageReference, recursive: Bool) async throws -> [SigningJob.Image] {
    guard let registry = session.registry else { throw CommandFailure.usage("cannot sign \(reference)", why: "this run has no registry") }
    let found = try await session.meter.measure(.registry) { try await registry.resolve(reference) }
    let tag = reference.digest == nil ? reference.tag : nil
    guard recursive else { return [try image(found, tag: tag)] }
    var seen: Set<ContentDigest> = [found.descriptor.digest]
    var images = try await below(found, registry, depth: 0, seen: &seen)
    images.append(try image(found, tag: tag))
    return images
  }

  private func below(
    _ found: ResolvedManifest, _ registry: RegistryClient, depth: Int, seen: inout Set<ContentDigest>
  ) async throws -> [SigningJob.Image] {
    guard case .index(let index) = try found.document() else { return [] }
    guard depth < Self.maxIndexDepth else {
      throw CommandFailure("cannot sign \(found.reference)", why: "its indexes are nested more than \(Self.maxIndexDepth) deep", code: Exit.no)
    }
    var images: [SigningJob.Image] = []
    for entry in index.manifests where MediaType.accepted.contains(entry.mediaType) && seen.insert(entry.digest).inserted {
      guard seen.count <= Self.maxManifests else {
        throw CommandFailure("cannot sign \(found.reference)", why: "it lists more than \(Self.maxManifests) manifests", code: Exit.no)
      }
      let child = try await session.meter.measure(.registry) { try await registry.manifest(entry.digest, in: found.home) }
      images += try await below(child, registry, depth: depth + 1, seen: &seen)
      images.append(try image(child, tag: nil))
    }
    return images
  }

  private func image(_ found: ResolvedManifest, tag: String?) throws -> SigningJob.Image {
    guard let digest = MessageDigest(text: found.descriptor.digest.text) else {
      throw CommandFailure("cannot sign \(found.reference)", why: "its digest \(found.descriptor.digest.text) is of an unknown kind", code: Exit.no)
    }
    return SigningJob.Image(
      repository: found.home.name, mediaType: found.descriptor.mediaType, digest: digest, size: found.descriptor.size, tag: tag)
  }

  /// What a name on the command line is: a file that exists is a file, all else must be a reference.
  static func isFile(_ text: String) -> Bool { LocalFile.exists(text) }

  static func reference(_ text: String) throws -> ImageReference {
    do { return try ImageReference(text) } catch {
      throw CommandFailure.usage("cannot sign \(text)", why: "\(error.description); and there is no such file")
    }
  }

  func predicate(_ source: BatchItem.PredicateSource) throws -> Signing.Predicate {
    let bytes = try session.meter.measure(.hash) { try LocalFile.bytes(source.path, maxBytes: Self.maxPredicateBytes) }
    do throws(DocumentError) {
      switch source {
      case .sbom: return Signing.Predicate(type: try RecognisedPredicate.sbom(bytes).type.rawValue, bytes: bytes)
      case .provenance: return Signing.Predicate(type: try RecognisedPredicate.slsaProvenance(bytes).type.rawValue, bytes: bytes)
      case .file(_, let type): return Signing.Predicate(type: PredicateType.named(type)?.rawValue ?? type, bytes: bytes)
      }
    } catch { throw CommandFailure.usage("cannot use \(source.path)", why: error.description) }
  }

  /// The jobs of one item: one, or several for an index with `recursive`.
  func jobs(_ item: BatchItem) async throws -> [SigningJob] {
    switch item.kind {
    case .blob: return [SigningJob(artifact: try blob(item.artifact), claim: .signature(annotations: []), outputs: item.outputs)]
    case .image:
      return try await images(Self.reference(item.artifact), recursive: item.recursive).map {
        SigningJob(artifact: .image($0), claim: .signature(annotations: item.annotations), outputs: item.outputs)
      }
    case .attestation:
      guard let source = item.predicate else { return [] }
      let predicate = try predicate(source)
      let artifacts =
        Self.isFile(item.artifact)
        ? [try blob(item.artifact)] : try await images(Self.reference(item.artifact), recursive: false).map { .image($0) }
      return artifacts.map { SigningJob(artifact: $0, claim: .attestation(predicate), outputs: item.outputs) }
    }
  }
}

extension BatchItem {
  /// The documents to make: the formats asked for, or the usual one.
  var outputs: [SigningJob.Output] {
    var wanted = formats
    if wanted.isEmpty { wanted = kind == .blob && bundle == nil && signature != nil ? [.signature] : [.bundle] }
    if kind == .blob {
      if bundle != nil, !wanted.contains(.bundle) { wanted.append(.bundle) }
      if signature != nil, !wanted.contains(.signature) { wanted.append(.signature) }
    }
    return wanted.map { format in
      switch format {
      case .bundle: .init(format, path: bundle ?? attestationPath)
      case .signature: .init(format, path: signature)
      case .legacy, .notaryJWS, .notaryCOSE: .init(format)
      }
    }
  }

  /// A signature and an attestation of one file must not meet in one bundle file.
  private var attestationPath: String? {
    guard let predicate else { return nil }
    let word =
      switch predicate {
      case .sbom: "sbom"
      case .provenance: "provenance"
      case .file: "att"
      }
    return "\(artifact).\(word).sigstore.json"
  }

  /// Whether it needs a registry.
  var isAboutImage: Bool { kind == .image || kind == .attestation && !ArtifactReading.isFile(artifact) }
}
