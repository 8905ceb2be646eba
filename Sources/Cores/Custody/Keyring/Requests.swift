/// What a caller may set of a key's attributes; nil means "not given".
package struct AttributeRequest: Hashable, Sendable {
  package var enabled: Bool?
  package var notBefore: UnixTime?
  package var expires: UnixTime?
  package var exportable: Bool?

  package init(enabled: Bool? = nil, notBefore: UnixTime? = nil, expires: UnixTime? = nil, exportable: Bool? = nil) {
    self.enabled = enabled
    self.notBefore = notBefore
    self.expires = expires
    self.exportable = exportable
  }
}

/// What to make a new key or a new version of.
package struct CreateKey: Hashable, Sendable {
  package var spec: KeySpec
  /// Nil means the defaults of the key type.
  package var operations: KeyOperations?
  package var attributes: AttributeRequest
  package var tags: KeyTags

  package init(
    _ spec: KeySpec, operations: KeyOperations? = nil, attributes: AttributeRequest = AttributeRequest(), tags: KeyTags = .empty
  ) {
    self.spec = spec
    self.operations = operations
    self.attributes = attributes
    self.tags = tags
  }
}

/// What goes with imported key material.
package struct ImportRequest: Hashable, Sendable {
  package var operations: KeyOperations?
  package var attributes: AttributeRequest
  package var tags: KeyTags

  package init(operations: KeyOperations? = nil, attributes: AttributeRequest = AttributeRequest(), tags: KeyTags = .empty) {
    self.operations = operations
    self.attributes = attributes
    self.tags = tags
  }
}

/// What to change of one version: a given member replaces the old value as a whole, the rest stays.
package struct UpdateKey: Hashable, Sendable {
  package var operations: KeyOperations?
  package var attributes: AttributeRequest
  package var tags: KeyTags?

  package init(operations: KeyOperations? = nil, attributes: AttributeRequest = AttributeRequest(), tags: KeyTags? = nil) {
    self.operations = operations
    self.attributes = attributes
    self.tags = tags
  }
}
