/// What a registry may be shown. Descriptions never show the secret.
package enum RegistryCredential: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  case anonymous
  case password(username: String, password: String)
  /// A refresh token of the registry's token server (`identitytoken` of Docker's configuration).
  case identityToken(String)
  /// A bearer token of the registry itself (`registrytoken`).
  case registryToken(String)

  package var description: String {
    switch self {
    case .anonymous: "(anonymous)"
    case .password: "(user name and password)"
    case .identityToken: "(identity token)"
    case .registryToken: "(registry token)"
    }
  }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// Finds the credentials for one registry. Implementers may ask files, programs and servers; callers keep the answer.
package protocol RegistryCredentialSource: Sendable {
  /// - Parameter registry: as in `ImageRepository.registry`.
  /// - Returns: nil when this source knows nothing about the registry.
  /// - Throws: `.credential` when it should know and cannot say.
  func credential(for registry: String) async throws(RegistryError) -> RegistryCredential?
}
