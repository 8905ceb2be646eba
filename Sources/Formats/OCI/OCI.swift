/// OCI: references, descriptors, manifests, indexes and referrers of the OCI image and distribution specifications 1.1, as values.
///
/// Must never know: HTTP, credentials, what a signature means.
/// Allowed imports: Encodings, swift-crypto (digests).
