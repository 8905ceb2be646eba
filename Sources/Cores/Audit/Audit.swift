/// Audit: the record behind every reply.
///
/// A reply leaves only inside an `Audited<Reply>`, and only `AuditTrail` makes one, after the record of the request is durable.
/// A refusal is recorded like a success. The record is JSON in exactly the shape of docs/formats (schema
/// `hallmark.audit/v1`), one line each; its line is the leaf of a Merkle log (`Ledger`), so that removing or changing
/// one is found. Reading the trail: `AuditQuery`; exporting it in Azure's shape: `AzureAuditEvent`.
///
/// This target must never know how requests arrive, where records are stored, or any secret: entries carry names,
/// ids, digests and decisions, never payloads, tokens or key bytes.
///
/// Allowed imports: Ledger, Merkle, Encodings, Clocks.
