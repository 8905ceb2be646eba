internal import Clocks
internal import Encodings
package import Trust

extension IntentRegister {
  /// The register's revocations as a trust policy has them: by the fingerprints of the key versions they name.
  ///
  /// - Parameter keys: of the inventory; a version that is not among them cannot be told from a signature and is left out.
  package func trustRevocations(keys: [InventorySnapshot.Key]) -> [TrustPolicy.Revocation] {
    revocations.flatMap { revocation in
      keys.filter { key in
        key.store == revocation.store && key.name == revocation.key && (revocation.version == nil || key.version == revocation.version)
      }.compactMap { key in
        guard let text = key.spkiSha256, let fingerprint = try? Hex.decode(text.utf8) else { return nil }
        return TrustPolicy.Revocation(
          key: nil, version: nil, fingerprint: fingerprint, at: revocation.at.seconds, reason: revocation.reason ?? "revoked in the intent register",
          compromised: revocation.reason == "compromised")
      }
    }
  }
}
