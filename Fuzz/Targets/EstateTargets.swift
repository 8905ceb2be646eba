import Encodings
import Estate

enum EstateTargets {
  /// Laws: what was read is written and read back alike; a snapshot does not differ from itself; rights can be asked of everybody in it.
  static func snapshot(_ bytes: UnsafeRawBufferPointer) {
    guard let snapshot = try? InventorySnapshot(json: Array(bytes)) else { return }
    let written = snapshot.json.serialized()
    let again: InventorySnapshot
    do { again = try InventorySnapshot(json: written) } catch { preconditionFailure("what was written is refused: \(error)") }
    precondition(again.json.serialized() == written)
    precondition(SnapshotDiff(from: snapshot, to: again).changes.isEmpty)
    let rights = EstateRights(snapshot)
    for principal in rights.principals.prefix(20) {
      let found = rights.rights(of: principal)
      precondition(EffectiveRight.gained(before: found, after: found).isEmpty)
    }
  }

  /// Laws: matching ends for whatever patterns were read; an entry that names an object id is found by it.
  static func register(_ bytes: UnsafeRawBufferPointer) {
    guard let register = try? IntentRegister(json: Array(bytes)) else { return }
    _ = register.isSigningKey(name: "fw-sign", tags: ["purpose": "release"], subject: "CN=a")
    for entry in register.identities.prefix(50) {
      if let subject = entry.match.subject {
        _ = FederatedSubject(issuer: entry.match.issuer ?? "https://token.actions.githubusercontent.com", subject: subject)
      }
      guard let objectId = entry.match.objectId else { continue }
      precondition(register.entries(for: IntentPrincipal(objectId: objectId)).contains { $0.name == entry.name })
    }
  }
}
