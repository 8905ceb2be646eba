import Clocks
import Encodings
import Foundation
import Outbound
import Signing
import SigstoreFormats
import Trust
import Yams

/// What the verifying commands share: where trust comes from and where signatures come from.
enum Verification {
  static let verifier: any SignatureVerifier = CryptoSignatureVerifier(fallback: P256KVerification.verifier)

  /// Reads `--key`: a PEM file, a trust file, a key URL or a key name.
  static func policy(_ text: String, connection: ConnectionOptions, hint: [UInt8]?) async throws -> TrustPolicy {
    if isFile(text) {
      let bytes = try LocalFile.bytes(text, maxBytes: 4 << 20)
      if String(decoding: bytes, as: UTF8.self).contains("-----BEGIN ") {
        if isTrustFile(bytes) { return try trustFile(bytes) }
        return TrustPolicy(key: try PublicKey(pem: bytes), name: text)
      }
      return try trustFile(bytes)
    }
    let reference: KeyReference
    do { reference = try KeyReference(parsing: text) } catch {
      throw CommandFailure.usage("cannot use --key \(text)", why: "it is no file, no key name and no key URL")
    }
    return try await connection.connect(to: reference.store) { try await policy(reference, $0.client, hint: hint) }
  }

  static func isFile(_ text: String) -> Bool { !text.contains("://") && LocalFile.exists(text) }

  private static func isTrustFile(_ bytes: [UInt8]) -> Bool {
    String(decoding: bytes.prefix(4096), as: UTF8.self).contains(TrustPolicy.schema)
  }

  static func trustFile(_ bytes: [UInt8]) throws -> TrustPolicy { try TrustPolicy.parse(YAMLTree.parse(bytes)) }

  /// Trusts one version, or every version of a key; a version that is disabled in the HSM counts as revoked.
  private static func policy(_ reference: KeyReference, _ client: ManagedHSMClient, hint: [UInt8]?) async throws -> TrustPolicy {
    let service = RemoteSigning(client: client, ledger: nil)
    let newest = try await service.pin(reference)
    if reference.version != nil || newest.publicKey.fingerprint == hint { return policy([newest]) }
    var keys = [newest]
    let items = try await client.list("/keys/\(reference.name)/versions")
    for item in items.prefix(200) {
      guard let version = item["kid"]?.string?.split(separator: "/").last.map(String.init), version != newest.version,
        KeyReference.isVersion(version)
      else { continue }
      let key = try await service.pin(KeyReference(store: nil, name: reference.name, version: version))
      keys.append(key)
      if key.publicKey.fingerprint == hint { break }
    }
    return policy(keys)
  }

  private static func policy(_ keys: [PinnedKey]) -> TrustPolicy {
    TrustPolicy(
      keys: keys.map { .init(name: $0.name, key: $0.publicKey, version: $0.version) },
      revocations: keys.filter { !$0.enabled }.map {
        .init(key: $0.name, version: $0.version, fingerprint: $0.publicKey.fingerprint, at: 0, reason: "disabled in the HSM")
      })
  }

  /// Reads a bundle or a plain signature.
  static func bundle(_ path: String) throws -> SignatureEvidence {
    let bytes = try LocalFile.bytes(path, maxBytes: SigstoreBundle.limits.maxBytes)
    do { return SignatureEvidence(source: path, content: .bundle(try SigstoreBundle.parse(bytes))) } catch {
      throw CommandFailure.usage("cannot use \(path)", why: "not a usable Sigstore bundle: \(error.description)")
    }
  }

  /// A plain signature: binary, or base64 text as cosign writes it.
  static func detached(_ path: String) throws -> SignatureEvidence {
    let bytes = try LocalFile.bytes(path, maxBytes: 64 << 10)
    let text = String(validating: bytes, as: UTF8.self)?.filter { !$0.isWhitespace }
    let decoded = text.flatMap { $0.isEmpty ? nil : try? Base64.decode($0) }
    guard !bytes.isEmpty else { throw CommandFailure.usage("cannot use \(path)", why: "it is empty") }
    return SignatureEvidence(source: path, content: .detached(decoded ?? bytes))
  }

