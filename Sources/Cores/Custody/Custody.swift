/// Custody: keys, their versions, attributes and lifecycles, and who may do what with them when.
///
/// The heart is `Keyring`: synchronous, without I/O of its own. It talks to two ports that it declares itself:
/// `KeyEngine` (makes and uses private keys; `SoftwareEngine` is one) and `KeyStore` (durable rows). Every operation
/// demands a `Permit`, the proof made only by Access, and every refusal is one specific `CustodyError`. `CertificateShelf` keeps the
/// certificate chains of key versions under the same rights and MACs; it never reads a certificate (`ChainRules` does).
///
/// What this target promises:
/// - A stored row carries a MAC under a subkey of the partition key, bound to the HSM, the table and the row's identity.
///   A row changed, moved or swapped behind our back is refused as `.rowTampered` (docs/threat-model.md says what a
///   row MAC cannot see: a row put back to an older state of itself, together with its key row).
/// - A sealed key opens only for the HSM, name, version, type, exportability and creation time it was sealed for.
/// - An update, a deletion or a new version is visible to every later operation before its own reply leaves.
///
/// What it must never know: hosts, HTTP, JSON, tokens, audit, databases, and the bytes of any generated private key.
/// Allowed imports: Access (vocabulary), JOSE, Encodings, Secrets, Clocks, swift-crypto, swift-collections.
