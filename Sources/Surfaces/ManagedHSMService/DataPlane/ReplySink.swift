import Audit

/// The only way out for a reply. It takes a reply whose audit record is durable, or one of the few that need none.
struct ReplySink: Sendable {
  private let write: @Sendable (WireReply) -> Void

  init(_ write: @escaping @Sendable (WireReply) -> Void) { self.write = write }

  func send(_ audited: Audited<WireReply>) { write(audited.reply) }
  func send(_ open: OpenReply) { write(open.reply) }
}

/// A reply that tells nothing and changed nothing, so that no record stands behind it: the challenge to a caller without a token, probes, the
/// authority's public documents, and the 503 of a request that was not performed or could not be recorded.
struct OpenReply: Sendable {
  enum Reason: Sendable { case challenge, probe, publicDocument, notServed }

  fileprivate let reply: WireReply

  init(_ reply: WireReply, because reason: Reason) {
    _ = reason
    self.reply = reply
  }
}
