/// Watch: rules over audit, log, ledger and state streams; alerts out.
///
/// Synchronous: events go in, alerts come out, and the state between two runs is a value that can be stored.
///
/// Must never know: files, sockets, clocks (time is a parameter), where alerts are sent.
/// Allowed imports: Audit, Estate, DiagnosticLogs, Encodings, Clocks.
