internal import Encodings
package import Issuance
internal import Signing

/// The certificate store of a Hallmark service: `/hallmark/v1/keys/{name}/{version}/certificates`.
package struct ServiceCertificates: Sendable {
  private let client: ManagedHSMClient

  package init(_ client: ManagedHSMClient) { self.client = client }

  enum Reading {
    case found([UInt8], location: String)
    case absent(location: String)
  }

  private func path(_ key: PinnedKey) -> String { "/hallmark/v1/keys/\(key.name)/\(key.version)/certificates" }

  func chain(for key: PinnedKey) async throws(CertificateHomeError) -> Reading {
    let location = client.address.url + path(key)
    do {
      let answer = try await client.call("GET", path(key), maxReplyBytes: CertificateChain.maxTextBytes)
      guard let pem = answer.body["pem"]?.string else { throw OutboundError.badAnswer(url: location, why: "no pem in it") }
      return .found(Array(pem.utf8), location: location)
    } catch OutboundError.refused(let refusal) where refusal.status == 404 || refusal.status == 403 {
      return .absent(location: refusal.status == 403 ? "\(location), which this identity may not read" : location)
    } catch let error as OutboundError { throw .remote(error) } catch { throw .remote(.badAnswer(url: location, why: "\(error)")) }
  }

  func keep(_ chain: CertificateChain, for key: PinnedKey) async throws(CertificateHomeError) -> String {
    do { _ = try await client.call("PUT", path(key), body: ["pem": .string(chain.pem)]) } catch { throw .remote(error) }
    return client.address.url + path(key)
  }

  func remove(_ key: PinnedKey) async throws(CertificateHomeError) -> Bool {
    do { _ = try await client.call("DELETE", path(key)) } catch {
      if case .refused(let refusal) = error, refusal.status == 404 { return false }
      throw .remote(error)
    }
    return true
  }

  /// A chain the service holds, and the key version it is for.
  package struct Entry: Sendable, Hashable {
    package let name: String
    package let version: String
    package let kid: String
    package let chain: Result<CertificateChain, IssuanceError>
  }

  /// Every chain of every key.
  package func entries() async throws(CertificateHomeError) -> [Entry] {
    do {
      let rows = try await client.list("/hallmark/v1/certificates")
      return rows.compactMap { row in
        guard let name = row["name"]?.string, let version = row["version"]?.string, let kid = row["kid"]?.string, let pem = row["pem"]?.string
        else { return nil }
        return Entry(
          name: name, version: version, kid: kid, chain: Result { () throws(IssuanceError) in try CertificateChain(bytes: Array(pem.utf8)) })
      }
    } catch { throw .remote(error) }
  }
}
