/// The 401 challenge: one header value, whose order, separators and quotes clients depend on.
///
/// Source: traffic recorded against the live service; the strictest parsers split on single spaces and on `=`.
package struct Challenge: Hashable, Sendable {
  /// The value of `WWW-Authenticate`.
  package let headerValue: String

  /// - Parameters:
  ///   - authority: scheme and authority of the login host, no path, no trailing slash.
  ///   - tenant: the only path segment.
  ///   - resource: scheme and authority of the parent domain of the HSM's host, with its port when it is not 443.
  package init(authority: String, tenant: String, resource: String) {
    headerValue = "Bearer authorization=\"\(authority)/\(tenant)\", resource=\"\(resource)\""
  }
}
