/// Access: who may do what to which key, who is asking, and why the answer is what it is.
///
/// Three parts, one purpose each:
///
/// - **Roles** — role definitions, role assignments and their history, and `AccessControl`, the one place that answers
///   "may this principal do this here". Every answer carries its reason, and a yes is a `Permit`, which only this target can make.
/// - **Directory** — people, applications, groups and trusted issuers of the embedded tenant. There are no passwords
///   and no client secrets in it, because there is no field for them.
/// - **Tokens** — `TokenAuthority` turns proofs (a federated assertion, a signed assertion, a confirmed device, a refresh token) into
///   access tokens; `TokenValidator` turns a bearer token into an `Authenticated` request.
///
/// Everything here is synchronous, takes time and entropy as parameters and does no network I/O. Where keys of a foreign issuer
/// are missing, the answer says so and the surface fetches them.
///
/// Two hand-overs of the architecture are made only here: `Authenticated<Request>` (by a validated token) and
/// `Authorized<Request>` (by a role assignment). Their initialisers are not visible outside, so code that skips a check does not compile.
///
/// The store is trusted for durability, not for truth: each row carries a MAC bound to the HSM and the row's identity, and a manifest
/// over all rows catches one that was removed or brought back. A changed row stops the load, by name.
///
/// This target must never know: HTTP, paths and status codes, keys and their material, how records are audited.
/// Allowed imports: Encodings, Clocks, JOSE, Secrets, Collections, Synchronization.
