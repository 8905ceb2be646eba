import Clocks
import Encodings
import Estate

@testable import SQLiteStore

/// A small estate: one HSM with two key versions, a build identity, its grant, an image with its parts, a place.
enum EstateFixture {
  static let build = "5f0c0000-0000-4000-8000-000000000001"
  static let grantID = "6a3c4a0e-8a67-4b9c-9d4d-2a4b6f0c1d11"
  static let role = "21dbd100-6940-42c2-9190-5d6cb909625b"
  static let spki = String(repeating: "1a", count: 32)
  static let other = String(repeating: "2b", count: 32)
  static let index = "sha256:" + String(repeating: "a", count: 64)
  static let manifest = "sha256:" + String(repeating: "b", count: 64)

  static func time(_ hour: Int64) -> Instant { Instant(seconds: 1_790_000_000 + hour * 3600) }

  static func key(_ name: String = "fw-sign", version: String = "v1", spki: String? = spki, store: String = "nw-hsm") -> InventorySnapshot.Key {
    .init(store: store, name: name, version: version, kid: "https://\(store).managedhsm.azure.net/keys/\(name)/\(version)", kty: "EC-HSM", enabled: true, spkiSha256: spki)
  }

  static func snapshot(at hour: Int64 = 0, visibility: InventorySnapshot.Visibility = .full, _ change: (inout InventorySnapshot) -> Void = { _ in }) -> InventorySnapshot {
    var snapshot = InventorySnapshot(
      takenAt: time(hour), stores: [.init(id: "nw-hsm", kind: .managedHsm, rbacMode: .local, visibility: visibility)],
      keys: [key(), key("fw-sign", version: "v2", spki: other)],
      roles: [.init(store: "nw-hsm", id: role, name: "signer", custom: true, dataActions: ["Microsoft.KeyVault/managedHsm/keys/sign/action"])],
      grants: [.init(id: grantID, store: "nw-hsm", principal: build, via: .localRbac, scope: "/keys/fw-sign", role: role, capabilities: [.sign])],
      identities: [.init(objectId: build, clientId: "7c1d0000-0000-4000-8000-000000000001", kind: .userAssigned, name: "id-build-eu", federated: [])],
      artifacts: [
        .init(digest: index, names: ["registry.example/app"], closure: [manifest], signatures: [signature()], running: []),
        .init(digest: manifest, signatures: [], running: [.init(cluster: "prod", namespace: "shop", workload: "deployment/web", since: time(0))]),
      ])
    change(&snapshot)
    return snapshot
  }

  static func signature(_ request: String? = "r-1", spki: String? = spki, verified: Bool? = true, at hour: Int64 = 0) -> InventorySnapshot.Signature {
    .init(format: .sigstore, spkiSha256: spki, requestId: request, time: time(hour), verified: verified)
  }

  static func record(
    _ request: String? = "r-1", principal: String? = build, version: String? = "v1", digest: String? = nil, assignment: String? = grantID, operation: String = "sign",
    allowed: Bool = true, status: Int? = 200, at hour: Int64 = 0, sequence: Int64? = nil, claims: [OperationRecord.Claim] = []
  ) -> OperationRecord {
    OperationRecord(
      sequence: sequence, time: time(hour).seconds, requestID: request, objectID: principal, claims: claims, operation: operation, store: "nw-hsm", key: "fw-sign",
      version: version, algorithm: "ES256", digest: digest, allowed: allowed, assignment: assignment, status: status)
  }

  static func filled(_ change: (inout InventorySnapshot) -> Void = { _ in }, records: [OperationRecord] = [record()]) throws -> EstateStore {
    let store = try EstateStore()
    _ = try store.add(snapshot(change))
    _ = try store.add(records)
    return store
  }
}

extension JSONValue {
  func texts(_ name: String) -> [String] { self[name]?.array?.compactMap(\.string) ?? [] }
}
