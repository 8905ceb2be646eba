/// An open connection to one service, with the credential that the settings amount to.
package struct ServiceConnection: Sendable {
  package let client: ManagedHSMClient
  private let transport: HTTPTransport

  /// - Parameters:
  ///   - store: address that a key URL named (`https://host[:port]`); it goes before the settings' own.
  ///   - wrap: put around the credential, for caches.
  /// - Throws: `OutboundError`, before anything was sent.
  package init(
    _ settings: ConnectionSettings, store: String? = nil, policy: RetryPolicy = RetryPolicy(),
    wrap: (any Credential, ServiceAddress) -> any Credential = { credential, _ in credential }
  ) throws(OutboundError) {
    let profile: AdministratorProfile?
    do throws(CredentialError) {
      profile = try settings.profilePath.map { path throws(CredentialError) in try AdministratorProfile(directory: path) }
    } catch { throw .credential(error) }
    guard let url = store ?? settings.url ?? settings.environment["HALLMARK_URL"] ?? profile?.url else {
      throw .credential(.notConfigured("nothing says which service to use; set HALLMARK_URL or use --url, --profile or a key URL"))
    }
    let address = try ServiceAddress(url)
    transport = try HTTPTransport(extraAuthorities: settings.ca ?? settings.environment["HALLMARK_CA"] ?? profile?.ca)
    let exchange = RetryingExchange(transport, policy: policy)
    do throws(CredentialError) {
      let credential = try CredentialChoice(settings: settings, profile: profile, address: address, exchange: exchange).credential()
      client = ManagedHSMClient(address: address, exchange: exchange, credential: wrap(credential, address))
    } catch { throw .credential(error) }
  }

  package func close() async { await transport.shutdown() }
}
