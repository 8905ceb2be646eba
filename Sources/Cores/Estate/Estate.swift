/// Estate: facts in, answers about the estate out.
///
/// The inventory says what exists and who may use it, the intent register what was meant. The oldest question is `trace`: from an artifact's digest over signature, key version, audit record and role assignment to the workload
/// identity that asked. Facts are values that others gathered (over the wire, from files); the trace is a pure function of them,
/// can be computed again at any time, and says of every hop what could not be seen.
///
/// Must never know: how facts were fetched, files, sockets, clocks, private keys.
/// Allowed imports: Access (vocabulary), Trust, Clocks, SigstoreFormats, NotaryFormats, DiagnosticLogs, Encodings.
