/// NotaryFormats: Notary Project signature envelopes (JWS and COSE), payload, trust policy and plugin messages, as values.
///
/// Must never know: HTTP, files, which certificates are trusted.
/// Allowed imports: Encodings, JOSE, swift-crypto, swift-certificates, swift-asn1.