  /// The hashes that deciding by these keys can need.
  static func hashes(_ policy: TrustPolicy, _ evidence: [SignatureEvidence]) -> Set<HashAlgorithm> {
    var result: Set<HashAlgorithm> = []
    for key in policy.keys {
      guard let kind = key.key?.kind else { continue }
      result.formUnion(SignatureScheme.all(for: kind).map(\.hash))
    }
    for item in evidence {
      switch item.content {
      case .bundle(let bundle):
        // The subjects of a statement may carry digests of any kind.
        guard case .message(let message) = bundle.content else { return Set(HashAlgorithm.allCases) }
        if let claim = message.digest { result.insert(claim.algorithm) }
      case .batch(let proof): result.insert(proof.leaf.digest.algorithm)
      case .envelope: return Set(HashAlgorithm.allCases)
      case .detached, .simpleSigning, .notary, .unreadable, .unavailable: break
      }
    }
    return result.isEmpty ? [.sha256] : result
  }

  static func hint(_ evidence: SignatureEvidence) -> [UInt8]? {
    guard case .bundle(let bundle) = evidence.content else { return nil }
    return bundle.keyFingerprint
  }
}

/// YAML (or JSON) as a tree of texts: every scalar is a string, which is what the strict readers want.
enum YAMLTree {
  static let maxNodes = 100_000

  static func parse(_ bytes: [UInt8]) throws -> JSONValue {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw CommandFailure.usage("cannot read the file", why: "it is not UTF-8")
    }
    let root: Node?
    do { root = try Yams.compose(yaml: text) } catch {
      throw CommandFailure.usage("cannot read the file", why: "it is no YAML: \(Console.plain(why(error)))")
    }
    guard let root else { throw CommandFailure.usage("cannot read the file", why: "it is empty") }
    var budget = maxNodes
    return try tree(root, depth: 0, budget: &budget)
  }

  /// Where and what, without the text around it: that may be long, or a secret.
  private static func why(_ error: any Error) -> String {
    switch error as? YamlError {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
      "line \(mark.line), column \(mark.column): \(problem)"
    case .duplicatedKeysInMapping: "a key stands twice"
    default: String(String(describing: error).prefix(200))
    }
  }

  /// Tags that say what a plain scalar or collection is anyway. Others ask a reader to build something.
  private static let plainTags = Set(["bool", "float", "int", "map", "null", "seq", "str", "timestamp"].map { "tag:yaml.org,2002:\($0)" } + ["", "!"])

  private static func tree(_ node: Node, depth: Int, budget: inout Int) throws -> JSONValue {
    budget -= 1
    guard budget > 0, depth < 32 else { throw CommandFailure.usage("cannot read the file", why: "it is too large or too deep") }
    // As written: resolving what a plain scalar looks like costs much, and nobody here asks.
    let tag =
      switch node {
      case .scalar(let scalar): scalar.tag
      case .sequence(let sequence): sequence.tag
      case .mapping(let mapping): mapping.tag
      default: Tag.implicit
      }
    guard plainTags.contains(tag.description) else {
      throw CommandFailure.usage("cannot read the file", why: "tags that build something are not allowed in it")
    }
    switch node {
    case .scalar(let scalar): return .string(scalar.string)
    case .sequence(let sequence): return .array(try sequence.map { try tree($0, depth: depth + 1, budget: &budget) })
    case .mapping(let mapping):
      var object = JSONObject()
      for (name, value) in mapping {
        guard let name = name.string, object[name] == nil else {
          throw CommandFailure.usage("cannot read the file", why: "a key is no text, or stands twice")
        }
        object[name] = try tree(value, depth: depth + 1, budget: &budget)
      }
      return .object(object)
    default: throw CommandFailure.usage("cannot read the file", why: "aliases are not allowed in it")
    }
  }
}
