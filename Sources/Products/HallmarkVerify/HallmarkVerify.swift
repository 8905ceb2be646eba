/// HallmarkVerify: the verifier as a library for other programs. The only public API of the package.
///
/// Must never know: HTTP, files, private keys.
/// Allowed imports: Trust and the formats.
