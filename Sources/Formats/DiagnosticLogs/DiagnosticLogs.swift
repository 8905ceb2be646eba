/// DiagnosticLogs: Azure diagnostic records, activity log events and Log Analytics rows as one normalised record.
///
/// Must never know: rules, stores, sockets, clocks.
/// Allowed imports: Encodings.
