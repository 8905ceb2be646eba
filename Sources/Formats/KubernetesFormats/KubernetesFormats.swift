/// KubernetesFormats: pods and workloads, their image references, and the admission review, as values.
///
/// Must never know: registries, trust, sockets.
/// Allowed imports: Encodings.
