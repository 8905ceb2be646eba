internal import SigstoreFormats

/// Public keys and a shell script around cosign: cosign itself has no policy file.
struct CosignExport {
  let policy: TrustPolicy
  let now: Int64

  func write(_ export: inout TrustExport) {
    var used: Set<TrustPolicy.Key> = []
    var cases: [String] = []
    let rules = policy.effectiveRules.filter { !$0.repositories.isEmpty }
    let patterns = rules.flatMap { rule in rule.repositories.map { (rule: rule, pattern: $0) } }
    for (rule, pattern) in patterns.sorted(by: { $0.pattern.specificity > $1.pattern.specificity }) {
      cases.append("  \(quoted(pattern))) # rule \(TrustPolicy.Key.plain(rule.name))")
      cases.append("    level=\(rule.level.rawValue)")
      cases.append("    \(condition(rule, &export, &used)) && exit 0 ;;")
    }
    for key in used.sorted(by: { $0.fileName < $1.fileName }) {
      export.files.append(.init(path: "keys/\(key.fileName).pub", text: key.key?.pem ?? ""))
    }
    export.files.append(.init(path: "verify-image.sh", text: script(cases), isExecutable: true))
    export.note(.attention, "cosign has no policy file: verify-image.sh is the policy, and `cosign verify` alone is weaker because it takes an attestation for a signature")
    if policy.effectiveRules.contains(where: \.blobs) { export.note(.missing, "rules for blobs: use cosign verify-blob with one of the keys") }
  }

  private func condition(_ rule: TrustPolicy.Rule, _ export: inout TrustExport, _ used: inout Set<TrustPolicy.Key>) -> String {
    func missing(_ why: String) -> String {
      export.note(.missing, "rule \"\(rule.name)\": \(why); the script refuses its images")
      return "false"
    }
    guard rule.promotion == nil else { return missing("it demands a promotion, which cosign does not know") }
    var parts: [String] = []
    func add(_ requirement: TrustPolicy.Requirement, _ channel: TrustPolicy.Channel, _ check: (TrustPolicy.Key) -> String) -> Bool {
      let reader = ExportClauses(policy: policy, channel: channel, now: now) { $0.key.map { $0.key?.kind != .ec(.p256K) } ?? false }
      guard let clauses = reader.clauses(of: requirement) else { return false }
      for clause in clauses {
        used.formUnion(clause.compactMap(\.key))
        parts.append("{ " + clause.compactMap(\.key).map(check).joined(separator: " || ") + "; }")
      }
      return true
    }
    guard add(rule.requirement, rule.channel, { key in "signed \(key.fileName) \(hash(key)) \(types(rule))" }) else {
      return missing("\(rule.requirement.text) cannot be said with keys alone")
    }
    for demand in rule.attestations {
      let isKnown = add(demand.signers ?? rule.requirement, demand.channel ?? rule.channel) {
        "attested \($0.fileName) \(hash($0)) \(shellQuoted(demand.predicateType))"
      }
      guard isKnown else { return missing("the attestation \(demand.predicateType) is demanded of signers who are no keys") }
    }
    return parts.joined(separator: " && ")
  }

  private func types(_ rule: TrustPolicy.Rule) -> String {
    rule.predicateTypes.filter { $0 != MerkleBatch.predicateType }.map(shellQuoted).joined(separator: " ")
  }

  /// cosign loads every key with SHA-256 unless told otherwise.
  private func hash(_ key: TrustPolicy.Key) -> String {
    key.key.map { SignatureScheme.preferred(for: $0.kind).hash.rawValue } ?? "sha256"
  }

  private func quoted(_ pattern: RepositoryPattern) -> String {
    switch pattern.form {
    case .exact(let text): shellQuoted(text)
    case .prefix(let text): "\(shellQuoted(text))*"
    case .everything: "*"
    }
  }

  private func shellQuoted(_ text: String) -> String { "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'" }

  private func script(_ cases: [String]) -> String {
    """
    #!/bin/sh
    # \(TrustExport.banner)
    # Usage: verify-image.sh REGISTRY/REPOSITORY@sha256:DIGEST [cosign options]. Exit code 0: accepted.
    set -u
    keys="$(dirname "$0")/keys"
    image="${1:?an image with its digest is missing}"
    shift
    case "$image" in
      *@sha256:*) ;;
      *) echo "name the image by its digest: $image" >&2; exit 2 ;;
    esac
    repository="${image%@*}"
    name="${repository##*/}"
    case "$name" in *:*) repository="${repository%:*}" ;; esac
    options="$*"

    # attested KEY HASH TYPE: a statement of this type by this key. The type is checked, which `cosign verify` does not do.
    attested() {
      cosign verify-attestation --key "$keys/$1.pub" --signature-digest-algorithm "$2" --type "$3" --insecure-ignore-tlog=true $options "$image" >/dev/null 2>&1
    }
    # signed KEY HASH TYPE...: a statement that counts as a signature, or cosign's older format.
    signed() {
      key="$1"; hash="$2"; shift 2
      for type in "$@"; do attested "$key" "$hash" "$type" && return 0; done
      cosign verify --new-bundle-format=false --key "$keys/$key.pub" --signature-digest-algorithm "$hash" --insecure-ignore-tlog=true $options "$image" >/dev/null 2>&1
    }

    level=enforce
    case "$repository" in
    \(cases.joined(separator: "\n"))
    esac
    echo "not trusted: $image" >&2
    if [ "$level" = enforce ]; then exit 1; fi
    echo "let through, because its rule is at level $level" >&2
    exit 0

    """
  }
}
