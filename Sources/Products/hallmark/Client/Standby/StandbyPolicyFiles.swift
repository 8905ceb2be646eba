import Encodings
import Foundation
import Issuance
import NotaryFormats
import Signing
import Trust

/// The files by which verifiers accept either key: ours, and notation's with its trust stores.
struct StandbyPolicyFiles {
  struct Root {
    var role: StandbyRole
    /// PEM, one or several certificates, none of them an end-entity's.
    var pem: String
  }

  var name: String
  var keys: [(role: StandbyRole, key: PublicKey, version: String?)]
  var roots: [Root]
  var storeKind: NotationTrustPolicy.TrustStore.Kind
  /// `host/repository`; empty: everything.
  var scopes: [String]
  var identities: [NotationTrustPolicy.Identity]

  func storeName(_ role: StandbyRole) -> String { "\(name)-\(role.rawValue)" }

  /// `hallmark-trust.yaml`.
  var trustPolicy: [UInt8] {
    var lines = ["# Either HSM's key is enough. Written by hallmark standby policy.", "schema: \(TrustPolicy.schema)", "keys:"]
    for (role, key, version) in keys {
      lines.append("  - name: \(storeName(role))")
      if let version { lines.append("    version: \"\(version)\"") }
      lines += block("pem", key.pem, indent: 4)
    }
    if !roots.isEmpty { lines.append("roots:") }
    for root in roots {
      lines.append("  - name: \(storeName(root.role))-root")
      lines.append("    type: \(storeKind == .signingAuthority ? "signingAuthority" : "ca")")
      lines.append("    identities: [\(identities.map { quoted($0.description) }.joined(separator: ", "))]")
      lines += block("pem", root.pem, indent: 4)
    }
    lines += [
      "rules:", "  - name: \(name)", "    scope:", "      repositories: [\((scopes.isEmpty ? ["*"] : scopes).map(quoted).joined(separator: ", "))]",
      "      blobs: true", "    require:", "      any:",
    ]
    for entry in keys { lines.append("        - key: \(storeName(entry.role))") }
    for root in roots { lines.append("        - root: \(storeName(root.role))-root") }
    return Array((lines.joined(separator: "\n") + "\n").utf8)
  }

  /// notation's `trustpolicy.json`: one statement, two stores.
  var notationPolicy: NotationTrustPolicy {
    NotationTrustPolicy(statements: [
      .init(
        name: name, registryScopes: scopes.isEmpty ? ["*"] : scopes, verification: .init(level: .strict, override: [.revocation: .log]),
        trustStores: roots.map { .init(kind: storeKind, name: storeName($0.role)) }, trustedIdentities: identities)
    ])
  }

  /// Below notation's configuration folder.
  func storePath(_ role: StandbyRole) -> String { "truststore/x509/\(storeKind.rawValue)/\(storeName(role))/root.pem" }

  /// The order that breaks no verifier: a store that is named and absent fails every image.
  static func rollOut(hasRoots: Bool) -> [String] {
    var steps = ["Create the standby's key and keep signing with the primary; no verifier knows of the standby yet."]
    if hasRoots {
      steps += [
        "Put the standby's root on EVERY notation verifier: copy the truststore folder, leave trustpolicy.json as it is.",
        "On every verifier check that both stores are there: hallmark standby check --notation DIR. A store that the policy names and that is absent or holds one unreadable file fails ALL images.",
        "Only then name the standby's store: install trustpolicy.json.",
      ]
    }
    steps += [
      "Install hallmark-trust.yaml on every hallmark verifier (it names both keys; neither has to exist elsewhere).",
      "Add the standby's public key to every cosign policy, as an alternative to the primary's.",
      "Sign one image with the standby alone and verify it on every verifier: hallmark sign image --key STANDBY …",
      "Only then let the standby sign: sign --dual for what must survive the loss of either HSM, sign --fallback for the rest.",
      "When a key is given up, go backwards: stop signing with it, re-sign, remove it from the policies, and its root from the stores last.",
    ]
    return steps.enumerated().map { "\($0.offset + 1). \($0.element)" }
  }

  private func block(_ name: String, _ text: String, indent: Int) -> [String] {
    let pad = String(repeating: " ", count: indent)
    return ["\(pad)\(name): |"] + text.split(separator: "\n").map { "\(pad)  \($0)" }
  }

  private func quoted(_ text: String) -> String {
    "\"\(text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
  }
}

/// Whether notation, with this configuration folder, would find what its policy names.
struct NotationStores {
  struct Finding {
    var store: String
    var certificates: Int
    /// Nil: usable.
    var problem: String?
  }

  let folder: String

  func check() throws -> [Finding] {
    let path = "\(folder)/trustpolicy.json"
    let policy: NotationTrustPolicy
    do {
      policy = try NotationTrustPolicy.parse(try LocalFile.bytes(path, maxBytes: NotationTrustPolicy.limits.maxBytes))
    } catch let error as NotaryError { throw CommandFailure("cannot use \(path)", why: error.description, code: Exit.no) }
    var seen: Set<NotationTrustPolicy.TrustStore> = []
    return policy.statements.flatMap(\.trustStores).filter { seen.insert($0).inserted }.map(finding)
  }

  private func finding(_ store: NotationTrustPolicy.TrustStore) -> Finding {
    let directory = "\(folder)/truststore/x509/\(store.kind.rawValue)/\(store.name)"
    var result = Finding(store: store.description, certificates: 0)
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: directory), !names.isEmpty else {
      result.problem = "there is no certificate in \(directory): every image that this statement covers fails"
      return result
    }
    for name in names.sorted() {
      let path = "\(directory)/\(name)"
      let attributes = try? FileManager.default.attributesOfItem(atPath: path)
      guard attributes?[.type] as? FileAttributeType == .typeRegular else {
        result.problem = "\(path) is no plain file: notation refuses the whole store"
        return result
      }
      do { result.certificates += try StandbyRoots.certificates(try LocalFile.bytes(path, maxBytes: 1 << 20)) } catch let failure as CommandFailure {
        result.problem = "\(path): \(failure.why)"
        return result
      } catch {
        result.problem = "\(path): \(error)"
        return result
      }
    }
    return result
  }
}

/// Certificates for a trust store: CAs only, because one end-entity certificate makes every verification with its store fail.
enum StandbyRoots {
  /// How many there are.
  static func certificates(_ bytes: [UInt8]) throws -> Int {
    let der: [[UInt8]]
    if bytes.first == 0x30 {
      der = [bytes]
    } else {
      guard let blocks = try? PEM.parse(bytes, maxBytes: 1 << 20, maxBlocks: 64), !blocks.isEmpty, blocks.allSatisfy({ $0.label == "CERTIFICATE" }) else {
        throw CommandFailure.usage("cannot use the root", why: "it is not PEM with nothing but certificates")
      }
      der = blocks.map(\.bytes)
    }
    for bytes in der {
      guard CertificateKind.isAuthority(bytes) else {
        throw CommandFailure.usage("cannot use the root", why: "a certificate in it is no CA certificate: trust stores hold roots or intermediates, never a signer's own")
      }
    }
    return der.count
  }
}
