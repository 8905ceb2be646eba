/// Why Custody did not do what was asked. Each case names the object and the reason; the surface maps it to the wire.
package enum CustodyError: Error, Hashable, Sendable {
  // What was asked makes no sense.
  case unsupportedSpec(SpecFault)
  case invalidMaterial(MaterialFault)
  case tooManyTags(count: Int, limit: Int)
  case tagTooLong(limit: Int)
  /// `import` marks an RSA exchange key and excludes every other operation.
  case importMustStandAlone(KeyName)
  case exportableIsFixed(KeyIdentity)
  case exportableNeedsReleasePolicy(KeyName)
  case invalidRandomCount(Int, allowed: ClosedRange<Int>)
  case invalidRotationPolicy(KeyName, RotationPolicyFault)
  case algorithmDoesNotFit(KeyIdentity, SignatureAlgorithm, KeySpec)
  case wrongDigestLength(KeyIdentity, SignatureAlgorithm, given: Int, allowed: ClosedRange<Int>)

  // The object's state forbids it.
  case keyNotFound(KeyName, version: KeyVersionID?)
  case deletedKeyNotFound(KeyName)
  /// A deleted key holds the name; it must be recovered or purged first.
  case nameIsDeleted(KeyName)
  case keyDisabled(KeyIdentity)
  case notYetValid(KeyIdentity, notBefore: UnixTime)
  case expired(KeyIdentity, expires: UnixTime)
  case operationNotInKeyOps(KeyIdentity, KeyOperation)
  case purgeProtected(KeyName, until: UnixTime)
  case tooManyKeys(limit: Int)
  case tooManyVersions(KeyName, limit: Int)

  /// The permit was made for another action or another object: a mistake of the caller's code.
  case permitDoesNotFit(wanted: String, given: String)

  // Something beneath failed.
  /// A stored row does not carry our MAC, or does not fit its neighbours: somebody changed it behind our back.
  case rowTampered(RowLabel)
  /// Another node changed the same key meanwhile; asking again is right.
  case changedMeanwhile(KeyName)
  case engine(EngineFailure)
  /// The key lives in an engine that this node does not run.
  case engineMissing(KeyIdentity, engine: String)
  case store(KeyStoreFailure)
}

package enum SpecFault: Hashable, Sendable {
  case rsaSize(Int)
  case octSize(Int)
  case publicExponent(UInt64)
}

/// What is wrong with imported key material. Never says more than which member.
package enum MaterialFault: Hashable, Sendable {
  case rsaModulusSize(bits: Int)
  case rsaExponent
  /// p·q ≠ n, d does not fit e, or a factor is not prime.
  case rsaInconsistent
  case rsaMemberTooLong
  case curvePointInvalid
  /// The private scalar is zero, beyond the order, or does not belong to the point.
  case curveScalarInvalid
  case octSize(bytes: Int)
}

/// Which stored row an error is about.
package enum RowLabel: Hashable, Sendable {
  case key(String)
  case version(name: String, version: String)
}
