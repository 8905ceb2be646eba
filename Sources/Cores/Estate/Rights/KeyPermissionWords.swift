/// The words of access policies and of `key_ops`.
package enum KeyPermissionWords {
  /// What the key permissions of an access policy give; letter case does not count, `all` is everything.
  ///
  /// A word that is not in the table counts as `decrypt` and stands in `unknown`: a newer permission must not slip through.
  package static func capabilities(ofAccessPolicy words: [String]) -> (capabilities: Set<Capability>, unknown: [String]) {
    var result: Set<Capability> = []
    var unknown: [String] = []
    for word in words {
      switch word.lowercased() {
      case "all", "*": result.formUnion(everyAccessPolicyCapability)
      case let folded:
        if let capability = accessPolicy[folded] {
          result.insert(capability)
        } else {
          result.insert(.decrypt)
          unknown.append(word)
        }
      }
    }
    return (result, unknown)
  }

  /// What `key_ops` lets a key do. Words of other kinds (`deriveKey`) say nothing here.
  package static func capabilities(ofKeyOps words: [String]) -> Set<Capability> {
    Set(words.compactMap { keyOps[$0.lowercased()] })
  }

  private static let accessPolicy: [String: Capability] = [
    "sign": .sign, "verify": .verify, "get": .read, "list": .read, "getrotationpolicy": .read, "decrypt": .decrypt, "unwrapkey": .unwrap,
    "encrypt": .encrypt, "wrapkey": .wrap, "release": .release, "backup": .backup, "restore": .restore, "import": .import,
    "create": .create, "rotate": .rotate, "setrotationpolicy": .rotate, "update": .update, "delete": .delete, "purge": .purge,
    "recover": .recover,
  ]
  private static let everyAccessPolicyCapability = Set(accessPolicy.values)

  private static let keyOps: [String: Capability] = [
    "sign": .sign, "verify": .verify, "encrypt": .encrypt, "decrypt": .decrypt, "wrapkey": .wrap, "unwrapkey": .unwrap,
    "import": .import, "export": .export,
  ]
}
