import Clocks
import Issuance
import NotaryFormats
import Outbound

/// One request and its answer.
struct PluginSession: Sendable {
  let face: Face
  let environment: [String: String]
  var clock: TimeSource = .system

  /// - Returns: one JSON document.
  func answer(_ request: NotaryPlugin.Request) async throws(NotaryPlugin.Failure) -> [UInt8] {
    switch request {
    case .metadata: return face.metadata.serialized()
    case .describeKey(let keyID, let configuration):
      return try await withKey(keyID, configuration) { session in
        NotaryPlugin.describedKey(keyID, spec: try await session.key().spec)
      }
    case .generateSignature(let wanted):
      return try await withKey(wanted.keyID, wanted.configuration) { session in
        let key = try await session.key()
        guard key.spec == wanted.keySpec else {
          throw NotaryPlugin.Failure(
            .validation, "key \(wanted.keyID) is \(key.spec.rawValue) now, not \(wanted.keySpec.rawValue): it was rotated to another kind; sign again, or name a version")
        }
        let made = try await session.sign(wanted.payload, key)
        return NotaryPlugin.signature(wanted.keyID, signature: made.signature, spec: key.spec, chain: made.chain.der)
      }
    case .generateEnvelope(let wanted):
      return try await withKey(wanted.keyID, wanted.configuration) { session in
        let sealed = try await AuthorityEnvelope(wanted, session: session, face: face, clock: clock).sealed()
        return NotaryPlugin.envelope(sealed.bytes, format: wanted.format, annotations: sealed.annotations)
      }
    case .verifySignature(let question):
      let settings = try PluginSettings(question.configuration, environment: environment)
      return IdentityCheck(question, settings: settings).verification().serialized()
    }
  }

  private func withKey(
    _ keyID: String, _ configuration: NotaryPlugin.Configuration, _ body: (KeySession) async throws -> [UInt8]
  ) async throws(NotaryPlugin.Failure) -> [UInt8] {
    let settings = try PluginSettings(configuration, environment: environment)
    do {
      let session = try KeySession(keyID: keyID, settings: settings, clock: clock)
      do {
        let answer = try await body(session)
        await session.close()
        return answer
      } catch {
        await session.close()
        throw error
      }
    } catch { throw FailureMapping.failure(error, keyID: keyID) }
  }
}
