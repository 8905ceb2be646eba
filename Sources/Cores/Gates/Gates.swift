/// Gates: infrastructure changes and what is known of the estate in, findings out.
///
/// The one question: which rights, keys and protections does this change take or give, for whom, and may it? What cannot be known is the third
/// answer, never a pass.
///
/// Must never know: files, sockets, clocks (time is a parameter), how plans are read, how findings are printed on a terminal.
/// Allowed imports: Access, Estate, Plans, Encodings, Clocks.
