internal import Encodings
package import Estate
internal import KubernetesFormats

/// How one cluster's API server is reached. The token is read from its file each time, so that a renewed one is used.
package struct ClusterAddress: Sendable {
  package var name: String
  /// `https://host[:port]`.
  package var server: String
  package var tokenFile: String?

  package init(name: String, server: String, tokenFile: String? = nil) {
    self.name = name
    self.server = server
    self.tokenFile = tokenFile
  }
}

/// Reads what runs in one cluster: pods in pages of 500, and the ReplicaSets and Jobs between them and their workloads. Needs `list` on
/// pods, replicasets and jobs in all namespaces.
package struct ClusterReader: Sendable {
  static let pageSize = "500"
  static let maxPages = 2000

  let address: ClusterAddress
  let exchange: RetryingExchange

  /// - Parameter exchange: with a transport that trusts the cluster's CA, and holds the client certificate where there is one.
  package init(_ address: ClusterAddress, exchange: RetryingExchange) {
    self.address = address
    self.exchange = exchange
  }

  private enum Failure: Error {
    case outbound(OutboundError)
    case document(path: String, WorkloadListError)
    /// 410: the continue token is older than the server's memory.
    case expired
  }

  package func read() async -> EstateFragment {
    var result = EstateFragment()
    let place = "cluster \(address.name)"
    do throws(Failure) {
      var pods = try await self.pods()
      if !pods.owners.isEmpty {
        do throws(Failure) { pods.rename(try await parents(of: pods.owners)) } catch {
          result.gaps.append(EstateGap("\(place) owners of pods", .incomplete, why: Self.text(error)))
        }
      }
      let (artifacts, unpulled) = RunningArtifacts.artifacts(pods.images, cluster: address.name)
      result.artifacts = artifacts
      if unpulled > 0 { result.gaps.append(EstateGap(place, .incomplete, why: "\(unpulled) containers have no image id yet (still pulling)")) }
    } catch {
      var kind = EstateGap.Kind.failed
      if case .outbound(let cause) = error, cause.gapKind == .denied { kind = .denied }
      result.gaps.append(EstateGap(place, kind, why: Self.text(error)))
    }
    return result
  }

  private static func text(_ failure: Failure) -> String {
    switch failure {
    case .outbound(let error): error.description
    case .document(let path, let error): "\(path): \(error.description)"
    case .expired: "the list changed faster than it could be read"
    }
  }

  /// All pods. A list whose token expired is begun once more from the start: half of an old list is not a list.
  private func pods() async throws(Failure) -> PodList {
    do throws(Failure) { return try await allPods() } catch {
      guard case .expired = error else { throw error }
      return try await allPods()
    }
  }

  private func allPods() async throws(Failure) -> PodList {
    var result = PodList(images: [], next: nil, owners: [])
    try await pages("/api/v1/pods") { (bytes, path) throws(Failure) in
      let page: PodList
      do throws(WorkloadListError) { page = try PodList.parse(bytes) } catch { throw .document(path: path, error) }
      result.images += page.images
      result.owners.formUnion(page.owners)
      return page.next
    }
    return result
  }

  private func parents(of owners: Set<PodList.Owner>) async throws(Failure) -> [PodList.Owner: PodList.Owner] {
    var result: [PodList.Owner: PodList.Owner] = [:]
    for (kind, path) in [("ReplicaSet", "/apis/apps/v1/replicasets"), ("Job", "/apis/batch/v1/jobs")] where owners.contains(where: { $0.kind == kind }) {
      try await pages(path) { (bytes, path) throws(Failure) in
        let page: OwnerList
        do throws(WorkloadListError) { page = try OwnerList.parse(bytes, kind: kind) } catch { throw .document(path: path, error) }
        for (child, parent) in page.parents where owners.contains(child) { result[child] = parent }
        return page.next
      }
    }
    return result
  }

  private func pages(_ path: String, _ take: (_ bytes: [UInt8], _ path: String) throws(Failure) -> String?) async throws(Failure) {
    var token: String?
    var seen: Set<String> = []
    repeat {
      var query: [(name: String, value: String)] = [("limit", Self.pageSize)]
      if let token { query.append(("continue", token)) }
      token = try take(try await get(path, query), path)
      if let token, !seen.insert(token).inserted || seen.count > Self.maxPages {
        throw .outbound(.badAnswer(url: address.server + path, why: "its pages do not end"))
      }
    } while token != nil
  }

  private func get(_ path: String, _ query: [(name: String, value: String)]) async throws(Failure) -> [UInt8] {
    var request = OutboundRequest(
      "GET", "\(address.server)\(path)?\(URLText.form(query))", headers: [("accept", "application/json"), ("user-agent", "hallmark")],
      timeout: .seconds(60), maxReplyBytes: PodList.limits.maxBytes)
    do throws(OutboundError) {
      if let file = address.tokenFile {
        let token: AccessToken
        do throws(CredentialError) {
          token = try AccessToken(try BoundedFile.text(file, maxBytes: 64 << 10).filter { !$0.isWhitespace }, expires: nil)
        } catch { throw .credential(error) }
        request.headers.append(("authorization", token.headerValue))
      }
      let (reply, attempts) = try await exchange.send(request, replay: .harmless)
      if reply.status == 200 { return reply.body }
      throw .refused(Self.refusal(reply, request, attempts))
    } catch {
      if case .refused(let refusal) = error, refusal.status == 410 { throw .expired }
      throw .outbound(error)
    }
  }

  /// A Kubernetes `Status` object has `reason` and `message`.
  private static func refusal(_ reply: OutboundReply, _ request: OutboundRequest, _ attempts: [RequestAttempt]) -> RemoteRefusal {
    let body = try? JSONValue.parse(reply.body.prefix(64 << 10))
    return RemoteRefusal(
      method: request.method, url: request.place, status: reply.status, code: body?["reason"]?.string,
      message: body?["message"]?.string.map { String($0.prefix(500)) }, requestID: nil, attempts: attempts)
  }
}
