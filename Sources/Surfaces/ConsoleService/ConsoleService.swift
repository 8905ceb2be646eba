/// ConsoleService: the guard's HTTP listener: the admission webhook for Kubernetes, health and metrics.
///
/// Must never know: private keys, the store's tables, how evidence is fetched (a port).
/// Allowed imports: Estate, Trust, OCI, KubernetesFormats, Encodings, Clocks, Telemetry, Hummingbird.
