/// Issuance: certificates for keys that stay in an HSM: requests, self-signed and CA-issued leaves, renewal, and the profile they must keep.
///
/// Must never know: HTTP, files, private keys.
/// Allowed imports: Encodings, Clocks, Trust (public keys), swift-crypto, swift-certificates, swift-asn1.
