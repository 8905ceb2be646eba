internal import Encodings
internal import Trust

/// Whom to trust, for what and since when: a policy of the schema `hallmark.trust/v1`.
///
/// Reading is strict: an unknown member, a name that stands twice, or a policy that nothing or everything would satisfy is an error.
public struct VerificationPolicy: Sendable, Hashable {
  let policy: TrustPolicy

  /// Reads a policy in JSON, at most 4 MiB.
  ///
  /// - Throws: ``PolicyError`` with the place and what was expected there.
  public init(json: some Sequence<UInt8>) throws(PolicyError) {
    let value: JSONValue
    do { value = try JSONValue.parse(json) } catch { throw PolicyError(description: "not JSON: \(error.description)") }
    try self.init(value)
  }

  /// Reads a policy from the tree that a parser of another format made of it, YAML for example.
  ///
  /// The library brings no YAML parser: hand over the tree of the one you use. Texts are taken for numbers and flags where those are expected, so a
  /// parser that leaves every scalar a text is fine.
  /// - Throws: ``PolicyError``, also when a mapping names a member twice or the tree is deeper than 32 levels or larger than 100 000 nodes.
  public init(tree: PolicyNode) throws(PolicyError) {
    var budget = 100_000
    try self.init(try tree.json(depth: 0, budget: &budget))
  }

  /// Trusts exactly one public key, over every artifact.
  ///
  /// - Parameters:
  ///   - publicKeyPEM: one `PUBLIC KEY` block: P-256, P-384, P-521, or RSA of 2048 to 8192 bits.
  ///   - name: of the key, in answers.
  public init(publicKeyPEM: String, name: String) throws(PolicyError) {
    do throws(TrustError) { policy = TrustPolicy(key: try PublicKey(pem: publicKeyPEM.utf8), name: name) } catch {
      throw PolicyError(description: error.description)
    }
  }

  private init(_ value: JSONValue) throws(PolicyError) {
    do throws(TrustError) { policy = try TrustPolicy.parse(value) } catch { throw PolicyError(description: error.description) }
  }

  private init(policy: TrustPolicy) { self.policy = policy }

  /// The policy with the bytes of keys that it pins by fingerprint alone. Keys that it does not pin are ignored: supplying adds no trust.
  public func supplying(publicKeysPEM: [String]) throws(PolicyError) -> VerificationPolicy {
    var keys: [PublicKey] = []
    for text in publicKeysPEM {
      do throws(TrustError) { keys.append(try PublicKey(pem: text.utf8)) } catch { throw PolicyError(description: error.description) }
    }
    return VerificationPolicy(policy: policy.supplying(keys))
  }
}

/// A policy as the tree a parser made of it.
public indirect enum PolicyNode: Sendable, Hashable {
  case text(String)
  case flag(Bool)
  case number(Int)
  case list([PolicyNode])
  /// Names must differ.
  case mapping([Member])

  /// One entry of a mapping.
  public struct Member: Sendable, Hashable {
    public var name: String
    public var value: PolicyNode

    public init(_ name: String, _ value: PolicyNode) {
      self.name = name
      self.value = value
    }
  }

  func json(depth: Int, budget: inout Int) throws(PolicyError) -> JSONValue {
    budget -= 1
    guard depth < 32, budget > 0 else { throw PolicyError(description: "the policy is too deep or too large") }
    switch self {
    case .text(let text): return .string(text)
    case .flag(let flag): return .bool(flag)
    case .number(let number): return .integer(number)
    case .list(let nodes):
      var values: [JSONValue] = []
      for node in nodes { values.append(try node.json(depth: depth + 1, budget: &budget)) }
      return .array(values)
    case .mapping(let members):
      var object = JSONObject()
      for member in members {
        guard object[member.name] == nil else { throw PolicyError(description: "the member \"\(member.name.prefix(80))\" stands twice in a mapping") }
        object[member.name] = try member.value.json(depth: depth + 1, budget: &budget)
      }
      return .object(object)
    }
  }
}
