/// The Managed HSM data plane over HTTP, the token authority, and the small ARM and Graph answers clients need.
///
/// One thin listener on SwiftNIO (`Listener/`): TLS, HTTP/1.1 and HTTP/2 through NIO's codecs, one handler for both, and beneath it
/// one request → reply function (`Responder`) that knows nothing of channels.
///
/// A key command passes four hands, and each hand-over is a type only that hand can make:
///
///     bytes ─ManagedHSMWire→ Route ─TokenValidator→ Authenticated ─AccessControl→ Authorized
///           ─Keyring+engine→ reply ─AuditTrail, durable→ Audited<Reply> → bytes
///
/// The data plane answers only with `Reply.audited`, which takes an `Audited<WireReply>`; the other cases are the challenge, the probes and the
/// authority's public documents, which tell nothing and change nothing.
///
/// What it must never know: how a key is stored, which library signs, which database keeps the rows. It may import Cores, Formats, Ground, and the
/// adapters `Outbound` (issuer keys) and `Telemetry`.
