/// HallmarkVerify: the verifier as a library for other programs. The only public API of the package.
///
/// A policy, an artifact and the signatures that were found go in; a decision comes out, with a reason for every signature that was looked at. Values only:
/// no file is read, no socket opened, no clock asked. The same code decides in `hallmark verify`.
///
/// Must never know: HTTP, files, private keys.
/// Allowed imports: Trust and the formats.

/// Why a policy cannot be used: where in it, and what was expected. It never holds the policy's text.
public struct PolicyError: Error, Sendable, Hashable, CustomStringConvertible {
  /// One sentence for people.
  public let description: String
}
