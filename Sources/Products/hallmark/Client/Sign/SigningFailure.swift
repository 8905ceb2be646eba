import OCI
import Outbound
import Signing
import SigstoreFormats

/// Errors of signing as people read them: those that the console does not know by itself.
enum SigningFailure {
  static func explain(_ error: any Error, _ what: String) -> CommandFailure {
    switch error {
    case let error as OCIError: return .usage(what, why: error.description)
    case let error as BatchError: return .usage(what, why: error.description)
    case let error as DocumentError: return .usage(what, why: error.description)
    case let error as CertificateHomeError:
      return CommandFailure(what, why: error.description, code: Exit.usage)
    case let error as StandbyError: return CommandFailure(what, why: error.description, code: Exit.remote)
    default: return Console.explain(error, what)
    }
  }

  /// Runs a command's body, as `Console.run` does, with these errors explained.
  static func run(_ what: String, _ body: () async throws -> Void) async throws {
    try await Console.run(what) {
      do { try await body() } catch {
        switch error {
        case is OCIError, is BatchError, is DocumentError, is CertificateHomeError, is StandbyError: throw explain(error, what)
        default: throw error
        }
      }
    }
  }
}
